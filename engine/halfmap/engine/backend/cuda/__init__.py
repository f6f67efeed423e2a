"""Kernels for cards, as text that is compiled where it runs."""

from pathlib import Path

_FOLDER = Path(__file__).parent
KERNELS = {
    "gather_slices": "gather",
    "fill_phases": "phases",
    "insert_slices": "insert",
    "add_residual_terms": "residuals",
    "add_rotated": "rotate",
}
"""By kernel: the file that it is in."""


def source(kernel: str) -> str:
    """Text of a kernel with all that it needs, in one piece."""
    files = ("common.cuh", "atomics.cuh", f"{KERNELS[kernel]}.cu")
    return "\n".join((_FOLDER / file).read_text() for file in files)
