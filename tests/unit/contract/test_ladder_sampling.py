"""What a rung tells the next: against the geometry, and against RELION's own rules for the same numbers."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.contract.ladder_sampling import (
    Reached,
    boxes_at,
    first_low_pass,
    first_offsets,
    first_sampling,
    friendly_size,
    local_from,
    reason_to_stop,
)

NAMES = ("30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1")
STEPS_DEG = {name: 30 / 2**place for place, name in enumerate(NAMES)}


def reached(resolution: float, accuracy: float | None = 1.0, binning: int = 4) -> Reached:
    return Reached("Refine3D/job012/", binning, resolution, accuracy)


def test_friendly_sizes_are_all_even_numbers_of_twos_threes_and_fives():
    powers = itertools.product(range(1, 11), range(7), range(5))
    allowed = sorted(2**a * 3**b * 5**c for a, b, c in powers)
    for size in range(1, 1025):
        assert friendly_size(size) == next(one for one in allowed if one >= size)


@pytest.mark.parametrize("binning", [1, 2, 3, 4, 8])
def test_boxes_keep_the_extent_or_enlarge_it_by_less_than_a_fifth(binning):
    boxes = boxes_at(binning, 384, 2.0)
    extent = boxes.particle_px * binning
    assert 384 <= extent < 1.2 * 384
    assert boxes.extraction_px >= 2 * boxes.particle_px
    assert ("enlarged" in boxes.why) == (extent != 384)


def test_the_low_pass_is_the_resolution_that_was_reached_and_says_where():
    chosen = first_low_pass(reached(21.6))
    assert (chosen.value, chosen.why) == ("21.6", "resolution reached by Refine3D/job012 at bin 4")


@given(resolution=st.floats(2, 60), diameter=st.floats(60, 1000))
def test_the_first_step_is_the_coarsest_that_moves_the_edge_by_no_more_than_a_resolved_detail(resolution, diameter):
    name = first_sampling(reached(resolution), diameter).value
    assert name is not None
    step = STEPS_DEG[name.removesuffix(" degrees")]

    def moved(angle_deg: float) -> float:
        return math.tan(math.radians(angle_deg)) * diameter / 2

    assert moved(step) <= resolution * (1 + 1e-9)
    assert step == 30 or moved(2 * step) > resolution * (1 - 1e-9)


@pytest.mark.parametrize(
    ("last", "first"), [(15.0, "7.5"), (7.5, "7.5"), (3.75, "3.7"), (0.9375, "0.9"), (None, "7.5")]
)
def test_it_does_not_begin_more_coarsely_than_the_rung_before_has_ended(last, first):
    # 20 Å at the edge of 200 Å: 11.3 degrees
    chosen = first_sampling(Reached("Refine3D/job012/", 4, 20.0, 1.0, last), 200.0)
    assert chosen.value == f"{first} degrees"
    assert ("ended with" in chosen.why) == (last not in (15.0, None))


def test_searches_are_local_from_the_first_step_on():
    sampling = first_sampling(reached(12.0), 230.0)
    assert (sampling.value, local_from(sampling).value) == ("3.7 degrees", "3.7 degrees")


@pytest.mark.parametrize(
    ("accuracy", "pixel_size", "reach_px", "step_px"),
    [
        (3.0, 4.0, 3.75, 0.56),  # five times 0.75 px; three quarters of 0.75 px
        (0.4, 4.0, 3.0, 0.38),  # at least 3 px; at least an eighth of them
        (8.0, 4.0, 10.0, 1.25),  # a step of 1 px would be finer than an eighth of the range
    ],
)
def test_offsets_follow_the_accuracy_in_pixels_of_the_finer_images(accuracy, pixel_size, reach_px, step_px):
    reach, step = first_offsets(reached(12.0, accuracy), pixel_size)
    assert (reach.value, step.value) == (f"{reach_px:g}", f"{step_px:g}")
    # RELION: a range holds four coarse steps at most, and a coarse step is two fine ones
    assert reach_px <= 8 * step_px * 1.02


def test_without_a_known_accuracy_offsets_are_relions_defaults():
    reach, step = first_offsets(reached(12.0, None), 4.0)
    assert (reach.value, step.value) == ("5", "1")
    assert "tells no accuracy" in reach.why


@pytest.mark.parametrize(
    ("resolution", "factor", "ends"), [(24.1, 1.5, True), (23.9, 1.5, False), (16.0, 1.5, False), (90.0, 0, False)]
)
def test_the_ladder_ends_where_the_resolution_is_far_from_the_limit_of_the_pixels(resolution, factor, ends):
    # 2 Å, binned 4 times: the Nyquist limit is 16 Å
    reason = reason_to_stop(reached(resolution), 2.0, factor)
    assert bool(reason) == ends
    assert not ends or ("24.1 Å" in reason and "16 Å" in reason and "finer pixels cannot help" in reason)
