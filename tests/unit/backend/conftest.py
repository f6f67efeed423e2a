"""Small random problems for backends."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.backend.interface import Backend
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.backend.precision import CardSettings, Precision
from halfmap.engine.backend.select import finds_a_card
from halfmap.engine.fourier.backprojector import AccumulatorGeometry
from halfmap.engine.fourier.shells import disc
from halfmap.engine.imaging.tilt_images import TiltImages


@dataclass(frozen=True)
class Problem:
    """Images, a random reference transform, poses and posteriors."""

    images: TiltImages
    transform: np.ndarray
    geometry: AccumulatorGeometry
    zoom: float
    rotations: np.ndarray
    offsets_px: np.ndarray
    weights: np.ndarray


def hermitian_noise(geometry: AccumulatorGeometry, random: np.random.Generator) -> np.ndarray:
    """Random half-transform within the filled sphere, its plane x = 0 conjugate-symmetric."""
    values = random.normal(size=(*geometry.shape[:3], 2)) @ [1, 1j]
    values[:, :, 0] += values[::-1, ::-1, 0].conj()
    values[geometry.radius2 > geometry.radius**2] = 0
    return values.astype(np.complex64)


def make_problem(
    *,
    box_px: int = 12,
    image_box_px: int = 12,
    ratio: float = 1.0,
    padding: int = 2,
    max_shell: int = 4,
    tilts: int = 3,
    premultiplied: bool = True,
    scale: float = 1.3,
    first_shell: int = 0,
    poses: tuple[int, int] = (4, 3),
    seed: int = 1,
    dimensions: int = 2,
    multiplicity: bool = False,
) -> Problem:
    """`ratio` is the number of model shells per image shell; with 3 dimensions the images are volumes.

    With a multiplicity the noise differs between pixels, and some pixels say nothing.
    """
    random = np.random.default_rng(seed)
    geometry = AccumulatorGeometry(box_px, padding, max_shell)
    pixels = disc(image_box_px, image_box_px, max_shell / ratio, dimensions)
    count = len(pixels.kx)
    frames = Rotation.random(tilts, rng=seed).as_matrix()
    shape = (tilts, count)

    def noise() -> np.ndarray:
        return (random.normal(size=(*shape, 2)) @ [1, 1j]).astype(np.complex64)

    images = TiltImages(
        pixels=pixels,
        rotations=frames,
        geometry=padding * ratio * frames[:, :dimensions],
        masked=noise(),
        unmasked=noise(),
        # premultiplied images have CTF² ≥ 0; plain ones a CTF of either sign
        ctf=random.uniform(0.05 if premultiplied else -1, 1, shape).astype(np.float32),
        inverse_sigma2=random.uniform(0.5, 2, count).astype(np.float32),
        shells=np.floor(ratio * np.floor(pixels.radius + 0.5) + 0.5).astype(np.int64),
        first_shell=first_shell,
        back_projects=random.uniform(size=count) < 0.8,
        scale=scale,
        premultiplied=premultiplied,
    )
    if multiplicity:
        m = random.choice([0, 1, 2.5, 17], shape).astype(np.float32)
        images = replace(images, inverse_multiplicity=np.divide(1, m, out=np.zeros_like(m), where=m > 0))
    weights = random.dirichlet(np.ones(poses[0] * poses[1])).reshape(poses).astype(np.float32)
    weights[0, 0] = 0
    return Problem(
        images,
        hermitian_noise(geometry, random),
        geometry,
        padding * ratio,
        Rotation.random(poses[0], rng=seed + 1).as_matrix(),
        random.uniform(-3, 3, (poses[1], 3)),
        weights,
    )


PROBLEMS = {
    "padded and premultiplied": {},
    "unpadded": {"padding": 1, "box_px": 8, "image_box_px": 8, "max_shell": 3},
    "plain images": {"premultiplied": False},
    "coarser images": {"image_box_px": 16, "ratio": 0.75, "max_shell": 4},
    "finer images, first shells left out": {"image_box_px": 10, "ratio": 1.2, "max_shell": 5, "first_shell": 3},
    "up to Nyquist": {"box_px": 8, "image_box_px": 8, "max_shell": 4},
    "noise that differs between pixels": {"multiplicity": True},
}


@pytest.fixture(params=PROBLEMS.values(), ids=PROBLEMS.keys())
def problem(request: pytest.FixtureRequest) -> Problem:
    return make_problem(**request.param)


@pytest.fixture
def one_problem() -> Problem:
    return make_problem()


@pytest.fixture
def plain_backend(plain):
    """Makes the plain implementation for a problem."""
    return lambda problem: plain.PlainBackend(problem.zoom, problem.geometry.radius)


@pytest.fixture(params=["cores", "a processor that plays a card", "a card"])
def backend(request: pytest.FixtureRequest, played_card) -> Backend:
    """Every backend that can be tried here."""
    if request.param == "cores":
        return CpuBackend(2)
    if request.param == "a card":
        if not finds_a_card():
            pytest.skip("CuPy finds no card")
        from halfmap.engine.backend.on_gpu import GpuBackend

        return GpuBackend(CardSettings(Precision.FP32))
    return played_card.PlayedBackend(request.getfixturevalue("kernels"))
