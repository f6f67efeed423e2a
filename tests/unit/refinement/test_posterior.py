"""From log-weights to the poses that matter."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logsumexp

from halfmap.engine.refinement.posterior import best_only, posterior


def logs(*weights):
    with np.errstate(divide="ignore"):
        return np.log(np.array(weights, float))


def significant_by_rule(weights, fraction, at_most):
    """Count from the largest until the share is exceeded; everything as large as the last one counts too."""
    ordered = sorted(weights, reverse=True)
    total, running, last = sum(weights), 0.0, ordered[0]
    for number, weight in enumerate(ordered, 1):
        running, last = running + weight, weight
        if running > fraction * total or number == at_most:
            break
    return [weight >= last for weight in weights]


# trap 22: divided by the sum over all poses, not over the significant ones
def test_weights_are_divided_by_the_sum_of_all():
    found = posterior(logs(8, 1, 0.5, 0.5), 0.9)
    np.testing.assert_allclose(found.weights, [0.8, 0.1, 0.05, 0.05])
    assert found.log_evidence == pytest.approx(np.log(10))
    assert found.best == 0


def test_very_small_likelihoods_are_normalised_too():
    log_weights = np.array([[-1e6, -1e6 - 1], [-1e6 - 2, -1e7]])
    found = posterior(log_weights, 0.999)
    np.testing.assert_allclose(found.weights, np.exp(log_weights - logsumexp(log_weights)))
    assert found.log_evidence == pytest.approx(logsumexp(log_weights))


def test_poses_are_significant_until_the_share_is_exceeded():
    assert posterior(logs(60, 30, 9, 1), 0.9).significant.tolist() == [True, True, True, False]
    assert posterior(logs(60, 30, 9, 1), 0.5).significant.tolist() == [True, False, False, False]


def test_poses_as_probable_as_the_last_one_count_too():
    assert posterior(logs(60, 20, 20, 20), 0.65).significant.all()
    assert posterior(logs(1, 1, 1, 1), 0.1).significant.all()


def test_at_most_so_many_poses_are_significant_but_for_ties():
    assert posterior(logs(4, 3, 2, 1), 0.999, 2).significant.tolist() == [True, True, False, False]
    assert posterior(logs(4, 3, 3, 1), 0.999, 2).significant.tolist() == [True, True, True, False]
    # the share still limits
    assert posterior(logs(97, 1, 1, 1), 0.9, 3).significant.tolist() == [True, False, False, False]


def test_poses_that_are_not_considered_have_no_weight():
    found = posterior(logs(0, 3, 0, 1), 0.999)
    np.testing.assert_allclose(found.weights, [0, 0.75, 0, 0.25])
    assert found.significant.tolist() == [False, True, False, True]


WEIGHTS = arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 20)).filter(lambda a: a.max() > 0)


@given(WEIGHTS, st.sampled_from([0.25, 0.5, 0.75, 0.9375]), st.sampled_from([-1, 1, 2, 5]))
def test_the_significant_poses_are_those_of_the_rule(weights, fraction, at_most):
    found = posterior(logs(*weights), fraction, at_most)
    scaled = np.exp(logs(*weights) - logs(*weights).max())
    # where the share is met exactly, rounding decides
    assume(abs(np.cumsum(np.sort(scaled)[::-1]) / scaled.sum() - fraction).min() > 1e-9)
    assert found.significant.tolist() == significant_by_rule(scaled.tolist(), fraction, at_most)


# trap 22
@given(WEIGHTS)
def test_the_weight_that_is_stored_lies_between_the_share_and_one(weights):
    found = posterior(logs(*weights), 0.999)
    assert 0.999 < found.weights[found.significant].sum() <= 1 + 1e-9
    assert found.weights.sum() == pytest.approx(1)


def test_by_correlation_the_best_pose_has_all_the_weight():
    found = best_only(np.array([[0.1, 0.3], [0.7, 0.2]]))
    assert found.weights.tolist() == [[0, 0], [1, 0]]
    assert found.significant.tolist() == [[False, False], [True, False]]
    assert found.log_evidence == 0.7
    assert found.best == 2
