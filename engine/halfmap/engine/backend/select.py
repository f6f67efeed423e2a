"""Choosing what computes."""

from halfmap.engine.backend.interface import Backend
from halfmap.engine.backend.on_cpu import CpuBackend


def backend(threads: int) -> Backend:
    """Return the backend for this machine's cores."""
    return CpuBackend(threads)
