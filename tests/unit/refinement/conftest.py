"""A small world: an object, its projections in a few tilt images, and a refinement of them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.imaging.ctf import Microscope, TiltCtf, ctf_values
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.particles.particle import Assignments, ParticleSet
from halfmap.engine.particles.pose import euler_to_matrix, matrix_to_euler
from halfmap.engine.particles.tilt_series import TiltSeries, tilt_rotation
from halfmap.engine.ranks.alone import Alone
from halfmap.engine.refinement.auto_sampling import AutoSampling
from halfmap.engine.refinement.maximization import MaximizationSettings
from halfmap.engine.refinement.observer import Observer
from halfmap.engine.refinement.refinement import ImageSource, Refinement, SumsExchange
from halfmap.engine.refinement.settings import HalfSetSettings, Quirks, SearchSettings, Settings
from halfmap.engine.sampling.symmetry import PointGroup

BOX, PIXEL = 16, 8.0
AXIS = np.arange(BOX) - BOX // 2
TILTS_DEG = np.array([-40.0, 0.0, 40.0])
# points of the object in pixels, without any symmetry
POINTS = np.array([[3.0, 0.0, 0.0], [0.0, 2.5, 0.5], [-1.0, -1.0, 3.0], [-2.0, 1.5, -2.0]])
HEIGHTS = np.array([1.0, 0.6, 1.3, 0.8])
WIDTH = 1.1
MAXIMIZATION = MaximizationSettings(
    tau2_fudge=1.0,
    minimum_shell=5,
    gridding_iterations=0,
    minimum_sigma2_offset=2.0,
    fix_noise=False,
    fix_offset=False,
    correct_scale=False,
    threads=1,
)


def object_density() -> np.ndarray:
    z, y, x = np.meshgrid(AXIS, AXIS, AXIS, indexing="ij")
    return sum(
        h * np.exp(-((x - p[0]) ** 2 + (y - p[1]) ** 2 + (z - p[2]) ** 2) / (2 * WIDTH**2))
        for p, h in zip(POINTS, HEIGHTS, strict=True)
    ).astype(np.float32)


def projection(rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Sum along the beam of the object turned by a rotation and then moved by a shift, in pixels."""
    y, x = np.meshgrid(AXIS, AXIS, indexing="ij")
    top = WIDTH * np.sqrt(2 * np.pi)
    return sum(
        h * top * np.exp(-((x - p[0]) ** 2 + (y - p[1]) ** 2) / (2 * WIDTH**2))
        for p, h in zip(POINTS @ rotation.T + shift, HEIGHTS, strict=True)
    )


def by_ctf_squared(image: np.ndarray, ctf: np.ndarray) -> np.ndarray:
    transform = np.fft.rfft2(image)
    return np.fft.irfft2(transform * ctf.reshape(transform.shape) ** 2, s=image.shape)


@dataclass(frozen=True)
class InMemory(ImageSource):
    """Stacks that are made up here."""

    stacks: tuple[np.ndarray, ...]

    def read(self, particle: int) -> np.ndarray:
        return self.stacks[particle]


class Together(SumsExchange):
    """One rank has all sums already."""

    def add_up(self, communicator, half, arrays) -> None:
        communicator.sum_over_workers(half, arrays)


@dataclass
class Told(Observer):
    """Remembers what it was told."""

    def __post_init__(self):
        self.words = []

    def phase(self, name, done, total):
        self.words.append((name, done, total))

    def precision_checked(self, outcome):
        self.words.append(outcome)

    def joining(self, resolution_angstrom):
        self.words.append(("joining", resolution_angstrom))

    def comparing(self, solvent_corrected, randomised_angstrom):
        self.words.append(("comparing", solvent_corrected, randomised_angstrom))


@dataclass(frozen=True)
class World:
    """A refinement, and the truth about its particles."""

    refinement: Refinement
    true_angles_deg: np.ndarray
    true_origins_angstrom: np.ndarray

    def with_settings(self, **changes) -> "World":
        settings = replace(self.refinement.settings, **changes)
        return replace(self, refinement=replace(self.refinement, settings=settings))


