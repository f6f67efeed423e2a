"""MRC files: the header that RELION writes, and what is refused when reading."""

import struct

import mrcfile
import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import read_map, read_stack, read_stack_header, write_map, write_stack

RANDOM = np.random.default_rng(16)


def header_words(path):
    raw = path.read_bytes()[:1024]
    return struct.unpack("<10i", raw[:40]), struct.unpack("<6f", raw[40:64]), raw


def test_a_map_has_the_header_that_relion_writes(tmp_path):
    density = RANDOM.normal(size=(6, 6, 6))
    write_map(tmp_path / "x.mrc", density, 8.1)
    (nx, ny, nz, mode, sx, sy, sz, mx, my, mz), cell, raw = header_words(tmp_path / "x.mrc")
    assert (nx, ny, nz, mode) == (6, 6, 6, 2)
    assert (sx, sy, sz) == (0, 0, 0)
    assert (mx, my, mz) == (6, 6, 6)
    np.testing.assert_allclose(cell, [6 * 8.1] * 3 + [90] * 3, rtol=1e-6)
    assert struct.unpack("<3i", raw[64:76]) == (1, 2, 3)
    lowest, highest, mean = struct.unpack("<3f", raw[76:88])
    assert (lowest, highest) == (np.float32(density.min()), np.float32(density.max()))
    assert mean == pytest.approx(density.mean(), abs=1e-6)
    # ISPG 0 even for a volume, no extended header, origin 0, little endian, one label
    assert struct.unpack("<2i", raw[88:96]) == (0, 0)
    assert struct.unpack("<3f", raw[196:208]) == (0, 0, 0)
    assert raw[208:213] == b"MAP \x44"
    assert struct.unpack("<f", raw[216:220])[0] == pytest.approx(density.std(), rel=1e-5)
    assert struct.unpack("<i", raw[220:224]) == (1,)
    assert raw[224:231] == b"halfmap"
    assert not raw[304:1024].strip(b"\0 ")
    np.testing.assert_array_equal(
        np.frombuffer((tmp_path / "x.mrc").read_bytes()[1024:], "<f4"), density.ravel().astype("f4")
    )


# axis order: x runs fastest
def test_maps_come_back_with_their_pixel_size(tmp_path):
    density = RANDOM.normal(size=(6, 6, 6)).astype(np.float32)
    write_map(tmp_path / "x.mrc", density, 8.1)
    found = read_map(tmp_path / "x.mrc")
    np.testing.assert_array_equal(found.density, density)
    # a header holds 8.1000004
    assert found.pixel_size_angstrom == 8.1
    assert found.box_px == 6


def test_maps_of_relion_are_read(hiv_twin):
    found = read_map(hiv_twin / "Refine3D/job006/run_it003_half1_class001.mrc")
    assert (found.box_px, found.pixel_size_angstrom) == (36, 8.1)
    assert found.density.max() > 0


def test_stacks_keep_their_precision(tmp_path):
    images = RANDOM.normal(size=(3, 4, 4)).astype(np.float16)
    write_stack(tmp_path / "x.mrcs", images, 2.0)
    (nx, ny, nz, mode, *_), cell, _ = header_words(tmp_path / "x.mrcs")
    assert (nx, ny, nz, mode) == (4, 4, 3, 12)
    # spacing 1 along the stack
    np.testing.assert_allclose(cell[:3], [8, 8, 3])
    found = read_stack(tmp_path / "x.mrcs")
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, images)
    header = read_stack_header(tmp_path / "x.mrcs")
    assert (header.images, header.height_px, header.width_px) == (3, 4, 4)


def test_stacks_of_whole_numbers_are_read(tmp_path):
    with mrcfile.new(tmp_path / "x.mrcs") as mrc:
        mrc.set_data(np.arange(32, dtype=np.int16).reshape(2, 4, 4))
    found = read_stack(tmp_path / "x.mrcs")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[1], np.arange(16, 32).reshape(4, 4))


def test_a_single_image_is_a_stack_of_one(tmp_path):
    with mrcfile.new(tmp_path / "x.mrcs") as mrc:
        mrc.set_data(np.ones((4, 4), np.float32))
    assert read_stack(tmp_path / "x.mrcs").shape == (1, 4, 4)


def test_the_stacks_of_the_reference_data_are_read(hiv_twin):
    path = hiv_twin / "PseudoSubtomo/job004/Subtomograms/TS_01/38_stack2d.mrcs"
    assert read_stack_header(path).images == 17
    assert read_stack(path).shape == (17, 36, 36)


@pytest.mark.parametrize("read", [read_map, read_stack, read_stack_header])
def test_a_missing_file_is_refused(tmp_path, read):
    with pytest.raises(BadInput, match=r"none\.mrc: does not exist"):
        read(tmp_path / "none.mrc")


@pytest.mark.parametrize("read", [read_map, read_stack])
def test_a_file_of_another_kind_is_refused(tmp_path, read):
    (tmp_path / "x.mrc").write_bytes(b"hello" * 400)
    with pytest.raises(BadInput, match="not a readable MRC file"):
        read(tmp_path / "x.mrc")


@pytest.mark.parametrize("read", [read_map, read_stack, read_stack_header])
def test_a_file_that_is_cut_short_is_refused(tmp_path, read):
    path = tmp_path / "x.mrc"
    write_map(path, RANDOM.normal(size=(6, 6, 6)), 1.0)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(BadInput, match="cut short"):
        read(path)


@pytest.mark.parametrize(
    ("shape", "words"), [((4, 4, 6), "6 × 4 × 4; a cubic map"), ((5, 5, 5), "box of 5 px is odd"), ((4, 4), "4 × 4;")]
)
def test_maps_of_another_shape_are_refused(tmp_path, shape, words):
    with mrcfile.new(tmp_path / "x.mrc") as mrc:
        mrc.set_data(np.zeros(shape, np.float32))
    with pytest.raises(BadInput, match=words):
        read_map(tmp_path / "x.mrc")


@pytest.mark.filterwarnings("ignore:Data array contains NaN")
def test_maps_with_values_that_are_not_finite_are_refused(tmp_path):
    density = np.zeros((4, 4, 4), np.float32)
    density[1, 2, 3], density[0, 0, 0] = np.nan, np.inf
    with mrcfile.new(tmp_path / "x.mrc") as mrc:
        mrc.set_data(density)
    with pytest.raises(BadInput, match="2 voxels are NaN or infinite"):
        read_map(tmp_path / "x.mrc")


@pytest.mark.filterwarnings("ignore:Data array contains NaN")
@pytest.mark.parametrize(("value", "words"), [(np.nan, "image 2 holds NaN"), (0.0, "image 2 is zero everywhere")])
def test_bad_images_are_refused_by_their_number(tmp_path, value, words):
    images = np.ones((3, 4, 4), np.float32)
    images[1] = value
    write_stack(tmp_path / "x.mrcs", images, 1.0)
    with pytest.raises(BadInput, match=words):
        read_stack(tmp_path / "x.mrcs")
