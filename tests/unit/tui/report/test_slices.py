import re
from pathlib import Path

import numpy as np

from halfmap.daemon.client import IterationFiles, JobFiles
from halfmap.tui.report.png import grey_png
from halfmap.tui.report.slices import outline, picture, sliced_maps


def write_map(path: Path, values: np.ndarray) -> str:
    import mrcfile

    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(values.astype(np.float32))
        file.voxel_size = 2.0
    return str(path)


def test_values_become_greys_between_black_and_white_and_the_first_row_lies_at_the_bottom() -> None:
    plane = np.array([[-1.0, 0.0], [5.0, 20.0]], np.float32)
    assert picture(plane, (0.0, 10.0)) == grey_png([bytes([128, 255]), bytes([0, 0])])


def test_a_plane_of_one_value_is_grey() -> None:
    assert picture(np.full((2, 2), 3.0, np.float32), (3.0, 3.0)) == grey_png([bytes([128, 128])] * 2)


def test_the_outline_goes_round_each_part_in_the_longest_strokes() -> None:
    inside = np.zeros((4, 5), bool)
    inside[0:2, 1:4] = True
    assert sorted(re.findall(r"M[0-9 ]+[hv][0-9]+", outline(inside))) == ["M1 2h3", "M1 2v2", "M4 2v2"]
    assert outline(np.ones((3, 3), bool)) == outline(np.zeros((3, 3), bool)) == ""


def test_the_final_maps_are_cut_and_the_masks_outline_is_drawn_where_it_fits(tmp_path: Path) -> None:
    density = np.random.default_rng(0).normal(size=(8, 8, 8))
    inside = np.zeros((8, 8, 8))
    inside[2:6, 2:6, 2:6] = 1
    maps = [write_map(tmp_path / f"{name}.mrc", density) for name in ("half1", "half2", "joined")]
    numbered = IterationFiles(iteration=1, half_maps=("x", "y"))
    joined = IterationFiles(iteration=2, is_joined=True, half_maps=(maps[0], maps[1]), map=maps[2])
    files = JobFiles(iterations=(numbered, joined), mask=write_map(tmp_path / "mask.mrc", inside))
    found = sliced_maps(files, print)
    assert [one.name for one in found] == ["Joined map", "Half map 1, unfiltered", "Half map 2, unfiltered"]
    assert all(len(one.pictures) == 3 and one.box_px == 8 and one.note == "8 px at 2 Å" for one in found)
    assert found[0].outlines[0].count("M") == 4
    other = files.model_copy(update={"mask": write_map(tmp_path / "small.mrc", inside[:6, :6, :6])})
    assert sliced_maps(other, print)[0].outlines == ()
    assert "the mask has 6 px at 2 Å, and is not drawn" in sliced_maps(other, print)[0].note


def test_maps_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    (tmp_path / "torn.mrc").write_bytes(b"x" * 300)
    one = IterationFiles(iteration=3, half_maps=(str(tmp_path / "torn.mrc"), ""))
    found = sliced_maps(JobFiles(iterations=(one,), mask=str(tmp_path / "gone.mrc")), print)
    assert [(part.name, part.pictures) for part in found] == [("Half map 1 of iteration 3", ()), ("Mask", ())]
    assert "still being written (300 bytes)" in found[0].note
    assert found[1].note.endswith("gone.mrc does not exist.")
    assert sliced_maps(JobFiles(), print) == ()
