"""CTF volumes: three layouts of the same values, and what is refused."""

import itertools

import mrcfile
import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.ctf_volumes import read_ctf_volume, read_volume
from halfmap.engine.formats.mrc import write_map

BOX = 8
HALF = BOX // 2 + 1
FULL = range(-BOX // 2, BOX // 2)
RANDOM = np.random.default_rng(8)


def symmetric_values() -> dict[tuple[int, int, int], float]:
    """A value for each frequency (kx, ky, kz), the same for its opposite."""
    return {k: float(np.cos(np.dot(k, [0.3, 0.5, 0.7])) + 2) for k in itertools.product(range(-4, 5), repeat=3)}


def as_half(values) -> np.ndarray:
    """RELION's half-transform: rows in FFT order, the Nyquist frequency at −n/2."""
    rows = [k if k < BOX // 2 else k - BOX for k in range(BOX)]
    return np.array([[[values[x, y, z] for x in range(HALF)] for y in rows] for z in rows], np.float32)


def as_centred(values) -> np.ndarray:
    return np.array([[[values[x, y, z] for x in FULL] for y in FULL] for z in FULL], np.float32)


def write(path, values: np.ndarray):
    with mrcfile.new(path) as mrc:
        mrc.set_data(values.astype(np.float32))
    return path


def test_three_layouts_are_read_to_the_same_array(tmp_path):
    values, multiplicity = symmetric_values(), RANDOM.uniform(0, 5, (BOX, BOX, HALF))
    centred = read_ctf_volume(write(tmp_path / "a.mrc", as_centred(values)), BOX)
    half = read_ctf_volume(write(tmp_path / "b.mrc", as_half(values)), BOX)
    both = read_ctf_volume(write(tmp_path / "c.mrc", np.concatenate([as_half(values), multiplicity])), BOX)
    assert centred.multiplicity is None
    assert half.multiplicity is None
    np.testing.assert_array_equal(centred.ctf, half.ctf)
    np.testing.assert_array_equal(both.ctf, half.ctf)
    for x, y, z in itertools.product(range(HALF), range(-3, 5), range(-3, 5)):
        inside = x * x + y * y + z * z <= (BOX // 2) ** 2
        assert half.ctf[z, y, x] == np.float32(values[x, y, z] if inside else 0)
        assert both.multiplicity[z, y, x] == np.float32(multiplicity[z, y, x] if inside else 0)


def test_a_centred_volume_is_read_at_the_opposite_frequency(tmp_path):
    values = np.zeros((BOX, BOX, BOX), np.float32)
    values[4 + 1, 4 - 2, 4 - 2] = 7  # z, y, x
    found = read_ctf_volume(write(tmp_path / "a.mrc", values), BOX).ctf
    assert found[-1, 2, 2] == 7
    assert np.count_nonzero(found) == 1


@pytest.mark.parametrize("shape", [(8, 8, 4), (16, 8, 8), (24, 8, 5), (8, 6, 5), (8, 5)])
def test_another_shape_is_refused(tmp_path, shape):
    with pytest.raises(
        BadInput, match=r"a\.mrc: is (no volume|.* for a box of 8 px one of 8 × 8 × 8, 5 × 8 × 8, 5 × 8 × 16)"
    ):
        read_ctf_volume(write(tmp_path / "a.mrc", np.ones(shape)), BOX)


@pytest.mark.filterwarnings("ignore:Data array contains NaN")
def test_values_that_are_not_finite_are_refused(tmp_path):
    values = np.ones((BOX, BOX, HALF))
    values[1, 2, 3] = np.nan
    with pytest.raises(BadInput, match=r"a\.mrc: holds NaN"):
        read_ctf_volume(write(tmp_path / "a.mrc", values), BOX)


def test_a_volume_is_read_with_its_ctf(tmp_path):
    density = RANDOM.normal(size=(BOX, BOX, BOX)).astype(np.float32)
    write_map(tmp_path / "data.mrc", density, 4.0)
    found = read_volume(tmp_path / "data.mrc", write(tmp_path / "w.mrc", np.ones((2 * BOX, BOX, HALF))), BOX)
    np.testing.assert_array_equal(found.density, density)
    assert found.transfer.multiplicity is not None
