"""Deciding when a refinement has converged.

RELION: MlOptimiser::checkConvergence, monitorHiddenVariableChanges, updateOverallChangesInHiddenVariables.
"""

from dataclasses import replace

import numpy as np

from halfmap.engine.fourier.shells import round_scalar
from halfmap.engine.particles.particle import Assignments
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.refinement.auto_sampling import ENOUGH_ITERATIONS, AutoSampling
from halfmap.engine.refinement.state import Changes, Control
from halfmap.engine.sampling.symmetry import PointGroup, angular_distance_deg

_ABOUT = 1.03
_SMALL_SHARE_OF_STEP = 0.40


def converged(control: Control, wishes: AutoSampling) -> bool:
    """Neither finer sampling nor another iteration would help: the next iteration is the last."""
    return (
        control.has_fine_enough_sampling
        and control.iterations_without_resolution_gain >= ENOUGH_ITERATIONS
        and wishes.changes_have_settled(control)
    )


def measure_changes(old: Assignments, new: Assignments, group: PointGroup) -> Changes:
    """Compare the poses of all particles before and after an iteration."""
    distance = angular_distance_deg(euler_to_matrix(new.angles_deg), euler_to_matrix(old.angles_deg), group)
    moved = ((new.origin_angstrom - old.origin_angstrom) ** 2).sum(axis=1)
    return Changes(
        float(distance.mean()),
        float(np.sqrt(moved.mean() / 2)),
        float((new.class_number != old.class_number).mean()),
    )


def with_new_changes(control: Control, changes: Changes, wishes: AutoSampling) -> Control:
    """Count iterations in which poses hardly changed, or changed no less than before.

    Notes
    -----
    Changes are measured against the steps that the run started with: RELION's recorded counters follow from these, and
    do not follow from the current steps.
    """
    least, first = control.smallest_changes, control.sampling.started_with
    settled = (
        _ABOUT * changes.classes >= least.classes
        and _hardly(changes.offsets_angstrom, least.offsets_angstrom, wishes.step_angstrom(first))
        and _hardly(changes.orientations_deg, least.orientations_deg, wishes.step_deg(first))
    )
    smallest = Changes(
        min(changes.orientations_deg, least.orientations_deg),
        min(changes.offsets_angstrom, least.offsets_angstrom),
        min(float(round_scalar(changes.classes)), least.classes) if changes.classes < least.classes else least.classes,
    )
    count = control.iterations_without_changes + 1 if settled else 0
    return replace(control, changes=changes, smallest_changes=smallest, iterations_without_changes=count)


def _hardly(change: float, least: float, step: float) -> bool:
    return change / step < _SMALL_SHARE_OF_STEP or _ABOUT * change >= least
