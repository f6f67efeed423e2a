"""Particles made of random numbers, for measuring the backend without a refinement around it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex64, Float32, Float64
from scipy.spatial.transform import Rotation

from halfmap.engine.backend.interface import Backend, Comparison
from halfmap.engine.backend.select import backend
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.fourier.shells import disc
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.sampling.common_grid import CommonGrid
from halfmap.engine.sampling.offsets import OffsetGrid
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.symmetry import PointGroup

PADDING = 2
LARGEST_TILT_DEG = 54.0
OFFSET_STEP_PX = 2.0
_ORDER = 2


@dataclass(frozen=True)
class ProblemSize:
    """How large a problem is.

    Parameters
    ----------
    box_px, window_px
        Box of the images, and their Fourier window; 0 for all of the box.
    tilts, particles, orientations
        Numbers of them.
    offset_range_px
        Offsets within this distance are searched.
    padding
        Of the reference.
    """

    box_px: int
    window_px: int = 0
    tilts: int = 13
    particles: int = 1
    orientations: int = 256
    offset_range_px: float = 4.0
    padding: int = PADDING


@dataclass(frozen=True)
class Problem:
    """Images, a reference, and poses.

    Parameters
    ----------
    images, frames
        Of each particle; all are seen from the same sides.
    transform
        What they are compared with.
    geometry
        Of the accumulator.
    rotations, offsets_px
        Poses, neighbours beside each other as in a search.
    """

    images: tuple[TiltImages, ...]
    frames: Float64[np.ndarray, "particles 3 3"]
    transform: Complex64[np.ndarray, "z y x"]
    geometry: AccumulatorGeometry
    rotations: Float64[np.ndarray, "orientations 3 3"]
    offsets_px: Float64[np.ndarray, "offsets 3"]

    @property
    def weights(self) -> Float32[np.ndarray, "orientations offsets"]:
        """Equal posteriors."""
        shape = (len(self.rotations), len(self.offsets_px))
        return np.full(shape, 1 / np.prod(shape), np.float32)

    def comparison(self, computing: Backend) -> Comparison:
        """Prepare all particles for being compared with the same slices."""
        reference = computing.reference(self.transform)
        nowhere = np.zeros((len(self.images), 3))
        return computing.comparison(reference, self.images, self.frames, nowhere, self.offsets_px)

    @property
    def matrices(self) -> Float32[np.ndarray, "tilts orientations 2 3"]:
        """Maps from pixel indices to voxels."""
        geometry = self.images[0].geometry @ self.frames[0].T
        return (geometry[:, None] @ self.rotations).astype(np.float32)


def make_problem(sizes: ProblemSize) -> Problem:
    """Draw a problem; the same sizes give the same one."""
    random = np.random.default_rng(1)
    window_px = sizes.window_px or sizes.box_px
    geometry = AccumulatorGeometry(sizes.box_px, sizes.padding, window_px // 2)
    frames = Rotation.random(sizes.particles, random_state=1).as_matrix()
    return Problem(
        tuple(_images(sizes, window_px, random, frames)),
        frames,
        _noise(random, *geometry.shape[:3]),
        geometry,
        _rotations()[: sizes.orientations],
        OffsetGrid(sizes.offset_range_px, OFFSET_STEP_PX, 1).coarse_angstrom,
    )


def _rotations() -> Float64[np.ndarray, "orientations 3 3"]:
    grid = OrientationGrid(_ORDER, 1, PointGroup.parse("C1"))
    return CommonGrid(grid, None, np.ones(len(grid.pixels)), 0.0).rotations


def _images(
    sizes: ProblemSize, window_px: int, random: np.random.Generator, frames: Float64[np.ndarray, "particles 3 3"]
) -> Iterator[TiltImages]:
    """Draw each particle's images; a particle's frame turns as the particle does, so that all see the same sides."""
    pixels = disc(sizes.box_px, window_px, window_px / 2)
    angles = np.linspace(-LARGEST_TILT_DEG, LARGEST_TILT_DEG, sizes.tilts)
    sides = Rotation.from_euler("y", angles[:, None], degrees=True).as_matrix()
    shape = (sizes.tilts, len(pixels.kx))
    any_particle = TiltImages(
        pixels=pixels,
        rotations=sides,
        geometry=sizes.padding * sides[:, :2],
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
    for frame in frames:
        turned = sides @ frame
        yield replace(
            any_particle,
            rotations=turned,
            geometry=sizes.padding * turned[:, :2],
            masked=_noise(random, *shape),
            ctf=random.uniform(0.1, 1, shape).astype(np.float32),
        )


def _noise(random: np.random.Generator, *shape: int) -> Complex64[np.ndarray, "*shape"]:
    pairs = random.standard_normal((*shape, 2), np.float32)
    return np.ascontiguousarray(pairs).view(np.complex64)[..., 0]


def load_kernels() -> None:
    """Compile all kernels, or read them from disk, so that this is not measured."""
    computing = backend(1)
    problem = make_problem(ProblemSize(8, tilts=2, orientations=2, offset_range_px=2.0))
    reference, images = computing.reference(problem.transform), problem.images[0]
    poses = (reference, images, problem.rotations, problem.offsets_px)
    computing.scores(*poses)
    computing.correlations(*poses)
    accumulator = Accumulator.empty(problem.geometry)
    computing.accumulate(*poses, problem.weights, accumulator)
    computing.symmetrise(accumulator, problem.rotations)
