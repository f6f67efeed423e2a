from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from rich.segment import Segments
from rich.style import Style

from halfmap.tui.charts.area import resampled
from halfmap.tui.charts.pixels import GREYS, INK, Paint, cells
from halfmap.tui.charts.planes import levels, outline
from halfmap.tui.charts.slices import SlicesPicture, arrange, draw_slices
from halfmap.tui.files.map_slices import read_slices
from halfmap.tui.files.patient import Beat
from tests.unit.tui.maps.conftest import ball

COLOUR, INKED = Paint(GREYS, "#ffaf5f"), Paint()


def texts(rows):
    return ["".join(segment.text for segment in row) for row in rows]


def cut(write_map, values, name="map.mrc", pixel=2.0, offset=(0, 0, 0)):
    return read_slices(write_map(values, name, pixel), offset, Beat())[0]


@pytest.fixture
def picture(write_map):
    slices = cut(write_map, ball(24, 6))
    return SlicesPicture(slices, cut(write_map, ball(24, 8), "mask.mrc"), (0.0, 1.0))


def test_resampling_by_area_keeps_the_mean_and_enlarges_to_squares():
    values = np.random.default_rng(0).random((36, 36))
    for size in (11, 36, 51, 90):
        assert resampled(values, size, size).mean() == pytest.approx(values.mean(), rel=1e-5)
    assert resampled(values, 72, 72) == pytest.approx(np.kron(values, np.ones((2, 2))), abs=1e-6)
    assert resampled(values, 18, 36)[3] == pytest.approx(values[6:8].mean(axis=0), abs=1e-6)


def test_the_greys_are_those_of_256_colours():
    from rich.color import Color, ColorSystem

    numbers = [Color.parse(grey).downgrade(ColorSystem.EIGHT_BIT).number for grey in GREYS]
    assert numbers == list(range(232, 256))


def test_density_is_white_on_black_and_its_upper_end_is_at_the_top(write_map):
    values = np.zeros((8, 8, 8), np.float32)
    values[7] = 1  # the highest z
    slices = cut(write_map, values)
    found = levels(slices.xz, (0, 1), (8, 8), 24)
    assert found[0].tolist() == [23] * 8
    assert not found[1:].any()


def test_two_pixels_lie_over_each_other_in_a_cell():
    white, black = bytes([23]), bytes([0])
    ((upper,),) = cells([white, black], COLOUR)
    assert (upper.text, upper.style) == ("▀", Style(color=GREYS[23], bgcolor=GREYS[0]))
    ((both,),) = cells([white, white], COLOUR)
    assert (both.text, both.style) == (" ", Style(bgcolor=GREYS[23]))


def test_neighbours_that_look_the_same_are_one_segment():
    ((one, two),) = cells([bytes([5] * 40 + [6] * 40), bytes([5] * 40 + [6] * 40)], COLOUR)
    assert (one.text, two.text) == (" " * 40, " " * 40)


def test_without_colours_levels_are_ink_and_the_outline_is_a_letter():
    ((ink, mark),) = cells([bytes([*range(8), 8])], Paint(mark="yellow"))
    assert (ink.text, mark.text) == (INK, "o")


@pytest.mark.parametrize("paint", [COLOUR, INKED])
@pytest.mark.parametrize("size", [(0, 0), (1, 1), (3, 2), (5, 40), (12, 4), (36, 8), (76, 20), (200, 3), (156, 44)])
def test_every_size_is_drawn_within_its_room(picture, size, paint):
    width, height = size
    rows = texts(draw_slices(picture, width, height, paint, Style()))
    assert len(rows) <= height
    assert all(len(row) <= width for row in rows)


def test_as_many_planes_stand_side_by_side_as_fit():
    assert [arrange(width, 20, 36).planes for width in (36, 50, 76, 156)] == [1, 2, 3, 3]
    assert arrange(36, 8, 36).planes == 3
    assert arrange(36, 10, 36).planes == 2


def test_a_map_is_enlarged_by_whole_numbers_where_that_fits():
    assert arrange(160, 25, 24).side_px == 48
    assert arrange(160, 40, 36).side_px == 52


