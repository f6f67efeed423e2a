"""The state of a refinement between two iterations: the same on every rank, and all that a continued run needs."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Float64

from halfmap.engine.particles.particle import Assignments
from halfmap.engine.refinement.regularization import Spectra

UNKNOWN = 999.0
MANY_CLASS_CHANGES = 9_999_999


@dataclass(frozen=True)
class Grids:
    """The grids of poses.

    Parameters
    ----------
    healpix_order
        Order of the coarse grid of directions.
    offset_range_angstrom, offset_step_angstrom
        Radius and coarse step of the searched offsets.
    """

    healpix_order: int
    offset_range_angstrom: float
    offset_step_angstrom: float


@dataclass(frozen=True)
class Sampling(Grids):
    """How poses are sampled.

    Parameters
    ----------
    perturbation
        Random perturbation of the grids in coarse steps.
    sigma_rot_deg, sigma_tilt_deg, sigma_psi_deg
        Widths of the priors on the angles; 0 leaves an angle free.
    local_searches
        Auto-refine has switched to searches around each particle's current orientation.
    first
        The grids that the run started with, if they were others.
    """

    perturbation: float = 0.0
    sigma_rot_deg: float = 0.0
    sigma_tilt_deg: float = 0.0
    sigma_psi_deg: float = 0.0
    local_searches: bool = False
    first: Grids | None = None

    @property
    def started_with(self) -> Grids:
        """The grids that the run started with."""
        return self.first or Grids(self.healpix_order, self.offset_range_angstrom, self.offset_step_angstrom)

    @property
    def has_priors(self) -> bool:
        """Some angle is restricted."""
        return max(self.sigma_rot_deg, self.sigma_tilt_deg, self.sigma_psi_deg) > 0


@dataclass(frozen=True)
class Changes:
    """How much the poses changed in an iteration.

    Parameters
    ----------
    orientations_deg
        Mean angular distance.
    offsets_angstrom
        √(Σ |Δ|²/(2n)) (RELION keeps the factor 2 in three dimensions).
    classes
        Fraction of particles whose class changed.
    """

    orientations_deg: float = UNKNOWN
    offsets_angstrom: float = UNKNOWN
    classes: float = float(MANY_CLASS_CHANGES)


@dataclass(frozen=True)
class Control:
    """What auto-refine decides by.

    Parameters
    ----------
    iteration
        Last finished iteration.
    resolution_per_angstrom
        Current resolution in 1/Å; 0 before the first estimate.
    sampling
        Current sampling.
    iterations_without_resolution_gain, iterations_without_changes
        Counters.
    changes, smallest_changes
        Of the last iteration, and the least so far at this sampling.
    accuracy_rotation_deg, accuracy_translation_angstrom
        Estimated accuracies; 999 before the first estimate.
    size_increment_shells
        Shells beyond the resolution that images include.
    has_high_fsc_at_limit
        The FSC was still high at the edge of the Fourier window once.
    has_fine_enough_sampling
        Finer sampling would not help.
    has_converged
        The last, joined iteration is running or has run.
    average_pmax
        Mean maximum probability of half set 1.
    current_size_px
        Fourier window of the last iteration.
    """

    iteration: int
    resolution_per_angstrom: float
    sampling: Sampling
    iterations_without_resolution_gain: int = 0
    iterations_without_changes: int = 0
    changes: Changes = field(default_factory=Changes)
    smallest_changes: Changes = field(default_factory=Changes)
    accuracy_rotation_deg: float = UNKNOWN
    accuracy_translation_angstrom: float = UNKNOWN
    size_increment_shells: int = 10
    has_high_fsc_at_limit: bool = False
    has_fine_enough_sampling: bool = False
    has_converged: bool = False
    average_pmax: float = 0.0
    current_size_px: int = 0


@dataclass(frozen=True)
class HalfState:
    """The model of one half set.

    Parameters
    ----------
    density
        Reference of the next iteration.
    sigma2
        Noise spectra by optics group.
    sigma_offset_angstrom
        Width of the prior on offsets.
    scale
        Intensity scales by group.
    pdf_direction
        Distribution over the searched directions.
    spectra
        Spectra of the last reconstruction.
    average_pmax, log_likelihood
        Of the last iteration.
    noise_multiplicity
        Mean variance of the noise in units of `sigma2`; None where they are the same.
    """

    density: Float32[np.ndarray, "n n n"]
    sigma2: Float64[np.ndarray, "optics shells"]
    sigma_offset_angstrom: float
    scale: Float64[np.ndarray, " groups"]
    pdf_direction: Float64[np.ndarray, " directions"]
    spectra: Spectra
    average_pmax: float = 0.0
    log_likelihood: float = 0.0
    noise_multiplicity: Float64[np.ndarray, "optics shells"] | None = None


@dataclass(frozen=True)
class State:
    """A whole refinement between two iterations.

    Parameters
    ----------
    control
        What auto-refine decides by.
    halves
        Models of half sets 1 and 2.
    assignments
        Poses of all particles.
    """

    control: Control
    halves: tuple[HalfState, HalfState]
    assignments: Assignments
