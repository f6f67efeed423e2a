"""The settings of a refinement, grouped by the step that they belong to."""

from dataclasses import dataclass

from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.refinement.auto_sampling import AutoSampling
from halfmap.engine.refinement.maximization import MaximizationSettings


@dataclass(frozen=True)
class Quirks:
    """What RELION does and this engine does only on request (`--relion_quirks`).

    Parameters
    ----------
    offset_prior_units
        Add search offsets in Å to current ones in pixels in the prior on offsets.
    rounded_origins
        Search around offsets that are rounded to whole pixels.
    euler_psi_window
        Restrict Euler psi itself in local searches.
    own_frames
        Lay the grids of every search in each particle's own frame.
    """

    offset_prior_units: bool
    rounded_origins: bool
    euler_psi_window: bool
    own_frames: bool

    @classmethod
    def of(cls, all_of_them: bool, own_frames: bool = False) -> "Quirks":
        """Choose all of them or none, frames apart from the others."""
        on = all_of_them
        return cls(on, on, on, on or own_frames)


@dataclass(frozen=True)
class SearchSettings:
    """How poses are searched.

    Parameters
    ----------
    oversampling
        Oversampling of the fine pass.
    adaptive_fraction, maximum_significant
        Which coarse poses are looked at more closely.
    perturbation_factor
        Size of the random perturbation of the grids, in coarse steps.
    first_by_correlation, always_by_correlation
        Compare by correlation in the first iteration, or in all.
    coarse_size_px, finest_angstrom, coarsest_angstrom
        Limits of what is compared: `--coarse_size`, `--strict_highres_exp`, `--strict_lowres_exp`; -1 for none.
    """

    oversampling: int
    adaptive_fraction: float
    maximum_significant: int
    perturbation_factor: float
    first_by_correlation: bool
    always_by_correlation: bool
    coarse_size_px: int
    finest_angstrom: float
    coarsest_angstrom: float


@dataclass(frozen=True)
class HalfSetSettings:
    """How the halves are kept apart and compared.

    Parameters
    ----------
    join_until_angstrom
        Halves share their data up to this resolution; -1 for none.
    solvent_corrected
        Correct the FSC for the solvent mask.
    flatten_solvent
        Mask the reference in each iteration.
    """

    join_until_angstrom: float
    solvent_corrected: bool
    flatten_solvent: bool


@dataclass(frozen=True)
class Settings:
    """All settings of a refinement.

    Parameters
    ----------
    images, search, sampling, half_sets, maximization
        By step.
    padding
        Padding of Fourier transforms of maps, 1 or 2.
    lowpass_angstrom
        Low-pass filter of the starting reference; -1 for none.
    size_increment_shells
        Shells beyond the resolution that images include at first.
    minimum_shell
        The resolution is never taken to be worse than this shell.
    seed
        Random seed.
    threads, pool
        Threads of each rank, and particles that a thread takes at once.
    memory_bytes
        What each rank may take; 0 for any amount.
    last_iteration
        Stop after this iteration.
    stop_at_angstrom
        Stop when the resolution is better; -1 for never.
    finish_now
        Make the next iteration the last.
    skip_maximization
        Only align the particles, once.
    combine_through_disc
        Add up the workers' sums through files.
    quirks
        What is done as RELION does it.
    """

    images: ImageSettings
    search: SearchSettings
    sampling: AutoSampling
    half_sets: HalfSetSettings
    maximization: MaximizationSettings
    padding: int
    lowpass_angstrom: float
    size_increment_shells: int
    minimum_shell: int
    seed: int
    threads: int
    pool: int
    memory_bytes: int
    last_iteration: int
    stop_at_angstrom: float
    finish_now: bool
    skip_maximization: bool
    combine_through_disc: bool
    quirks: Quirks

    def by_correlation(self, iteration: int) -> bool:
        """Whether an iteration compares by correlation."""
        return self.search.always_by_correlation or (self.search.first_by_correlation and iteration == 1)

    def filtered_after(self, iteration: int) -> bool:
        """Whether the reference is low-pass filtered after an iteration (0 for the start)."""
        return self.lowpass_angstrom > 0 and (iteration == 0 or (iteration == 1 and self.search.first_by_correlation))