def test_planes_are_named_with_their_place_and_the_chosen_one_is_in_brackets(write_map):
    slices = cut(write_map, ball(24, 6), offset=(0, -2, 3))
    names = texts(draw_slices(SlicesPicture(slices, chosen=1), 156, 44, INKED, Style()))[0]
    assert " XY  z +3 px, +6.0 Å" in names
    assert "[XZ] y -2 px, -4.0 Å" in names
    assert " YZ  x centre" in names


def test_in_little_room_the_chosen_plane_is_shown(write_map):
    slices = cut(write_map, ball(24, 6))
    names = texts(draw_slices(SlicesPicture(slices, chosen=2), 30, 18, INKED, Style()))[0]
    assert "[YZ]" in names
    assert "XY" not in names


def test_a_picture_in_ascii_is_drawn_with_the_mask_around_the_density(picture):
    drawn = texts(draw_slices(picture, 26, 13, INKED, Style()))
    assert all(row.isascii() for row in drawn[1:-1])
    middle = drawn[7]
    assert middle.index("o") < middle.index("#") < middle.rindex("#") < middle.rindex("o")
    assert drawn[-1].strip() == "outline is the mask"


def written(rows) -> int:
    """Bytes that rows cost in a terminal of 256 colours."""
    console = Console(file=StringIO(), color_system="256", force_terminal=True, width=200)
    console.print(Segments([segment for row in rows for segment in row]), end="")
    return len(console.file.getvalue().encode())


def test_a_frame_of_a_job_of_relion_costs_few_bytes(relion_job):
    from halfmap.tui.files.gallery import Gallery, Wish

    found = Gallery().look(Wish(relion_job.files.iterations[-1].map, mask=relion_job.files.mask), Beat())
    shown = SlicesPicture(found.slices, found.mask, found.greys)
    assert written(draw_slices(shown, 34, 8, COLOUR, Style())) < 6_000
    assert written(draw_slices(shown, 76, 20, COLOUR, Style())) < 20_000
    assert written(draw_slices(shown, 76, 20, Paint(mark="yellow"), Style())) < 3_000


def test_the_outline_is_the_row_of_pixels_around_the_mask(write_map):
    inside = np.zeros((12, 12, 12), np.float32)
    inside[4:8, 3:9, 2:10] = 1
    slices, mask = cut(write_map, ball(12, 3)), cut(write_map, inside, "mask.mrc")
    edge = outline(slices, mask, 0, (12, 12))[::-1]
    expected = np.zeros((12, 12), bool)
    expected[[2, 9], 2:10] = expected[3:9, 1] = expected[3:9, 10] = True
    assert np.array_equal(edge, expected)


def test_a_mask_of_another_box_and_pixel_size_lies_centre_on_centre(write_map):
    slices = cut(write_map, ball(24, 6), pixel=2.0)
    same = outline(slices, cut(write_map, ball(24, 6), "same.mrc", 2.0), 0, (48, 48))
    finer = outline(slices, cut(write_map, ball(64, 12), "finer.mrc", 1.0), 0, (48, 48))
    inside_same, inside_finer = (np.argwhere(edge) for edge in (same, finer))
    assert abs(inside_same.mean(axis=0) - inside_finer.mean(axis=0)).max() <= 0.6
    assert abs(np.ptp(inside_same, axis=0) - np.ptp(inside_finer, axis=0)).max() <= 1


def test_a_plane_beyond_the_mask_has_no_outline(write_map):
    slices = cut(write_map, ball(24, 6), offset=(0, 0, 9))
    mask = cut(write_map, np.ones((8, 8, 8), np.float32), "mask.mrc", offset=(0, 0, 9))
    assert not outline(slices, mask, 0, (24, 24)).any()
    assert outline(slices, mask, 1, (24, 24)).any()


def test_what_is_missing_is_told_under_the_planes(write_map):
    slices = cut(write_map, ball(24, 6))
    drawn = texts(draw_slices(SlicesPicture(slices, trouble="Without the mask: it is gone."), 36, 9, INKED, Style()))
    assert drawn[-1] == "Without the mask: it is gone."


def test_a_flat_map_is_drawn_without_a_fault(write_map):
    slices = cut(write_map, np.zeros((8, 8, 8), np.float32))
    assert not levels(slices.xy, slices.greys, (8, 8), 24).any()
