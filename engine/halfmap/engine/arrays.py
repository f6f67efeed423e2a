"""Arrays, wherever they lie."""

from typing import Any

Array = Any
"""NumPy's or, on a card, CuPy's: understands NumPy's functions and operators, but only together with its own kind."""
