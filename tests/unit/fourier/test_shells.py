"""Rounding, rows of transforms, shells and lists of pixels."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.engine.fourier.shells import (
    counted_once,
    disc,
    frequencies,
    inside_rows,
    radii,
    round_half_away,
    round_scalar,
    shell_indices,
    shell_means,
    shell_sums,
    window,
)


# trap 1
def test_halves_are_rounded_away_from_zero_unlike_numpy():
    values = np.array([0.5, 1.5, 2.5, -0.5, -2.5, 0.49, -0.49])
    assert round_half_away(values).tolist() == [1, 2, 3, -1, -3, 0, 0]
    assert [round_scalar(v) for v in (4.5, 0.5, -0.5)] == [5, 1, -1]


# trap 1: with padding 2 exact halves occur all the time
def test_padded_indices_are_rounded_away_from_zero():
    assert round_half_away(np.array([1, 2, 3, 4, -1, -2, -3]) / 2).tolist() == [1, 1, 2, 2, -1, -1, -2]


@given(st.floats(-1e6, 1e6))
def test_rounding_moves_a_number_by_half_at_most(value):
    assert abs(round_scalar(value) - value) <= 0.5


# trap 2
def test_the_nyquist_row_of_eight_is_plus_four():
    assert frequencies(8).tolist() == [0, 1, 2, 3, 4, -3, -2, -1]


@pytest.mark.parametrize("box_px", [6, 10])
def test_rows_are_those_of_an_fft_but_for_the_sign_of_nyquist(box_px):
    expected = np.fft.fftfreq(box_px, 1 / box_px).round().astype(int)
    expected[box_px // 2] *= -1
    assert frequencies(box_px).tolist() == expected.tolist()


def test_radii_and_shells_are_those_of_each_pixel():
    rows = [0, 1, 2, 3, -2, -1]
    for y, ky in enumerate(rows):
        for kx in range(4):
            assert radii(6, 2)[y, kx] == pytest.approx((kx**2 + ky**2) ** 0.5)
            for z, kz in enumerate(rows):
                radius = (kx**2 + ky**2 + kz**2) ** 0.5
                assert radii(6, 3)[z, y, kx] == pytest.approx(radius)
                assert shell_indices(6, 3)[z, y, kx] == int(radius + 0.5)


# trap 20
def test_each_hermitian_pair_is_counted_once():
    rows = frequencies(8).tolist()
    marked = {(kx, rows[y]) for y, kx in np.argwhere(counted_once(8, 2)).tolist()}
    for kx in range(5):
        for ky in rows:
            assert ((kx, ky) in marked) == (kx > 0 or ky >= 0)


def test_each_hermitian_pair_of_a_volume_is_counted_once_within_the_largest_shell():
    rows = frequencies(6).tolist()
    marked = {(kx, rows[y], rows[z]) for z, y, kx in np.argwhere(counted_once(6, 3)).tolist()}
    for k in itertools.product(range(4), rows, rows):
        opposite = tuple(-i for i in k)
        if sum(i * i for i in k) > 9 or k == (0, 0, 0) or 3 in k or -3 in opposite:
            continue
        assert (k in marked) + (opposite in marked) == 1
    assert (0, 0, 0) in marked


def test_a_ball_is_listed_as_its_voxels_stand_in_a_transform():
    pixels = disc(8, 6, 2.9, 3)
    assert pixels.dimensions == 3
    assert pixels.frequencies[:, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(pixels.radius, np.sqrt((pixels.frequencies.astype(float) ** 2).sum(axis=0)))
    inside = [
        k
        for k in itertools.product(range(5), range(-4, 5), range(-4, 5))
        if sum(i * i for i in k) <= 2.9**2 and k >= (0, 0, 0)
    ]
    # at kx = 0 and at kx = ky = 0 one of each pair: as tuples (kx, ky, kz) are ordered
    assert sorted(map(tuple, pixels.frequencies.T.tolist())) == sorted(inside)
    values = np.arange(8 * 8 * 5).reshape(1, 8, 8, 5)
    expected = [values[0, kz, ky, kx] for kx, ky, kz in pixels.frequencies.T.tolist()]
    assert pixels.take(values)[0].tolist() == expected
    some = pixels.part(slice(3, 9))
    assert some.frequencies.tolist() == pixels.frequencies[:, 3:9].tolist()
    assert pixels.part(slice(None)) is pixels


def test_a_window_of_a_volume_has_its_corners_and_redundant_rows():
    assert len(window(8, 4, 3).kx) == 4 * 4 * 3
    assert len(window(8, 4).kx) == 4 * 3


def test_shells_are_summed_and_averaged_and_others_left_out():
    values, shells = np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.array([0, 2, 2, 3, -1])
    assert shell_sums(values, shells, 3).tolist() == [1, 0, 6]
    assert shell_means(values, shells, 3).tolist() == [1, 0, 3]


def test_a_disc_lists_each_pair_within_reach_once_and_the_origin_first():
    pixels = disc(12, 12, 3.5)
    listed = list(zip(pixels.kx.tolist(), pixels.ky.tolist(), strict=True))
    expected = {(kx, ky) for kx in range(7) for ky in range(-5, 7) if kx**2 + ky**2 <= 3.5**2 and (kx > 0 or ky >= 0)}
    assert listed[0] == (0, 0)
    assert len(listed) == len(expected)
    assert set(listed) == expected
    np.testing.assert_allclose(pixels.radius, [(kx**2 + ky**2) ** 0.5 for kx, ky in listed])


def test_a_disc_ends_at_its_window():
    pixels = disc(12, 6, 100.0)
    assert (pixels.kx.max(), pixels.ky.max(), pixels.ky.min()) == (3, 3, -2)


def test_a_window_lists_corners_and_redundant_rows_too():
    pixels = window(12, 6)
    listed = set(zip(pixels.kx.tolist(), pixels.ky.tolist(), strict=True))
    assert listed == {(kx, ky) for kx in range(4) for ky in range(-2, 4)}


def test_pixels_are_taken_out_of_half_transforms():
    images = np.random.default_rng(1).normal(size=(2, 8, 8))
    transforms = np.fft.fft2(images)
    pixels = disc(8, 8, 3.0)
    expected = transforms[:, pixels.ky, pixels.kx]
    np.testing.assert_allclose(pixels.take(transforms[:, :, :5]), expected)


# the last pixel of each row of the disc is left out, as in RELION's program for cores
@pytest.mark.parametrize("size", [8, 10, 36])
def test_rows_of_a_reconstruction_end_before_the_last_pixel_of_the_disc(size):
    pixels = disc(size + 4, size, size / 2)
    inside = set(zip(pixels.kx[(kept := inside_rows(pixels, size))].tolist(), pixels.ky[kept].tolist(), strict=True))
    for ky in range(-size // 2 + 1, size // 2 + 1):
        row = sorted(kx for kx, y in zip(pixels.kx.tolist(), pixels.ky.tolist(), strict=True) if y == ky)
        assert [kx for kx in row if (kx, ky) in inside] == row[:-1]
