"""Arrays, wherever they lie: on the host, or on a card."""

from typing import Any

import numpy as np

Array = Any
"""NumPy's or, on a card, CuPy's: understands NumPy's functions and operators, but only together with its own kind."""


def beside(values: np.ndarray, other: Array) -> Array:
    """Copy values to where another array lies; nothing is copied if that is the host."""
    return values if isinstance(other, np.ndarray) else np.asarray(values, like=other)


def on_host(values: Array) -> np.ndarray:
    """Copy an array to the host, which waits for it if it is on a card."""
    return values if isinstance(values, np.ndarray) else values.get()
