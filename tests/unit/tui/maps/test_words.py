from halfmap.tui.files.directions import Directions
from halfmap.tui.files.map_slices import read_slices
from halfmap.tui.files.patient import Beat
from halfmap.tui.text.direction_words import spread, whose
from halfmap.tui.text.map_words import laid_over, lies, longest, names_of
from tests.unit.tui.maps.conftest import ball


def test_a_map_is_named_with_its_half_iteration_and_resolution():
    assert names_of("half 1", 5, 17.153)[0] == "half 1, iteration 5, 17.15 Å"
    assert names_of("half 1", 5, 17.153)[2] == "half 1, it 5, 17.2 Å"
    assert names_of("joined", 7, None)[0] == "joined, iteration 7"


def test_the_offset_says_its_direction_in_words():
    assert lies(2.8, 8.1)[0] == "map is 2.8 Å above the mask's centre along z (towards +z)"
    assert lies(-2.8, 8.1)[0] == "map is 2.8 Å below the mask's centre along z (towards -z)"
    assert lies(0.4, 8.1)[0] == "map and mask have the same centre along z"
    assert lies(3.0, 0)[0] == "map is 3.0 px above the mask's centre along z (towards +z)"
    assert lies(None, 8.1) == ()


def test_a_mask_of_another_size_is_told(write_map):
    one = read_slices(write_map(ball(8, 2)), (0, 0, 0), Beat())[0]
    other = read_slices(write_map(ball(12, 2), "mask.mrc", 1.5), (0, 0, 0), Beat())[0]
    assert laid_over(one, other) == "12 px at 1.5 Å, laid centre on centre"
    assert laid_over(one, one) == ""
    assert laid_over(one, None) == ""


def test_the_longest_way_that_fits_is_chosen():
    assert [longest(("longest", "long", "l"), cells) for cells in (7, 6, 3, 0)] == ["longest", "long", "l", ""]


def test_directions_are_told_with_their_number_and_spread():
    found = Directions(12345, ((0,),), 0.5, 2)
    assert whose(3, found)[0] == "iteration 3, 12,345 particles, 2 lines passed over"
    assert whose(3, None)[0] == "iteration 3"
    assert spread(found)[-2] == "fullest tenth: 50 % (even: 11 %)"
    assert spread(found)[0].endswith("11 % if spread evenly; 2 lines passed over")
    assert spread(None) == whose(None, None) == ()
