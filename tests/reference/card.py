"""A card that is played by a processor.

The kernels are the same text, compiled by the C++ compiler; a launch is a loop, so that races and alignment are not
found. Arrays are as strict as those on a card: they do not mix with others and do not turn into them by themselves.
"""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from halfmap.engine.backend.cuda import KERNELS, source
from halfmap.engine.backend.cuda_device import CudaDevice
from halfmap.engine.backend.matrix_backend import MatrixBackend
from halfmap.engine.backend.precision import Precision

AS_ON_A_PROCESSOR = """
#include <cmath>
#define __device__
#define __global__
struct Index { unsigned x; };
static Index threadIdx, blockIdx, blockDim;
static float atomicAdd(float* at, float value) { float before = *at; *at += value; return before; }
"""
ALL_THREADS = """
extern "C" void all_threads_of_{kernel}(unsigned threads{parameters}) {{
    blockIdx.x = 0; blockDim.x = threads;
    for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) {kernel}({names});
}}
"""


def text_of(kernel: str) -> str:
    """A kernel with a function that runs it in all threads of a launch."""
    text = source(kernel)
    code = "".join(line.split("//")[0] for line in text.splitlines())
    plain = code[code.index(f"void {kernel}(") :].split("(", 1)[1].split(")")[0]
    names = [one.split()[-1].lstrip("*") for one in plain.split(",")]
    return AS_ON_A_PROCESSOR + text + ALL_THREADS.format(kernel=kernel, parameters=f", {plain}", names=", ".join(names))


def compile_kernels(folder: Path) -> dict[str, ctypes._CFuncPtr]:
    """By kernel: a function that is given the number of threads and the arguments."""
    found = {}
    for kernel in KERNELS:
        text, library = folder / f"{kernel}.cpp", folder / f"{kernel}.so"
        text.write_text(text_of(kernel))
        subprocess.run(["g++", "-O2", "-std=c++17", "-shared", "-fPIC", text, "-o", library], check=True)
        found[kernel] = getattr(ctypes.CDLL(str(library)), f"all_threads_of_{kernel}")
    return found


class StrictArray(NDArrayOperatorsMixin):
    """An array on the card: whoever mixes it up with one of the host gets an error, as from CuPy."""

    __slots__ = ("values",)

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise TypeError("an array on the card does not turn into one of the host by itself")

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return wrapped(getattr(ufunc, method)(*unwrapped(inputs), **unwrapped(options)))

    def __array_function__(self, function, types, inputs, options):
        if function is np.asarray:
            return StrictArray(np.array(inputs[0], order="C"))
        return wrapped(function(*unwrapped(inputs), **unwrapped(options)))

    def get(self):
        return self.values.copy()

    def __getattr__(self, name):
        found = getattr(self.values, name)
        if callable(found):
            return lambda *inputs, **options: wrapped(found(*unwrapped(inputs), **unwrapped(options)))
        return wrapped(found)

    def __getitem__(self, where):
        return wrapped(self.values[unwrapped(where)])

    def __setitem__(self, where, new):
        self.values[unwrapped(where)] = unwrapped(new)

    def __len__(self):
        return len(self.values)

    def __float__(self):
        return float(self.values)

    def __int__(self):
        return int(self.values)


def wrapped(found):
    """Results are on the card, numbers too."""
    if isinstance(found, np.ndarray | np.generic):
        return StrictArray(np.asarray(found))
    return type(found)(map(wrapped, found)) if isinstance(found, tuple | list) else found


def unwrapped(given):
    """Inputs have to be on the card, or single numbers."""
    if isinstance(given, StrictArray):
        return given.values
    if isinstance(given, np.ndarray):
        raise TypeError("an array of the host among those on the card")
    if isinstance(given, tuple | list):
        return type(given)(map(unwrapped, given))
    if isinstance(given, dict):
        return {name: unwrapped(one) for name, one in given.items()}
    return given


class PlayedCard(CudaDevice):
    """Runs kernels on a processor."""

    def __init__(self, kernels: dict[str, ctypes._CFuncPtr]) -> None:
        super().__init__(1 << 30)
        self._kernels = kernels

    def put(self, values):
        if isinstance(values, StrictArray):
            return values
        assert isinstance(values, np.ndarray)
        return StrictArray(values.copy(order="C"))

    def take(self, values):
        return values.get()

    def empty(self, *shape):
        return StrictArray(np.full(shape, np.nan, np.float32))

    def launch(self, kernel, threads, *arguments):
        words = []
        for one in arguments:
            if isinstance(one, StrictArray):
                assert one.values.flags.c_contiguous
                words.append(one.values.ctypes.data_as(ctypes.c_void_p))
            else:
                assert type(one) is int
                words.append(ctypes.c_int(one))
        self._kernels[kernel](ctypes.c_uint(threads), *words)


class PlayedBackend(MatrixBackend):
    """The expectation step on a played card.

    Parameters
    ----------
    kernels
        See `compile_kernels`.
    noise
        By how much products of less than single precision are wrong, as a share.
    """

    def __init__(self, kernels: dict[str, ctypes._CFuncPtr], precision=Precision.FP32, noise=0.0) -> None:
        super().__init__(PlayedCard(kernels))
        self.noise = noise
        self.use(precision)

    def use(self, precision):
        self.precision = precision

    def scores(self, *arguments):
        found = super().scores(*arguments)
        if self.precision is Precision.FP32:
            return found
        wrong = np.random.default_rng(1).uniform(1 - self.noise, 1 + self.noise, found.shape)
        return found * self.on_device(wrong.astype(np.float32))
