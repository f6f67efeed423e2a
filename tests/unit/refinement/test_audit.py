"""What counts as a change of poses' weights."""

import numpy as np
import pytest

from halfmap.engine.backend.precision import Precision
from halfmap.engine.refinement.audit import LARGEST_CHANGE, Audit, largest_change

EXACT = np.array([[100.0, 90.0], [85.0, 99.5]])


def test_a_constant_for_all_poses_is_no_change():
    assert largest_change(EXACT + 7, EXACT) == pytest.approx(0)


def test_the_largest_change_with_respect_to_the_best_pose_counts():
    assert largest_change(EXACT + [[0.1, 0.3], [0, 0.2]], EXACT) == pytest.approx(0.2)


def test_poses_without_a_say_may_change():
    assert largest_change(EXACT + [[0, 0], [50, 0]], EXACT) == 0


@pytest.mark.parametrize(("change", "passed"), [(LARGEST_CHANGE, True), (1.01 * LARGEST_CHANGE, False)])
def test_the_allowed_change_is_a_bound(change, passed):
    assert Audit(Precision.TF32, 1, change).is_passed == passed
