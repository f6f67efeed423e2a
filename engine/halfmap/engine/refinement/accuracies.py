"""Estimating accuracies from a sample of particles, by all ranks that align particles."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64

from halfmap.engine.fourier.projector import reference_transform
from halfmap.engine.imaging.pass_images import tilt_images
from halfmap.engine.ranks.communicator import workers_of
from halfmap.engine.refinement.accuracy import PARTICLES, VOLUMES, AccuracyProbe, wrong_axes
from halfmap.engine.refinement.plan import WindowPlan
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.state import Control, State


def sampled_particles(refinement: Refinement) -> Int64[np.ndarray, " sample"]:
    """Particles of half set 1 in a random but fixed order, then those of half set 2, up to the sample's size."""
    random = np.random.default_rng(refinement.settings.seed)
    order = [random.permutation(refinement.members[half]) for half in (1, 2)]
    return np.concatenate(order)[: VOLUMES if refinement.particles.are_volumes else PARTICLES]


def with_new_accuracies(refinement: Refinement, state: State, control: Control, windows: WindowPlan) -> Control:
    """Estimate the accuracies, the sample shared out among the ranks that align particles, and tell all ranks."""
    communicator, sample = refinement.communicator, sampled_particles(refinement)
    workers = sorted({rank for half in (1, 2) for rank in workers_of(half, communicator.size)})
    shares = {rank: slice(place, None, len(workers)) for place, rank in enumerate(workers)}
    mine = sample[shares[communicator.rank]] if communicator.rank in shares else sample[:0]
    parts = communicator.gather(_estimate(refinement, state, windows, mine))
    found = np.empty((len(sample), 2))
    for rank, share in shares.items():
        found[share] = parts[rank]
    rotation, translation = found.mean(axis=0).tolist()
    return replace(control, accuracy_rotation_deg=rotation, accuracy_translation_angstrom=translation)


def _estimate(
    refinement: Refinement, state: State, windows: WindowPlan, sample: Int64[np.ndarray, " sample"]
) -> Float64[np.ndarray, "sample 2"]:
    """Rotation errors in degrees and offset errors in Å of some particles, against the reference of half set 1."""
    if not len(sample):
        return np.empty((0, 2))
    half, threads = state.halves[0], refinement.settings.threads
    transform = reference_transform(half.density, windows.max_shell, windows.padding, threads, windows.dimensions)
    probe = AccuracyProbe(refinement.backend, refinement.backend.reference(transform))

    def errors(particle: int) -> tuple[float, float]:
        return _errors(refinement, state, windows, probe, particle)

    refinement.observer.phase("accuracy", 0, len(sample))
    found = []
    with ThreadPoolExecutor(threads) as executor:
        for done, error in enumerate(executor.map(errors, sample.tolist()), 1):
            found.append(error)
            refinement.observer.phase("accuracy", done, len(sample))
    return np.array(found)


def _errors(
    refinement: Refinement, state: State, windows: WindowPlan, probe: AccuracyProbe, particle: int
) -> tuple[float, float]:
    """Rotation error in degrees and offset error in Å of one particle."""
    group = refinement.particles.optics_index[particle]
    images = refinement.load(particle, None, state.assignments)
    sigma2 = state.halves[0].sigma2[group]
    prepared = tilt_images(images, refinement.settings.images, windows.by_group[group].compared, sigma2, 1.0)
    if refinement.particles.are_volumes and not refinement.settings.images.exact_noise:
        prepared = replace(prepared, inverse_multiplicity=None)  # RELION forgets about it here
    angles = state.assignments.angles_deg[particle]
    axes = wrong_axes(refinement.settings.seed + particle, images.tilts)
    shift = probe.shift_error_px(prepared, angles, axes)
    return probe.rotation_error_deg(prepared, angles, axes), shift * images.optics.pixel_size_angstrom
