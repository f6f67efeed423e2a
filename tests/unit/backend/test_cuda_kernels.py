"""The kernels for cards on a processor: the same text, compiled by the C++ compiler, against the plain backend.

Launches are loops here; races and alignment are not found that way.
"""

import ctypes
import shutil
import subprocess
from itertools import product

import numpy as np
import pytest

from halfmap.engine.backend.cuda import KERNELS, source
from halfmap.engine.fourier.backprojector import Accumulator

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler is installed")

SINGLE = 3e-5
THREADS = 32
AS_ON_A_PROCESSOR = """
#define __device__
#define __global__
struct Index { unsigned x; };
static Index threadIdx, blockIdx, blockDim;
static float atomicAdd(float* at, float value) { float before = *at; *at += value; return before; }
extern "C" void become(unsigned block, unsigned threads, unsigned thread) {
    blockIdx.x = block; blockDim.x = threads; threadIdx.x = thread;
}
"""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Each kernel as a function that is called for all threads of a launch."""
    folder, libraries = tmp_path_factory.mktemp("kernels"), {}
    for file, name in KERNELS.items():
        text, library = folder / f"{file}.cpp", folder / f"{file}.so"
        text.write_text(AS_ON_A_PROCESSOR + source(file))
        subprocess.run(["g++", "-O1", "-std=c++17", "-shared", "-fPIC", text, "-o", library], check=True)
        libraries[name] = ctypes.CDLL(str(library))

    def launch(name, count, *arguments):
        library = libraries[name]
        words = [one.ctypes.data_as(ctypes.c_void_p) if isinstance(one, np.ndarray) else one for one in arguments]
        for block, thread in product(range(-(-count // THREADS)), range(THREADS)):
            library.become(block, THREADS, thread)
            getattr(library, name)(*words)

    return launch


def pairs(values):
    return np.ascontiguousarray(np.stack([values.real, values.imag], axis=-1), np.float32)


def geometry_of(problem):
    """Size of the padded arrays, pixel indices, and the maps of all slices, tilt by tilt of each orientation."""
    size, _, half, _ = problem.geometry.shape
    images = problem.images
    matrices = (images.geometry @ problem.rotations[:, None]).astype(np.float32)
    return (
        size,
        half,
        np.ascontiguousarray(matrices),
        *(k.astype(np.float32) for k in (images.pixels.kx, images.pixels.ky)),
    )


def assert_near(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=SINGLE * np.abs(expected).max())


def test_slices_and_their_squares_are_gathered(problem, plain_backend, compiled):
    size, half, matrices, kx, ky = geometry_of(problem)
    count, pixels = matrices.shape[0] * matrices.shape[1], len(kx)
    slices, squares = np.empty((*matrices.shape[:2], pixels, 2), np.float32), np.empty((count, pixels), np.float32)
    compiled(
        "gather_slices", count * pixels, pairs(problem.transform), size, half, matrices, kx, ky, count, pixels, slices, squares
    )  # fmt: skip
    plain = plain_backend(problem)
    expected = plain.slices(plain.reference(problem.transform), problem.images, problem.rotations)
    assert_near(slices[..., 0] + 1j * slices[..., 1], expected)
    assert_near(squares.reshape(expected.shape), np.abs(expected) ** 2)


def mean_phases(problem):
    """Posterior-weighted sums of the phase factors of all offsets, for each orientation."""
    images = problem.images
    shifts = images.shifts(problem.offsets_px)
    phases = np.exp(-2j * np.pi * (shifts[..., :1] * images.pixels.kx + shifts[..., 1:] * images.pixels.ky))
    return pairs(np.einsum("ot,tfk->ofk", problem.weights, phases))


def test_pixels_are_spread_over_their_neighbours(problem, plain_backend, compiled):
    size, half, matrices, kx, ky = geometry_of(problem)
    images, plain = problem.images, plain_backend(problem)
    count, pixels, tilts = matrices.shape[0] * matrices.shape[1], len(kx), matrices.shape[1]
    sums = np.zeros((size, size, half, 4), np.float32)
    mass = problem.weights.sum(axis=1).astype(np.float32)
    compiled(
        "insert_slices", count * pixels, sums, size, half, matrices, kx, ky, count, pixels, tilts, mean_phases(problem),
        mass, pairs(images.back_projected), np.ascontiguousarray(images.back_projected_weight),
    )  # fmt: skip
    expected = Accumulator.empty(problem.geometry)
    arguments = (images, problem.rotations, problem.offsets_px, problem.weights)
    plain.accumulate(plain.reference(problem.transform), *arguments, expected)
    for part in range(3):
        assert_near(sums[..., part], expected.sums[..., part])
    assert (sums[..., 3] == 0).all()


@pytest.mark.parametrize("at_once", [1, 5, 1000])
def test_residual_terms_are_added_up(problem, plain_backend, compiled, at_once):
    images, plain = problem.images, plain_backend(problem)
    reference = plain.reference(problem.transform)
    slices = plain.slices(reference, images, problem.rotations)
    count, pixels, tilts = slices.shape[0] * slices.shape[1], slices.shape[2], slices.shape[1]
    cross, power = np.zeros(pixels, np.float32), np.zeros(pixels, np.float32)
    mass = problem.weights.sum(axis=1).astype(np.float32)
    groups = -(-count // at_once)
    compiled(
        "add_residual_terms", groups * pixels, pairs(slices), mean_phases(problem), mass, pairs(images.masked),
        np.ascontiguousarray(images.ctf), count, pixels, tilts, at_once, cross, power,
    )  # fmt: skip
    arguments = (images, problem.rotations, problem.offsets_px, problem.weights)
    expected = plain.accumulate(reference, *arguments, Accumulator.empty(problem.geometry))
    assert_near(cross, expected.cross)
    assert_near(power, expected.power)
