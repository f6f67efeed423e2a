"""A particle made of random numbers, for measuring the backend without a refinement around it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32, Float64
from scipy.spatial.transform import Rotation

from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.fourier.shells import disc
from halfmap.engine.imaging.tilt_images import TiltImages

PADDING = 2
LARGEST_TILT_DEG = 54.0


@dataclass(frozen=True)
class Problem:
    """Images, a reference, and poses.

    Parameters
    ----------
    images, transform
        What is compared with what, both up to Nyquist.
    geometry
        Of the accumulator.
    rotations, offsets_px
        Poses.
    """

    images: TiltImages
    transform: Complex64[np.ndarray, "z y x"]
    geometry: AccumulatorGeometry
    rotations: Float64[np.ndarray, "orientations 3 3"]
    offsets_px: Float64[np.ndarray, "offsets 3"]

    @property
    def weights(self) -> Float32[np.ndarray, "orientations offsets"]:
        """Equal posteriors."""
        shape = (len(self.rotations), len(self.offsets_px))
        return np.full(shape, 1 / np.prod(shape), np.float32)


def make_problem(box_px: int, tilts: int, orientations: int, offsets: int) -> Problem:
    """Draw a problem; the same sizes give the same one."""
    random = np.random.default_rng(1)
    geometry = AccumulatorGeometry(box_px, PADDING, box_px // 2)
    return Problem(
        _images(box_px, tilts, random),
        _noise(random, *geometry.shape[:3]),
        geometry,
        Rotation.random(orientations, random_state=1).as_matrix(),
        random.uniform(-2, 2, (offsets, 3)),
    )


def _images(box_px: int, tilts: int, random: np.random.Generator) -> TiltImages:
    pixels = disc(box_px, box_px, box_px / 2)
    angles = np.linspace(-LARGEST_TILT_DEG, LARGEST_TILT_DEG, tilts)
    frames = Rotation.from_euler("y", angles[:, None], degrees=True).as_matrix()
    shape = (tilts, len(pixels.kx))
    return TiltImages(
        pixels=pixels,
        rotations=frames,
        geometry=PADDING * frames[:, :2],
        masked=_noise(random, *shape),
        unmasked=_noise(random, *shape),
        ctf=random.uniform(0.1, 1, shape).astype(np.float32),
        inverse_sigma2=random.uniform(0.5, 2, shape[1]).astype(np.float32),
        shells=np.floor(pixels.radius + 0.5).astype(np.int64),
        first_shell=0,
        back_projects=np.ones(shape[1], bool),
        scale=1.0,
        premultiplied=True,
    )


def _noise(random: np.random.Generator, *shape: int) -> Complex64[np.ndarray, "*shape"]:
    pairs = random.standard_normal((*shape, 2), np.float32)
    return np.ascontiguousarray(pairs).view(np.complex64)[..., 0]


def load_kernels() -> None:
    """Compile all kernels, or read them from disk, so that this is not measured."""
    backend, problem = CpuBackend(), make_problem(8, 2, 2, 2)
    reference = backend.reference(problem.transform)
    poses = (reference, problem.images, problem.rotations, problem.offsets_px)
    backend.scores(*poses)
    backend.correlations(*poses)
    accumulator = Accumulator.empty(problem.geometry)
    backend.accumulate(*poses, problem.weights, accumulator)
    backend.symmetrise(accumulator, problem.rotations)
