"""Kernels for cards are compiled by NVIDIA's compiler, which needs no card; how fast they are is not seen here."""

import ctypes
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from halfmap.engine.backend.cuda import KERNELS, source

ARCHITECTURES = {"Ampere": "sm_80", "Hopper": "sm_90"}
MOST_REGISTERS = 64  # of which 1,024 threads, four blocks as they are launched, fit onto a multiprocessor


@pytest.fixture(scope="session")
def compiler():
    """The compiler's library, out of the package that the tests depend on."""
    try:
        package = find_spec("nvidia.cuda_nvrtc")
    except ModuleNotFoundError:
        package = None
    if package is None or not package.submodule_search_locations:
        pytest.skip("nvidia-cuda-nvrtc-cu12 is not installed")
    return ctypes.CDLL(str(Path(package.submodule_search_locations[0]) / "lib" / "libnvrtc.so.12"))


def compiled(compiler, text, architecture):
    """Exit code and what the compiler says."""
    program = ctypes.c_void_p()
    assert compiler.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None) == 0
    options = [f"--gpu-architecture={architecture}".encode(), b"--std=c++17", b"--ptxas-options=-v"]
    code = compiler.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    compiler.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    compiler.nvrtcGetProgramLog(program, log)
    compiler.nvrtcDestroyProgram(ctypes.byref(program))
    return code, log.value.decode()


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_compiles_and_keeps_its_numbers_in_registers(compiler, kernel, architecture):
    code, told = compiled(compiler, source(kernel), architecture)
    assert code == 0, told
    assert re.findall(r"(\d+) bytes spill", told) == ["0", "0"], told
    (registers,) = re.findall(r"Used (\d+) registers", told)
    assert int(registers) <= MOST_REGISTERS


def test_a_mistake_in_a_kernel_is_told(compiler):
    code, told = compiled(compiler, source("gather_slices").replace("place_of(", "places_of(", 1), "sm_80")
    assert code != 0
    assert "place_of" in told
