"""Kernels for cards, as text that is compiled where it runs."""

from pathlib import Path

_FOLDER = Path(__file__).parent
KERNELS = {"gather": "gather_slices", "insert": "insert_slices", "residuals": "add_residual_terms"}
"""By file: the kernel in it."""


def source(name: str) -> str:
    """Text of a kernel with all that it needs, in one piece."""
    return "\n".join((_FOLDER / file).read_text() for file in ("common.cuh", "atomics.cuh", f"{name}.cu"))