def some_settings() -> Settings:
    return Settings(
        images=ImageSettings(
            mask_diameter_angstrom=100.0, mask_edge_px=2, zero_mask=True, ctf_correction=True, intact_first_peak=False
        ),
        search=SearchSettings(
            oversampling=1,
            adaptive_fraction=0.999,
            maximum_significant=-1,
            perturbation_factor=0.5,
            first_by_correlation=False,
            always_by_correlation=False,
            coarse_size_px=-1,
            finest_angstrom=-1.0,
            coarsest_angstrom=-1.0,
        ),
        sampling=AutoSampling(oversampling=1, local_from_order=4, diameter_angstrom=100.0),
        half_sets=HalfSetSettings(join_until_angstrom=60.0, solvent_corrected=False, flatten_solvent=True),
        maximization=MAXIMIZATION,
        padding=2,
        lowpass_angstrom=40.0,
        size_increment_shells=10,
        minimum_shell=2,
        seed=1,
        threads=1,
        pool=3,
        memory_bytes=0,
        last_iteration=999,
        stop_at_angstrom=-1.0,
        finish_now=False,
        skip_maximization=False,
        combine_through_disc=False,
        quirks=Quirks.of(False),
    )


def some_series(name: str) -> TiltSeries:
    zero = np.zeros(len(TILTS_DEG))
    return TiltSeries(
        name,
        PIXEL,
        np.array([200.0, 200, 100]),
        -1.0,
        1.0,
        tilt_rotation(zero, TILTS_DEG, zero + 85),
        np.zeros((len(TILTS_DEG), 2)),
        TiltCtf(zero + 25000, zero + 25000, zero, zero, np.array([3.0, 0.0, 6.0]), zero, zero + 1),
    )


def make_world(particles: int = 12, noise: float = 0.3, seed: int = 2, group: str = "C1") -> World:
    """Particles in two tomograms with random frames and poses, and images with white noise."""
    random = np.random.default_rng(seed)
    frames = Rotation.random(particles, rng=seed + 1).as_matrix()
    true_angles = matrix_to_euler(Rotation.random(particles, rng=seed + 2).as_matrix())
    true_origins = random.normal(0, 4, (particles, 3))
    # starting poses are a little wrong
    small = Rotation.from_rotvec(random.normal(0, 0.05, (particles, 3))).as_matrix()
    start = Assignments.at_start(
        matrix_to_euler(euler_to_matrix(true_angles) @ small), np.zeros((particles, 3)), np.zeros(particles, np.int64)
    )
    optics = OpticsGroup(1, "one", Microscope(300, 2.7, 0.1), PIXEL, BOX, True)
    particle_set = ParticleSet(
        names=tuple(f"p{i}" for i in range(particles)),
        image_files=tuple(Path(f"p{i}.mrcs") for i in range(particles)),
        optics_groups=(optics,),
        tilt_series=(some_series("one"), some_series("two")),
        scale_groups=("one", "two"),
        optics_index=np.zeros(particles, np.int64),
        tilt_series_index=np.arange(particles) % 2,
        scale_group_index=np.arange(particles) % 2,
        visible=(np.ones(len(TILTS_DEG), bool),) * particles,
        position_px=np.full((particles, 3), [100.0, 100, 50]),
        subtomogram_rotation=frames,
        angle_priors_deg=np.full((particles, 3), np.nan),
        origin_priors_angstrom=np.full((particles, 3), np.nan),
        half_set=np.arange(particles) // 2 % 2 + 1,
        start=start,
    )
    stacks = tuple(_stack(particle_set, i, true_angles[i], true_origins[i], noise, random) for i in range(particles))
    refinement = Refinement(
        particle_set,
        ModelGrid(BOX, PIXEL),
        PointGroup(group),
        some_settings(),
        CpuBackend(1),
        Alone(),
        InMemory(stacks),
        Together(),
        Told(),
        np.ones((BOX, BOX, BOX), np.float32),
        has_user_mask=False,
    )
    return World(refinement, true_angles, true_origins)


def _stack(
    particles: ParticleSet,
    particle: int,
    angles_deg: np.ndarray,
    origin_angstrom: np.ndarray,
    noise: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Images of an object whose centre stands at minus its offset, multiplied by the CTF squared."""
    k = np.fft.fftfreq(BOX, 1 / BOX) / (BOX * PIXEL)
    fy, fx = np.meshgrid(k, np.abs(k[: BOX // 2 + 1]), indexing="ij")
    ctf = ctf_values(particles.ctf_of(particle), particles.optics_of(particle).microscope, fx.ravel(), fy.ravel())
    images = []
    for frame, values in zip(particles.tilt_rotations(particle), ctf, strict=True):
        image = projection(frame @ euler_to_matrix(angles_deg), -frame @ origin_angstrom / PIXEL)
        images.append(by_ctf_squared(image, values) + noise * random.normal(size=image.shape))
    return np.array(images, np.float32)


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


@pytest.fixture(scope="session")
def density() -> np.ndarray:
    return object_density()
