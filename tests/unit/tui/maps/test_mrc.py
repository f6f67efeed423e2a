import os
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from halfmap.tui.files.mrc import BadMap, mark_of, sections

RAMP = np.arange(4**3).reshape(4, 4, 4)


def read(path) -> np.ndarray:
    return np.stack([section for _, _, section in sections(f"{path}")])


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.float32, np.uint16, np.float16])
def test_maps_of_all_modes_are_read(write_map, kind):
    found = read(write_map(RAMP.astype(kind)))
    assert found.dtype == np.float32
    assert np.array_equal(found, RAMP)


@pytest.mark.parametrize("mode", [1, 2, 12])
def test_maps_of_the_other_byte_order_are_read_with_or_without_a_stamp(tmp_path, mode):
    kind = {1: ">i2", 2: ">f4", 12: ">f2"}[mode]
    header = np.zeros(256, ">i4")
    header[[0, 1, 2, 3, 7, 8, 9]] = 4, 4, 4, mode, 4, 4, 4
    header[10:13] = np.full(3, 8.0, ">f4").view(">i4")
    raw = bytearray(header.tobytes())
    for stamp in (b"\x11\x11\x00\x00", b"\x00\x00\x00\x00"):
        raw[212:216] = stamp
        path = tmp_path / "big.mrc"
        path.write_bytes(bytes(raw) + RAMP.astype(kind).tobytes())
        (first, *_) = [header for header, _, _ in sections(f"{path}")]
        assert (first.box_px, first.pixel_size_angstrom) == (4, 2.0)
        assert np.array_equal(read(path), RAMP)


def test_an_extended_header_is_skipped(tmp_path):
    path = tmp_path / "extended.mrc"
    with mrcfile.new(path) as file:
        file.set_data(RAMP.astype(np.float32))
        file.set_extended_header(np.array([b"x" * 80], dtype="V80"))
    assert np.array_equal(read(path), RAMP)


@pytest.mark.filterwarnings("ignore:Data array contains NaN")
def test_what_is_no_number_is_zero(write_map):
    values = RAMP.astype(np.float32)
    values[0, 0, :3] = np.nan, np.inf, -np.inf
    assert read(write_map(values))[0, 0].tolist() == [0, 0, 0, 3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "no MRC file, or still being written"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4]), "cut off, or still being written: 1276 bytes of 1280"),
        (lambda path: path.write_bytes(b"data_particles\nloop_\n" * 100), "no MRC file of a kind that is known"),
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.unlink() or path.mkdir(), "cannot be read"),
    ],
)
def test_a_file_that_is_no_map_says_why(write_map, change, words):
    path = write_map(RAMP.astype(np.float32))
    change(Path(path))
    with pytest.raises(BadMap, match=words):
        read(path)


def test_a_map_that_is_no_cube_is_refused(write_map):
    with pytest.raises(BadMap, match="no map of a particle: 2 × 4 × 4 px"):
        read(write_map(np.zeros((4, 4, 2), np.float32)))


def test_a_map_that_is_cut_off_while_it_is_read_says_so(write_map):
    path = write_map(np.zeros((64, 64, 64), np.float32))
    found = sections(path)
    next(found)
    os.truncate(path, 2000)
    with pytest.raises(BadMap, match="was cut off while it was read"):
        list(found)


def test_a_file_without_a_pixel_size_has_none(write_map):
    ((header, _, _), *_) = sections(write_map(RAMP.astype(np.float32), pixel=0))
    assert header.pixel_size_angstrom == 0
    assert f"{header}" == "4 px"


def test_a_name_with_a_zero_byte_is_a_file_that_cannot_be_read():
    with pytest.raises(BadMap, match="cannot be read"):
        mark_of("/tmp/a\0b")


def test_a_changed_file_has_another_mark(write_map):
    before = mark_of(write_map(RAMP.astype(np.float32)))
    os.utime(before.path, ns=(1, 1))
    assert mark_of(before.path) != before
