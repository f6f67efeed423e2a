"""Loops that NumPy cannot express without temporaries, compiled by numba and cached on disk.

Each kernel is compared with a plain NumPy formula in the tests. Kernels hold no lock and start no threads; a rank's
threads each work on particles of their own.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel at its first call, without the interpreter's lock, and keep the machine code on disk."""
    kernel: Callable[P, R] = numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function)
    return kernel
