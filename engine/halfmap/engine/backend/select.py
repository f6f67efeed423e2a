"""Choosing what computes."""

import importlib.util

from halfmap.engine.backend.interface import Backend
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.backend.precision import CardSettings


def has_cupy() -> bool:
    """Whether CuPy is installed; it is not loaded."""
    return importlib.util.find_spec("cupy") is not None


def finds_a_card() -> bool:
    """Whether CuPy finds a card; it is loaded for this."""
    if not has_cupy():
        return False
    from cupy import cuda  # noqa: PLC0415 - loaded where cards are asked for only

    return bool(cuda.is_available())


def backend(threads: int, card: CardSettings | None = None) -> Backend:
    """Return the backend for this machine's cores, or for the first card that this process sees."""
    if card is None:
        return CpuBackend(threads)
    from halfmap.engine.backend.on_gpu import GpuBackend  # noqa: PLC0415 - CuPy is there on machines with cards only

    return GpuBackend(card)
