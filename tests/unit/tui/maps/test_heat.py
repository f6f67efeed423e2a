import pytest

from halfmap.tui.charts.heat import HeatLayout, binned, draw_heat, lay_out, level
from halfmap.tui.charts.pixels import HEAT, Paint
from halfmap.tui.files.directions import ROTS, STEP_DEG, TILTS, Directions

COLOUR, INKED = Paint(HEAT), Paint()


def directions(places: dict[tuple[int, int], int], particles: int = 0) -> Directions:
    """Particles by tilt and rot (degrees)."""
    counts = [[0] * ROTS for _ in range(TILTS)]
    for (tilt, rot), number in places.items():
        counts[tilt // STEP_DEG][(rot + 180) // STEP_DEG] += number
    return Directions(particles or sum(places.values()), tuple(tuple(row) for row in counts), 1.0)


def texts(rows):
    return ["".join(segment.text for segment in row) for row in rows]


def test_bins_are_as_fine_as_fit_and_as_the_particles_fill():
    assert lay_out(100_000, 150, 40, COLOUR) == HeatLayout(5, 5, 2)
    assert lay_out(200, 150, 40, COLOUR) == HeatLayout(10, 10, 4)
    assert lay_out(200, 32, 6, COLOUR) == HeatLayout(15, 15, 1)
    assert lay_out(200, 32, 6, INKED) == HeatLayout(15, 30, 1)
    assert lay_out(200, 3, 6, COLOUR) is None


def test_every_particle_is_in_a_bin():
    found = directions({(0, -180): 3, (175, 175): 4, (90, 0): 5})
    for layout in (HeatLayout(5, 5, 1), HeatLayout(15, 30, 1), HeatLayout(90, 90, 1)):
        assert sum(map(sum, binned(found.counts, layout))) == 12


def test_an_empty_bin_is_told_from_one_with_a_single_particle():
    assert [level(count, 1000, 13) for count in (0, 1, 1000)] == [0, 1, 12]
    assert level(1, 1, 8) == 7
    assert level(0, 0, 8) == 0


def test_rot_runs_across_and_tilt_upwards():
    rows = texts(draw_heat(directions({(175, -180): 1, (0, 175): 1}), 41, 20, INKED))
    upper, lower = rows[0], next(row for row in rows if row.lstrip().startswith("0 "))
    assert upper.index("180") < upper.index("#") < 10
    assert lower.index("#") > 35


def test_ticks_and_the_scale_are_printed():
    *_, ticks, scale = texts(draw_heat(directions({(90, 0): 40}), 76, 20, COLOUR))
    assert [word for word in ticks.split() if word != "rot"] == ["-180", "-90", "0", "90", "180"] or "45" in ticks
    assert scale.split()[:4] == ["0", "40", "per", "10°"]
    assert "subtomogram frame" in scale


def test_in_little_height_the_scale_stands_beside_the_picture():
    rows = texts(draw_heat(directions({(90, 0): 40}), 34, 6, COLOUR))
    assert [row[24:].strip() for row in rows[:5]] == ["0", "to 40", "per 20°", "subtomo-", "gram frame"]
    assert all(len(row) <= 34 for row in rows)


def test_in_ascii_ink_grows_with_the_count():
    drawn = texts(draw_heat(directions({(90, 0): 1, (90, 60): 50, (90, 120): 100}), 41, 20, INKED)[:-2])
    (row, *_) = [row.split() for row in drawn if "#" in row]
    assert [set(word) for word in row if not word.isdecimal()] == [{"."}, {"="}, {"#"}]


@pytest.mark.parametrize("paint", [COLOUR, INKED])
@pytest.mark.parametrize(
    "size", [(0, 0), (1, 1), (4, 30), (9, 4), (12, 5), (34, 6), (36, 8), (36, 3), (76, 20), (156, 44)]
)
def test_every_size_is_drawn_within_its_room(size, paint):
    width, height = size
    rows = texts(draw_heat(directions({(90, 0): 123456}), width, height, paint))
    assert len(rows) <= height
    assert all(len(row) <= width for row in rows if len(row.strip()) and width >= 34)
