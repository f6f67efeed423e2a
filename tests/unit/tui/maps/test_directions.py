import math

import numpy as np
import pytest

from halfmap.tui.files.directions import STEP_DEG, read_directions
from halfmap.tui.files.patient import Abandoned, Beat
from halfmap.tui.files.star_angles import BadDirections, fields

OPTICS = "\n# version 50001\n\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnAngleRot #2\n1 9\n\n"
HEAD = f"{OPTICS}\ndata_particles\n\nloop_\n"
LABELS = "_rlnTomoName #1\n_rlnAngleRot #2\n_rlnAngleTilt #3\n_rlnAnglePsi #4\n"


@pytest.fixture
def count(tmp_path):
    def write(text: str | bytes):
        path = tmp_path / "run_it003_data.star"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_directions(f"{path}", Beat())[1]

    return write


def filled(directions) -> dict[tuple[int, int], int]:
    """The bins that hold something: lower edges of tilt and rot (degrees)."""
    return {
        (row * STEP_DEG, column * STEP_DEG - 180): number
        for row, line in enumerate(directions.counts)
        for column, number in enumerate(line)
        if number
    }


def test_particles_are_counted_by_tilt_and_rot(count):
    found = count(f"{HEAD}{LABELS}TS_01 12.5 91 3\nTS_01 -179.9 0.0 3\nTS_02 12.6 92 3\n\n# end\n")
    assert found.particles == 3
    assert filled(found) == {(90, 10): 2, (0, -180): 1}


def test_angles_beyond_their_range_are_brought_back_to_the_same_direction(count):
    found = count(f"{HEAD}{LABELS}a 181 90 0\na 10 -20 0\na 10 200 0\na 180 180 0\n")
    assert filled(found) == {(90, -180): 1, (20, -170): 1, (160, -170): 1, (175, -180): 1}


def test_quoted_fields_with_blanks_shift_no_column(count):
    rows = ["'my tomogram' 12 91 3", '"it\'s 5 7" 12 91 3', "d'accord 12 91 3", '"x"y 12 91 3', "'' 12 91 3"]
    found = count(HEAD + LABELS + "\n".join(rows) + "\n")
    assert filled(found) == {(90, 10): 5}
    assert found.passed_over == 0


def test_fields_are_split_at_blanks_outside_quotes():
    assert list(fields(b"""'a b'  "c 'd" e'f 1\n""", 9)) == [b"'a b'", b'"c \'d"', b"e'f", b"1"]


def test_a_last_line_that_is_torn_is_passed_over(count):
    for torn in ("a", "a 1", "a 12 9", "a 12 91 3"):
        assert filled(count(f"{HEAD}{LABELS}a 12 91 3\n{torn}")) == {(90, 10): 1}


def test_lines_that_cannot_be_read_are_counted(count):
    found = count(f"{HEAD}{LABELS}a 12 91 3\na nan 91 3\na 12 <inf> 3\na 12 inf 3\na\n\na 12 91 3\n")
    assert (found.particles, found.passed_over) == (2, 4)


def test_columns_stand_where_their_labels_say_and_windows_line_ends_are_read(count):
    text = f"{HEAD}_rlnAngleTilt #1\n_rlnTomoName\n_rlnAngleRot\n91 x 12\n".replace("\n", "\r\n")
    assert filled(count(text)) == {(90, 10): 1}


def test_other_tables_after_the_particles_are_left_out(count):
    found = count(f"{HEAD}{LABELS}a 12 91 3\n\ndata_other\nloop_\n_rlnAngleRot\n_rlnAngleTilt\n_x\n1 2 3\n")
    assert found.particles == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (HEAD[:60], "has no table of particles"),
        (HEAD, "has no table of particles"),
        (HEAD + LABELS, "has no particles yet"),
        (HEAD + LABELS[:40], "has no column rlnAngleTilt"),
        (f"{HEAD}_rlnTomoName #1\nTS_01\n", "has no column rlnAngleRot"),
        (f"{HEAD}{LABELS}a b c d\n", "has no particles with angles"),
        (bytes(range(256)) * 50, "has no table of particles"),
        (b"\x1b[2J" * 1000, "has no table of particles"),
    ],
)
def test_a_file_without_angles_says_why(count, text, words):
    with pytest.raises(BadDirections, match=words):
        count(text)


def test_a_file_that_is_not_there_or_no_file_says_so(tmp_path):
    with pytest.raises(BadDirections, match="does not exist"):
        read_directions(f"{tmp_path}/gone.star", Beat())
    with pytest.raises(BadDirections, match="cannot be read"):
        read_directions(f"{tmp_path}", Beat())


def test_counting_ends_when_nobody_waits_any_more(count):
    beat = Beat()
    beat.abandon()
    with pytest.raises(Abandoned):
        read_directions(__file__, beat)


def test_particles_spread_evenly_have_about_a_tenth_in_the_fullest_tenth(count):
    random = np.random.default_rng(4)
    rots, tilts = random.uniform(-180, 180, 20000), np.degrees(np.arccos(random.uniform(-1, 1, 20000)))
    rows = "".join(f"a {rot:.4f} {tilt:.4f} 0\n" for rot, tilt in zip(rots, tilts, strict=True))
    found = count(HEAD + LABELS + rows)
    assert found.fullest_tenth == pytest.approx(0.11, abs=0.01)
    assert found.even_tenth == pytest.approx(found.fullest_tenth, abs=0.005)


def test_particles_in_one_direction_are_all_in_the_fullest_tenth(count):
    assert count(HEAD + LABELS + "a 10 80 0\n" * 10).fullest_tenth == 1


def test_a_job_of_relion_is_counted_whole(relion_job):
    _, found = read_directions(relion_job.files.iterations[-1].particles, Beat())
    assert (found.particles, found.passed_over) == (200, 0)
    bins = filled(found)
    assert sum(bins.values()) == 200
    # local searches around tilt 90, in the asymmetric unit of C6
    assert all(math.fabs(tilt - 90) <= 45 and -45 <= rot <= 45 for tilt, rot in bins)
