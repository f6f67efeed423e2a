"""Does the reference fit the images? Its contrast and grey scale, estimated before the first iteration.

A reference that is inverted, or on another grey scale although an absolute one is claimed, sends a refinement astray
without any error; a few particles are enough to notice.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from halfmap.engine.backend.interface import Reference
from halfmap.engine.fourier.projector import reference_transform
from halfmap.engine.imaging.particle_images import ParticleImages
from halfmap.engine.imaging.pass_images import tilt_images
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.refinement.plan import IterationPlan, Windows, plan_search, plan_windows
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.state import State
from halfmap.engine.sampling.priors import centre_of_prior, direction_tree, everywhere

PARTICLES = 24
ACCEPTED_SCALES = (0.3, 3.0)
_SIGNIFICANT = 5.0
_MOST_ORIENTATIONS = 2000


@dataclass(frozen=True)
class Contrast:
    """How well a reference and its inverse fit some particles.

    Parameters
    ----------
    upright, inverted
        Best correlation of each particle with the reference and with its inverse, averaged over tilt images.
    scale
        By what the reference must be multiplied to explain the images, at the best poses.
    """

    upright: Float64[np.ndarray, " particles"]
    inverted: Float64[np.ndarray, " particles"]
    scale: float

    @property
    def preference(self) -> float:
        """Mean advantage of the reference over its inverse, in standard errors."""
        difference = self.upright - self.inverted
        error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else 0.0
        return float(difference.mean()) / error if error > 0 else 0.0

    @property
    def is_inverted(self) -> bool:
        """The inverse fits clearly better."""
        return self.preference < -_SIGNIFICANT

    @property
    def is_off_scale(self) -> bool:
        """The reference fits clearly, but on quite another grey scale."""
        low, high = ACCEPTED_SCALES
        return self.preference > _SIGNIFICANT and not low < self.scale < high


def first_plan(refinement: Refinement, state: State) -> IterationPlan:
    """Plan of the first iteration, for looking ahead."""
    control = replace(state.control, iteration=state.control.iteration + 1)
    windows = plan_windows(control, refinement.settings, refinement.particles.optics_groups, refinement.grid)
    return IterationPlan(control, windows, plan_search(control.sampling, refinement.settings, refinement.group))


def measure_contrast(refinement: Refinement, state: State, plan: IterationPlan) -> Contrast:
    """Align a few particles of half set 1 coarsely with its reference and compare grey scales.

    Parameters
    ----------
    refinement, state
        The refinement and its starting state.
    plan
        Plan of the first iteration.
    """
    transform = reference_transform(
        state.halves[0].density, plan.windows.max_shell, plan.windows.padding, dimensions=plan.windows.dimensions
    )
    reference = refinement.backend.reference(transform)
    members = refinement.members[1]
    sample = members[np.linspace(0, len(members) - 1, min(PARTICLES, len(members))).astype(int)]
    found = np.array([_fit(refinement, state, plan, reference, int(i)) for i in np.unique(sample)])
    return Contrast(found[:, 0], found[:, 1], float(found[:, 2].sum() / found[:, 3].sum()))


def _fit(
    refinement: Refinement, state: State, plan: IterationPlan, reference: Reference, particle: int
) -> tuple[float, float, float, float]:
    """Best correlation, best inverse correlation, and numerator and denominator of the scale at the best pose."""
    rotations = _coarse_rotations(refinement, state, plan, particle)
    centre = refinement.search_centre_angstrom(state.assignments, particle)
    images = refinement.load(particle, None, state.assignments)
    offsets_px = (centre + plan.search.offsets.coarse_angstrom) / images.optics.pixel_size_angstrom - images.moved_px
    compared, weighted = _images(refinement, state, plan, particle, images)
    backend = refinement.backend
    scores = backend.on_host(backend.correlations(reference, compared, rotations, offsets_px)) / len(compared.ctf)
    best, offset = np.unravel_index(int(scores.argmax()), scores.shape)
    model = weighted.ctf * backend.on_host(backend.slices(reference, weighted, rotations[best][None]))[0]
    shift = weighted.shifts(offsets_px[offset][None])[0]
    phase = np.exp(-2j * np.pi * shift @ weighted.pixels.frequencies)
    weight = weighted.scoring_weight
    product = float((weight * (model.conj() * weighted.masked * phase).real).sum())
    return float(scores.max()), float(-scores.min()), product, float((weight * np.abs(model) ** 2).sum())


def _coarse_rotations(
    refinement: Refinement, state: State, plan: IterationPlan, particle: int
) -> Float64[np.ndarray, "orientations 3 3"]:
    grid, prior = plan.search.orientations, plan.search.prior
    if prior is None:
        candidates = everywhere(grid, np.ones(len(grid.pixels)))
    else:
        angles = state.assignments.angles_deg[particle]
        centre = centre_of_prior(angles, refinement.particles.angle_priors_deg[particle])
        candidates = prior.around(centre, direction_tree(grid))
    every = max(1, len(candidates.directions) // _MOST_ORIENTATIONS)
    angles_deg = grid.coarse_angles_deg(candidates.directions[::every], candidates.psis[::every])
    return grid.perturbed(angles_deg, plan.search.perturbation)


def _images(
    refinement: Refinement, state: State, plan: IterationPlan, particle: int, images: ParticleImages
) -> tuple[TiltImages, TiltImages]:
    """The particle's images for correlation, and weighted by the noise."""
    group = int(refinement.particles.optics_index[particle])
    windows: Windows = plan.windows.by_group[group]
    sigma2, settings = state.halves[0].sigma2[group], refinement.settings.images
    by_correlation = tilt_images(images, settings, windows.correlated, sigma2, 1.0)
    return by_correlation, tilt_images(images, settings, windows.compared, sigma2, 1.0)
