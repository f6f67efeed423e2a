"""The backend for an NVIDIA card, with CuPy: cuBLAS for products, kernels compiled where they run.

Nothing else computes with CuPy; `select` asks it whether there is a card. All threads of a rank share one stream, so
that what one has started is done before what another starts later.
"""

from typing import Any

import cupy
import numpy as np
from jaxtyping import Float32

from halfmap.engine.arrays import Array
from halfmap.engine.backend.cuda import KERNELS, source
from halfmap.engine.backend.cuda_device import CudaDevice
from halfmap.engine.backend.matrix_backend import MatrixBackend
from halfmap.engine.backend.precision import CardSettings, Precision

_THREADS_OF_A_BLOCK = 256


class Card(CudaDevice):
    """The first card that this process sees.

    Parameters
    ----------
    leave_free_mb
        Memory that is left to others.
    """

    def __init__(self, leave_free_mb: int) -> None:
        free, _ = cupy.cuda.runtime.memGetInfo()
        super().__init__(max(free - (leave_free_mb << 20), 0))
        cupy.get_default_memory_pool().set_limit(self.memory_bytes)
        self._kernels: dict[str, Any] = {}
        for kernel in KERNELS:
            module = cupy.RawModule(code=source(kernel), options=("--std=c++17",))
            self._kernels[kernel] = module.get_function(kernel)

    def put(self, values: np.ndarray) -> Array:
        """Copy an array to the card."""
        return cupy.asarray(values, order="C")

    def take(self, values: Array) -> np.ndarray:
        """Copy an array from the card, which waits for all that was started."""
        return cupy.asnumpy(values)

    def empty(self, *shape: int) -> Float32[Array, "*shape"]:
        """Make an array with any contents."""
        return cupy.empty(shape, cupy.float32)

    def launch(self, kernel: str, threads: int, *arguments: Array | int) -> None:
        """Run a kernel; nothing waits for it."""
        assert all(isinstance(one, int) or one.flags.c_contiguous for one in arguments)
        blocks = -(-threads // _THREADS_OF_A_BLOCK)
        words = tuple(np.int32(one) if isinstance(one, int) else one for one in arguments)
        if blocks:
            self._kernels[kernel]((blocks,), (_THREADS_OF_A_BLOCK,), words)


class GpuBackend(MatrixBackend):
    """The expectation step on a card.

    Parameters
    ----------
    card
        What a person decides about it.
    """

    def __init__(self, card: CardSettings) -> None:
        super().__init__(Card(card.leave_free_mb))
        self.use(card.precision)

    def use(self, precision: Precision) -> None:
        """Multiply matrices with this precision from now on."""
        self.precision = precision
        linear = cupy._core._routines_linalg  # CuPy has no public way to choose this
        kinds = {
            Precision.TF32: linear.COMPUTE_TYPE_TF32,
            Precision.FP32: linear.COMPUTE_TYPE_PEDANTIC,
            Precision.BF16: linear.COMPUTE_TYPE_BF16,
        }
        linear.set_compute_type(cupy.dtype("float32"), kinds[precision])
