"""The state from which a refinement starts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64, Int64

from halfmap.engine.imaging.particle_images import ParticleImages
from halfmap.engine.refinement.image_sizes import with_new_resolution
from halfmap.engine.refinement.initialisation import first_noise, first_ssnr, low_passed
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.regularization import Spectra
from halfmap.engine.refinement.state import Control, HalfState, Sampling, State
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.random_numbers import next_perturbation

_NOISE_IMAGES = 10
_CHECKED_PARTICLES = 200


def first_state(
    refinement: Refinement,
    references: Sequence[Float32[np.ndarray, "n n n"]],
    sampling: Sampling,
    sigma_offset_angstrom: float,
    noise_images: int,
) -> State:
    """Make the state of iteration 0.

    Parameters
    ----------
    refinement
        The refinement.
    references
        Starting map of each half on the model's grid, not yet filtered.
    sampling
        Sampling of the first iteration.
    sigma_offset_angstrom
        Width of the prior on offsets.
    noise_images
        Images per optics group for the first noise spectra; -1 for ten.

    Raises
    ------
    BadInput
        If images of the first particles are spoilt.
    """
    settings = refinement.settings
    sigma2 = _noise(refinement, noise_images)
    grid = OrientationGrid(sampling.healpix_order, settings.search.oversampling, refinement.group)
    halves = [
        _half(refinement, half, density, sigma2, sigma_offset_angstrom, len(grid.pixels))
        for half, density in enumerate(references, 1)
    ]
    moved = next_perturbation(0.0, settings.search.perturbation_factor, settings.seed)
    start = replace(sampling, perturbation=moved)
    control = Control(0, 0.0, start, size_increment_shells=settings.size_increment_shells)
    lowpass = settings.lowpass_angstrom if settings.filtered_after(0) else -1.0
    control = with_new_resolution(control, halves[0].spectra.ssnr, refinement.grid, lowpass, settings.minimum_shell)
    return State(control, (halves[0], halves[1]), refinement.particles.start)


def _half(
    refinement: Refinement,
    half: int,
    density: Float32[np.ndarray, "n n n"],
    sigma2: Float64[np.ndarray, "optics shells"],
    sigma_offset_angstrom: float,
    directions: int,
) -> HalfState:
    settings = refinement.settings
    if settings.filtered_after(0):
        density = low_passed(density, refinement.grid, settings.lowpass_angstrom)
    fudge = settings.maximization.tau2_fudge
    dimensions = refinement.particles.dimensions
    tau2, ssnr = first_ssnr(density, sigma2, len(refinement.members[half]), fudge, dimensions)
    nothing = np.zeros(refinement.grid.shells)
    return HalfState(
        density,
        sigma2,
        sigma_offset_angstrom,
        np.ones(len(refinement.particles.scale_groups)),
        np.full(directions, 1 / directions),
        Spectra(nothing, nothing, tau2, ssnr, nothing),
    )


def _noise(refinement: Refinement, images: int) -> Float64[np.ndarray, "optics shells"]:
    """First noise spectra, estimated by the captain of half set 1 for all ranks."""
    communicator = refinement.communicator
    found = None
    if communicator.is_captain(1):
        _check_images(refinement)
        groups = len(refinement.particles.optics_groups)
        found = first_noise(_sample(refinement, images), groups, refinement.grid)
    return communicator.broadcast(found, communicator.captain_rank(1))


def _check_images(refinement: Refinement) -> None:
    """Read some particles, so that spoilt images are told before anything is written; others are when they are read."""
    chosen = _in_order(refinement)[:_CHECKED_PARTICLES]
    for done, particle in enumerate(chosen.tolist()):
        refinement.observer.phase("noise", done, len(chosen))
        refinement.source.read(particle)
    refinement.observer.phase("noise", len(chosen), len(chosen))


def _in_order(refinement: Refinement) -> Int64[np.ndarray, " particles"]:
    """All particles, half set 1 first."""
    return np.concatenate([refinement.members[half] for half in (1, 2)])


def _sample(refinement: Refinement, images: int) -> Iterator[tuple[int, ParticleImages]]:
    """Read some particles of each optics group.

    Ten images are enough, as for RELION, so that it is often a single particle: its mean image holds its signal, which
    is taken off.
    """
    for particle in chosen_for_noise(refinement, images).tolist():
        yield int(refinement.particles.optics_index[particle]), refinement.load(particle, None)


def chosen_for_noise(refinement: Refinement, images: int) -> Int64[np.ndarray, " sample"]:
    """First particles of each optics group with that many images, half set 1 first; -1 for ten images.

    RELION: MlOptimiser::calculateSumOfPowerSpectraAndAverageImage, which counts images before each particle.
    """
    order = _in_order(refinement)
    group = refinement.particles.optics_index[order]
    chosen = []
    for number in range(len(refinement.particles.optics_groups)):
        members = order[group == number]
        chosen.append(members[: _sample_size(refinement, members, images)])
    return np.concatenate(chosen)


def _sample_size(refinement: Refinement, members: Int64[np.ndarray, " members"], images: int) -> int:
    counts = np.cumsum([refinement.particles.images_of(i) for i in members.tolist()])
    return int(np.searchsorted(counts, images if images > 0 else _NOISE_IMAGES)) + 1
