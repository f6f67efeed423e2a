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
    """Compile a kernel at its first call, without the interpreter's lock, and keep the machine code on disk.

    Where no folder can be written, neither the package's own nor the user's cache, each process compiles anew.
    """
    try:
        return _compiled(function, kept=True)
    except RuntimeError:
        return _compiled(function, kept=False)


def _compiled(function: Callable[P, R], kept: bool) -> Callable[P, R]:
    kernel: Callable[P, R] = numba.njit(cache=kept, nogil=True, fastmath=True, error_model="numpy")(function)
    return kernel
