"""Deciding when and how sampling becomes finer.

RELION: MlOptimiser::updateAngularSampling.
"""

import math
from dataclasses import dataclass, replace

from halfmap.engine.refinement.state import Changes, Control, Grids, Sampling
from halfmap.engine.sampling.orientations import angular_step_deg

ENOUGH_ITERATIONS = 1
ACCURACY_FACTOR = 0.75
_LARGEST_STEP_ANGSTROM = 1.5
RANGE_OF_STACKS, RANGE_OF_VOLUMES = 5.0, 3.0
_RANGE_GROWTH = 1.3
_SIGMA_STEPS = 2.0


@dataclass(frozen=True)
class AutoSampling:
    """The user's wishes on automatic sampling.

    Parameters
    ----------
    oversampling
        Oversampling of the fine pass.
    local_from_order
        HEALPix order from which searches are local.
    diameter_angstrom
        Particle diameter.
    ignore_changes
        Go on even while poses still change (`--auto_ignore_angles`).
    follow_resolution
        Go on as soon as the resolution asks for it (`--auto_resol_angles`).
    finest_step_deg, coarsest_step_deg
        `--maximum_angular_sampling` and `--minimum_angular_sampling`; 0 for none.
    range_per_change
        By how many times the last changes offsets are searched.
    """

    oversampling: int
    local_from_order: int
    diameter_angstrom: float
    ignore_changes: bool = False
    follow_resolution: bool = False
    finest_step_deg: float = 0.0
    coarsest_step_deg: float = 0.0
    range_per_change: float = RANGE_OF_STACKS

    def step_deg(self, grids: Grids) -> float:
        """Oversampled angular step."""
        return angular_step_deg(grids.healpix_order, self.oversampling)

    def step_angstrom(self, grids: Grids) -> float:
        """Oversampled step of offsets."""
        return float(grids.offset_step_angstrom / 2**self.oversampling)

    def changes_have_settled(self, control: Control) -> bool:
        """Poses no longer change much, or the user does not want to wait for that."""
        return self.ignore_changes or control.iterations_without_changes >= ENOUGH_ITERATIONS


def resolution_step_deg(diameter_angstrom: float, resolution_per_angstrom: float) -> float:
    """Angular step that a resolution asks for, 360°/⌈π·diameter·resolution⌉."""
    return 360.0 / math.ceil(math.pi * diameter_angstrom * resolution_per_angstrom)


def with_new_sampling(control: Control, wishes: AutoSampling) -> Control:
    """Make sampling finer if progress has stalled, unless the poses are not accurate enough to gain from it."""
    if not (_resolution_has_settled(control, wishes) and wishes.changes_have_settled(control)):
        return control
    if _is_fine_enough(control, wishes):
        return replace(control, has_fine_enough_sampling=True)
    return replace(
        control,
        has_fine_enough_sampling=False,
        sampling=finer(control, wishes),
        iterations_without_resolution_gain=0,
        iterations_without_changes=0,
        smallest_changes=Changes(),
    )


def _resolution_has_settled(control: Control, wishes: AutoSampling) -> bool:
    if control.iterations_without_resolution_gain >= ENOUGH_ITERATIONS:
        return True
    asked = resolution_step_deg(wishes.diameter_angstrom, control.resolution_per_angstrom)
    becomes_local = control.sampling.healpix_order + 1 == wishes.local_from_order
    return wishes.follow_resolution and asked < wishes.step_deg(control.sampling) and not becomes_local


def _is_fine_enough(control: Control, wishes: AutoSampling) -> bool:
    step = wishes.step_deg(control.sampling)
    if wishes.finest_step_deg > 0 and step < wishes.finest_step_deg:
        return True
    too_coarse = wishes.coarsest_step_deg > 0 and step > wishes.coarsest_step_deg
    return step < ACCURACY_FACTOR * control.accuracy_rotation_deg and not too_coarse


def finer(control: Control, wishes: AutoSampling) -> Sampling:
    """Sampling of the next HEALPix order, with offsets fitted to the accuracy and to the last changes."""
    old = control.sampling
    reach, step = _offsets(control, wishes)
    sampling = replace(old, healpix_order=old.healpix_order + 1, first=old.started_with)
    if step <= old.offset_step_angstrom:
        sampling = replace(sampling, offset_range_angstrom=reach, offset_step_angstrom=step)
    if sampling.healpix_order >= wishes.local_from_order:
        sampling = with_local_searches(sampling, wishes)
    return sampling


def with_local_searches(sampling: Sampling, wishes: AutoSampling) -> Sampling:
    """Search within two fine steps (one standard deviation) of each particle's current orientation."""
    sigma = _SIGMA_STEPS * wishes.step_deg(sampling)
    return replace(sampling, local_searches=True, sigma_rot_deg=sigma, sigma_tilt_deg=sigma, sigma_psi_deg=sigma)


def _offsets(control: Control, wishes: AutoSampling) -> tuple[float, float]:
    """New range and step in Å; the step at most halves, the range follows the last changes."""
    old = control.sampling
    step = min(_LARGEST_STEP_ANGSTROM, ACCURACY_FACTOR * control.accuracy_translation_angstrom) * 2**wishes.oversampling
    step = max(old.offset_step_angstrom / 2, step)
    reach = min(_RANGE_GROWTH * old.offset_range_angstrom, wishes.range_per_change * control.changes.offsets_angstrom)
    reach = max(reach, 1.5 * step)
    if reach > 4 * step:
        reach /= 2
        if reach > 4 * step:
            step = reach / 4
    return reach, step
