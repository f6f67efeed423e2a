"""Choosing what computes."""

import importlib.util

from halfmap.engine.backend.interface import Backend
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.backend.precision import Precision


def cards() -> int:
    """Number of cards that CuPy finds; 0 without CuPy."""
    if importlib.util.find_spec("cupy") is None:
        return 0
    from cupy.cuda import runtime  # noqa: PLC0415 - loaded where cards are asked for only

    try:
        return int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError:
        return 0


def backend(threads: int, precision: Precision | None = None) -> Backend:
    """Return the backend for this machine's cores or, given a precision, for the card that this process sees."""
    if precision is None:
        return CpuBackend(threads)
    from halfmap.engine.backend.on_gpu import GpuBackend  # noqa: PLC0415 - CuPy is there on machines with cards only

    return GpuBackend(precision)
