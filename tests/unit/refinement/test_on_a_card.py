"""A whole iteration on a card that is played by a processor finds what it finds on cores.

The arrays of that card do not mix with those of the host, so that whatever forgets to copy one is found.
"""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.backend.precision import Precision
from halfmap.engine.refinement.greyscale import first_plan, measure_contrast
from halfmap.engine.refinement.iteration import next_state
from halfmap.engine.refinement.settings import SearchSettings
from halfmap.engine.refinement.start import first_state
from halfmap.engine.refinement.state import Sampling

LOCAL = Sampling(3, 16.0, 8.0, sigma_rot_deg=6.0, sigma_tilt_deg=6.0, sigma_psi_deg=6.0, local_searches=True)
GLOBAL = Sampling(1, 16.0, 8.0)


def outcome_of(world, backend, density, sampling, **changes):
    settings = world.refinement.settings
    settings = replace(settings, search=replace(settings.search, **changes))
    refinement = replace(world.refinement, backend=backend, settings=settings)
    return next_state(refinement, first_state(refinement, [density, density], sampling, 10.0, -1))


@pytest.mark.parametrize(
    ("sampling", "changes"),
    [(LOCAL, {}), (GLOBAL, {}), (GLOBAL, {"first_by_correlation": True})],
    ids=["local", "together", "by correlation"],
)
def test_an_iteration_is_the_same_on_cores_and_on_a_card(world, density, played_card, kernels, sampling, changes):
    assert set(changes) <= set(SearchSettings.__dataclass_fields__)
    card = played_card.PlayedBackend(kernels)
    found = outcome_of(world, card, density, sampling, **changes).state
    expected = outcome_of(world, world.refinement.backend, density, sampling, **changes).state
    for name in ("angles_deg", "origin_angstrom"):
        np.testing.assert_allclose(getattr(found.assignments, name), getattr(expected.assignments, name), atol=1e-6)
    # phase factors are mixtures of few functions: other ones on cores for many particles than on cards
    assert found.assignments.max_probability == pytest.approx(expected.assignments.max_probability, rel=0.02)
    for half, other in zip(found.halves, expected.halves, strict=True):
        scale = np.abs(other.density).max()
        np.testing.assert_allclose(half.density, other.density, atol=5e-3 * scale)
        np.testing.assert_allclose(half.sigma2, other.sigma2, rtol=2e-3)


@pytest.mark.parametrize(("noise", "kept"), [(1e-6, Precision.TF32), (0.05, Precision.FP32)])
def test_a_precision_that_changes_too_much_is_given_up(world, density, played_card, kernels, noise, kept):
    card = played_card.PlayedBackend(kernels, Precision.TF32, noise)
    world.refinement.observer.words.clear()
    found = outcome_of(world, card, density, LOCAL).state.assignments
    assert card.precision is kept
    told = [words for words in world.refinement.observer.words if isinstance(words, str)]
    assert len(told) == (2 if kept is Precision.TF32 else 1), (
        "a half whose products are in single precision is not checked"
    )
    assert told[0].startswith(" Precision tf32: log-weights of poses change by ")
    assert told[0].endswith("; going on with fp32") == (kept is Precision.FP32)
    expected = outcome_of(world, world.refinement.backend, density, LOCAL).state.assignments
    np.testing.assert_allclose(found.angles_deg, expected.angles_deg, atol=1e-6)


def test_the_grey_scale_of_a_reference_is_the_same_on_cores_and_on_a_card(world, density, played_card, kernels):
    on_card = replace(world.refinement, backend=played_card.PlayedBackend(kernels))
    found, expected = (
        measure_contrast(one, state, first_plan(one, state))
        for one in (on_card, world.refinement)
        for state in [first_state(one, [density, density], LOCAL, 10.0, -1)]
    )
    np.testing.assert_allclose(found.upright, expected.upright, rtol=1e-4)
    assert found.scale == pytest.approx(expected.scale, rel=1e-3)


def test_images_stay_on_a_card_as_long_as_there_is_room(played_card, kernels):
    card = played_card.PlayedBackend(kernels)
    card.device._room_bytes = 2 * 100
    read = []

    def stack(particle):
        read.append(particle)
        return np.full((1, 5, 5), particle, np.float32)

    for particle in (1, 2, 3, 1, 3, 2):
        assert (card.on_host(card.stack(particle, stack)) == particle).all()
    assert read == [1, 2, 3, 3]
