"""What holds for all images, maps and accumulators."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from halfmap.engine.fourier.backprojector import (
    Accumulator,
    AccumulatorGeometry,
    complete_hermitian,
    downsampled_average,
)
from halfmap.engine.fourier.shells import counted_once, disc, window
from halfmap.engine.fourier.transform import (
    resample_map,
    restore_map,
    transform_images,
    transform_map,
    window_map,
    window_transform,
)
from halfmap.engine.refinement.fsc import fsc_of_maps

EVEN = st.sampled_from([4, 6, 8, 10, 12])
SEEDS = st.integers(0, 2**32 - 1)


@given(EVEN, SEEDS)
def test_power_is_the_same_in_both_spaces(box_px, seed):
    image = np.random.default_rng(seed).normal(size=(1, box_px, box_px))
    transform = transform_images(image)[0]
    # columns other than the first and the last stand for two
    twice = np.full(box_px // 2 + 1, 2.0)
    twice[[0, -1]] = 1
    np.testing.assert_allclose((np.abs(transform) ** 2 * twice).sum(), (image**2).mean())


@given(EVEN, SEEDS, st.integers(-5, 5), st.integers(-5, 5))
def test_moving_an_image_multiplies_its_transform_by_a_phase(box_px, seed, dx, dy):
    image = np.random.default_rng(seed).normal(size=(box_px, box_px))
    moved = np.roll(image, (dy, dx), axis=(0, 1))
    before, after = transform_images(np.stack([image, moved]))
    ky, kx = np.fft.fftfreq(box_px, 1 / box_px), np.arange(box_px // 2 + 1)
    phase = np.exp(-2j * np.pi * (ky[:, None] * dy + kx * dx) / box_px)
    np.testing.assert_allclose(after, before * phase, atol=1e-12)


@given(EVEN, SEEDS)
def test_maps_come_back_from_their_transform(box_px, seed):
    density = np.random.default_rng(seed).normal(size=(box_px,) * 3)
    np.testing.assert_allclose(restore_map(transform_map(density)), density, atol=1e-12)


@settings(deadline=None)
@given(EVEN, EVEN, SEEDS)
def test_padding_and_cropping_again_keeps_the_nyquist_sphere(small, more, seed):
    transform = transform_map(np.random.default_rng(seed).normal(size=(small,) * 3))
    found = window_transform(window_transform(transform, small + more), small)
    row = np.fft.fftfreq(small, 1 / small)
    inside = row[:, None, None] ** 2 + row[:, None] ** 2 + np.arange(small // 2 + 1) ** 2 <= (small // 2) ** 2
    np.testing.assert_allclose(found, np.where(inside, transform, 0))


@settings(deadline=None)
@given(EVEN, EVEN, SEEDS)
def test_resampling_keeps_the_mean(old, new, seed):
    density = np.random.default_rng(seed).normal(size=(old,) * 3)
    np.testing.assert_allclose(resample_map(density, new).mean(), density.mean(), atol=1e-12)


@given(EVEN, EVEN, SEEDS, st.floats(-2, 2))
def test_what_is_padded_can_be_cropped_again(small, more, seed, fill):
    density = np.random.default_rng(seed).normal(size=(small,) * 3)
    padded = window_map(density, small + more, fill)
    np.testing.assert_array_equal(window_map(padded, small), density)
    np.testing.assert_allclose(padded.sum(), density.sum() + fill * ((small + more) ** 3 - small**3), atol=1e-9)


@given(EVEN, EVEN, st.floats(0, 8))
def test_lists_of_pixels_hold_nothing_twice_and_nothing_beyond(box_px, size_px, reach):
    size_px = min(size_px, box_px)
    pixels, everything = disc(box_px, size_px, reach), window(box_px, size_px)
    assert len(np.unique(pixels.index)) == len(pixels.kx)
    assert set(pixels.index.tolist()) <= set(everything.index.tolist())
    assert (pixels.radius <= reach).all()
    assert counted_once(box_px, 2).ravel()[pixels.index].all()


def noise(geometry, seed):
    random = np.random.default_rng(seed)
    sums = random.normal(size=geometry.shape)
    sums[..., 2] = random.uniform(0, 1, geometry.shape[:3])
    return Accumulator(geometry, sums)


GEOMETRIES = st.builds(AccumulatorGeometry, st.just(12), st.sampled_from([1, 2]), st.integers(1, 4))


@given(GEOMETRIES, SEEDS)
def test_completed_sums_are_conjugate_symmetric(geometry, seed):
    found = complete_hermitian(noise(geometry, seed))
    centre = geometry.shape[0] // 2
    plane = found.data[:, :, 0].copy()
    plane[centre, centre] = 0
    np.testing.assert_allclose(plane, plane[::-1, ::-1].conj(), atol=1e-12)
    np.testing.assert_allclose(found.weight[:, :, 0], found.weight[::-1, ::-1, 0], atol=1e-12)


@given(GEOMETRIES, SEEDS, st.floats(0.1, 10))
def test_averages_do_not_depend_on_the_scale_of_the_weights(geometry, seed, factor):
    accumulator = noise(geometry, seed)
    scaled = accumulator.with_sums(accumulator.sums * factor)
    np.testing.assert_allclose(downsampled_average(scaled), downsampled_average(accumulator), rtol=1e-9)


@settings(deadline=None, max_examples=30)
@given(EVEN, SEEDS, st.floats(0.1, 10))
def test_correlation_lies_between_minus_one_and_one_and_knows_no_scale(box_px, seed, factor):
    first, second = np.random.default_rng(seed).normal(size=(2, box_px, box_px, box_px))
    found = fsc_of_maps(first, second)
    assert (np.abs(found) <= 1 + 1e-12).all()
    np.testing.assert_allclose(fsc_of_maps(second, factor * first), found, atol=1e-12)
