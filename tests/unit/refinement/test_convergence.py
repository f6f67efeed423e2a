"""How much poses change, and when that is little enough."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.particles.particle import Assignments
from halfmap.engine.refinement.auto_sampling import AutoSampling
from halfmap.engine.refinement.convergence import converged, measure_changes, with_new_changes
from halfmap.engine.refinement.state import Changes, Control, Sampling
from halfmap.engine.sampling.symmetry import PointGroup

WISHES = AutoSampling(oversampling=1, local_from_order=4, diameter_angstrom=200.0)
# fine steps: 7.5° and 4 Å
CONTROL = Control(3, 0.05, Sampling(2, 20.0, 8.0))


def poses(angles, origins, classes):
    return Assignments.at_start(np.array(angles, float), np.array(origins, float), np.array(classes))


# trap 28: the factor 2 of two dimensions stays: √(3/2) = 1.2247 Å
def test_a_move_by_one_along_each_axis_counts_as_the_root_of_three_halves():
    old = poses(np.zeros((4, 3)), np.zeros((4, 3)), [1] * 4)
    new = poses(np.zeros((4, 3)), np.ones((4, 3)), [1] * 4)
    assert measure_changes(old, new, PointGroup("C1")).offsets_angstrom == pytest.approx(1.2247, abs=1e-4)


def test_moves_are_squared_before_they_are_averaged():
    old = poses(np.zeros((2, 3)), np.zeros((2, 3)), [1, 1])
    new = poses(np.zeros((2, 3)), [[0, 0, 0], [4, 0, 0]], [1, 1])
    assert measure_changes(old, new, PointGroup("C1")).offsets_angstrom == pytest.approx((16 / 4) ** 0.5)


# turning by 30° about z moves two of three rows: 20° on average; symmetry mates do not count
def test_orientations_are_compared_up_to_symmetry_and_averaged():
    old = poses([[0, 0, 0], [0, 0, 0]], np.zeros((2, 3)), [1, 1])
    new = poses([[30, 0, 0], [60, 0, 0]], np.zeros((2, 3)), [1, 1])
    assert measure_changes(old, new, PointGroup("C1")).orientations_deg == pytest.approx((20 + 40) / 2)
    assert measure_changes(old, new, PointGroup("C6")).orientations_deg == pytest.approx((20 + 0) / 2, abs=1e-4)


# trap 29: a file without class numbers has 0, and all particles change to 1
def test_the_share_of_changed_classes_is_counted():
    nothing = np.zeros((4, 3))
    found = measure_changes(poses(nothing, nothing, [0, 1, 0, 1]), poses(nothing, nothing, [1] * 4), PointGroup("C1"))
    assert found.classes == 0.5


def counts_of(*changes, control=CONTROL):
    found = []
    for change in changes:
        control = with_new_changes(control, Changes(*change), WISHES)
        found.append(control.iterations_without_changes)
    return found


# trap 29: after a change of sampling the least class change is 9 999 999, so that the first counter is 0, then 1
def test_the_first_iteration_of_a_sampling_never_counts():
    assert counts_of((1.0, 1.0, 0.0), (1.0, 1.0, 0.0), (1.0, 1.0, 0.0)) == [0, 1, 2]


# trap 29: in iteration 1 all classes change, which costs a further iteration
def test_class_changes_of_the_first_iteration_delay_the_counter():
    assert counts_of((1.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, 0.0)) == [0, 0, 1]


# 0.4 of the fine steps: 3° and 1.6 Å
@pytest.mark.parametrize(
    ("change", "count"),
    [
        ((2.9, 1.5, 0.0), 1),
        # larger than that, and smaller than any before by more than 3 %
        ((3.1, 1.5, 0.0), 0),
        ((2.9, 1.7, 0.0), 0),
        # larger, but no longer shrinking
        ((9.8, 1.5, 0.0), 1),
        ((2.9, 9.8, 0.0), 1),
        ((9.6, 9.8, 0.0), 0),
    ],
)
def test_changes_have_settled_when_they_are_small_or_shrink_no_more(change, count):
    control = replace(CONTROL, smallest_changes=Changes(10.0, 10.0, 0.0))
    found = with_new_changes(control, Changes(*change), WISHES)
    assert found.iterations_without_changes == count
    assert found.changes == Changes(*change)


def test_the_least_changes_are_kept_and_class_changes_rounded():
    control = replace(CONTROL, smallest_changes=Changes(5.0, 2.0, 3.0))
    found = with_new_changes(control, Changes(4.0, 3.0, 0.6), WISHES)
    assert found.smallest_changes == Changes(4.0, 2.0, 1.0)
    assert with_new_changes(found, Changes(4.0, 3.0, 2.0), WISHES).smallest_changes.classes == 1.0


def test_a_refinement_has_converged_when_nothing_helps_any_more():
    ready = replace(
        CONTROL,
        has_fine_enough_sampling=True,
        iterations_without_resolution_gain=1,
        iterations_without_changes=1,
    )
    assert converged(ready, WISHES)
    assert not converged(replace(ready, has_fine_enough_sampling=False), WISHES)
    assert not converged(replace(ready, iterations_without_resolution_gain=0), WISHES)
    restless = replace(ready, iterations_without_changes=0)
    assert not converged(restless, WISHES)
    assert converged(restless, replace(WISHES, ignore_changes=True))
