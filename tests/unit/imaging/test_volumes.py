"""Volumes of pseudo-subtomograms: moved, masked, transformed, and weighted by their multiplicity."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.fourier.shells import radii
from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.pass_images import PassSettings, tilt_images
from halfmap.engine.imaging.settings import ImageSettings, VolumeSettings
from halfmap.engine.imaging.volumes import CtfVolume, ParticleVolume, load_volume, translated, whole_voxels
from halfmap.engine.particles.optics import OpticsGroup

BOX, PIXEL = 12, 5.0
HALF = (BOX, BOX, BOX // 2 + 1)
GRID = ModelGrid(BOX, PIXEL)
OPTICS = OpticsGroup(1, "one", Microscope(300, 2.7, 0.1), PIXEL, BOX, premultiplied=True, dimensions=3)
SETTINGS = ImageSettings(
    mask_diameter_angstrom=40.0, mask_edge_px=2, zero_mask=True, ctf_correction=True, intact_first_peak=False
)
NOWHERE = np.zeros(3, np.int64)


def some_volume(seed: int = 1) -> ParticleVolume:
    """Noise; as many as five images in a voxel, and none in some."""
    random = np.random.default_rng(seed)
    multiplicity = random.choice([0, 0.005, 0.05, 1, 2.5, 5], HALF).astype(np.float32)
    ctf = random.uniform(0.1, 1, HALF).astype(np.float32) * multiplicity
    density = random.normal(size=(BOX, BOX, BOX)).astype(np.float32)
    return ParticleVolume(density, CtfVolume(ctf, multiplicity))


def load(volume, shift=NOWHERE, optics=OPTICS, **choices):
    volumes = choices.pop("volumes", VolumeSettings())
    return load_volume(volume, np.array(shift), optics, GRID, replace(SETTINGS, volumes=volumes, **choices))


def transform(density):
    return np.fft.rfftn(np.fft.ifftshift(density)) / BOX**3


# trap 5: the content moves by the offset
@pytest.mark.parametrize("shift", [(0, 0, 0), (2, 0, -1), (-3, 4, 1), (12, 0, 0), (0, -40, 0)])
def test_content_moves_by_whole_voxels_and_zeros_enter(shift):
    density = some_volume().density
    expected = np.zeros_like(density)
    for x, y, z in itertools.product(range(BOX), repeat=3):
        tx, ty, tz = x + shift[0], y + shift[1], z + shift[2]
        if all(0 <= t < BOX for t in (tx, ty, tz)):
            expected[tz, ty, tx] = density[z, y, x]
    np.testing.assert_array_equal(translated(density, np.array(shift)), expected)


# trap 1
def test_offsets_are_rounded_half_away_from_zero():
    assert whole_voxels(np.array([12.5, -12.5, 12.4]), OPTICS).tolist() == [3, -3, 2]


def test_a_volume_is_moved_before_it_is_masked_and_says_so():
    volume = some_volume()
    moved = load(volume, (2, -1, 0))
    by_hand = load(replace(volume, density=translated(volume.density, np.array([2, -1, 0]))))
    np.testing.assert_array_equal(moved.masked, by_hand.masked)
    assert moved.moved_px.tolist() == [2, -1, 0]


# trap 16: a constant stays, and what is back-projected is not masked
def test_the_surroundings_become_their_own_mean():
    whole = CtfVolume(np.ones(HALF, np.float32), None)
    constant = load(ParticleVolume(np.full((BOX,) * 3, 2.5, np.float32), whole))
    assert constant.masked[0, 0, 0, 0] == pytest.approx(2.5)
    assert np.abs(constant.masked[0].ravel()[1:]).max() < 1e-6
    density = some_volume().density
    images = load(ParticleVolume(density, whole))
    np.testing.assert_allclose(images.unmasked[0], transform(density), atol=1e-6)
    inside = np.sqrt(((np.indices((BOX,) * 3) - BOX // 2) ** 2).sum(axis=0)) < 4
    back = np.fft.fftshift(np.fft.irfftn(images.masked[0] * BOX**3, s=(BOX,) * 3, axes=(0, 1, 2)))
    np.testing.assert_allclose(back[inside], density[inside], atol=1e-5)
    corner = back[:2, :2, :2]
    np.testing.assert_allclose(corner, corner[0, 0, 0], atol=1e-5)


# trap 48
def test_sums_are_taken_as_they_are_where_images_contributed():
    volume = some_volume()
    multiplicity, found = volume.transfer.multiplicity, load(volume)
    seen = multiplicity > 0.01
    np.testing.assert_allclose(found.unmasked[0], np.where(seen, transform(volume.density), 0), atol=1e-6)
    np.testing.assert_array_equal(found.ctf[0], np.where(seen, volume.transfer.ctf, 0))
    np.testing.assert_array_equal(found.multiplicity[0], np.where(seen, multiplicity, 0))


def test_another_threshold_of_the_multiplicity_is_heeded():
    found = load(some_volume(), volumes=VolumeSettings(multiplicity_threshold=2.5))
    assert set(np.unique(found.multiplicity)) == {0, 5}
    assert (found.masked[found.multiplicity == 0] == 0).all()


def averaged(volume: ParticleVolume) -> ParticleVolume:
    """The same data divided by the multiplicity, as files of averages hold them."""
    m = volume.transfer.multiplicity
    inverse = np.divide(1, m, out=np.zeros_like(m), where=m > 0.01)
    half = transform(volume.density) * inverse
    density = np.fft.fftshift(np.fft.irfftn(half * BOX**3, s=(BOX,) * 3, axes=(0, 1, 2))).astype(np.float32)
    return ParticleVolume(density, CtfVolume(volume.transfer.ctf * inverse, m))


def symmetric(values):
    """The plane kx = 0 made symmetric, so that a transform there and back changes nothing."""
    for x in (0, BOX // 2):
        opposite = np.roll(values[::-1, ::-1, x], 1, axis=(0, 1))
        values[:, :, x] = np.maximum(values[:, :, x], opposite)
    return values


def test_averages_are_multiplied_by_the_multiplicity():
    volume = some_volume()
    volume = replace(volume, transfer=CtfVolume(volume.transfer.ctf, symmetric(volume.transfer.multiplicity)))
    of_sum = load(volume)
    of_average = load(averaged(volume), volumes=VolumeSettings(normalised=True))
    # the averages were masked by themselves, so that only what is not masked can be the same
    np.testing.assert_allclose(of_average.unmasked, of_sum.unmasked, atol=2e-6)
    np.testing.assert_allclose(of_average.ctf, of_sum.ctf, atol=1e-6)
    np.testing.assert_array_equal(of_average.multiplicity, of_sum.multiplicity)


def test_skipping_the_multiplicity_divides_by_it_and_forgets_it():
    volume = some_volume()
    of_sum, skipped = load(volume), load(volume, volumes=VolumeSettings(skip_multiplicity=True))
    m = np.where(of_sum.multiplicity > 0, of_sum.multiplicity, 1)
    np.testing.assert_allclose(skipped.masked, of_sum.masked / m, atol=1e-6)
    np.testing.assert_allclose(skipped.ctf, of_sum.ctf / m, rtol=1e-6)
    assert skipped.multiplicity is None
    np.testing.assert_array_equal(skipped.noise_counts, skipped.pixel_counts)


def test_averages_without_a_multiplicity_are_refused():
    volume = replace(some_volume(), transfer=CtfVolume(np.ones(HALF, np.float32), None))
    with pytest.raises(BadInput, match="--normalised_subtomo"):
        load(volume, volumes=VolumeSettings(normalised=True))


@pytest.mark.parametrize(
    ("premultiplied", "squared", "power"), [(True, True, 1), (True, False, 2), (False, True, 1), (False, False, 1)]
)
def test_what_a_ctf_volume_holds_depends_on_the_data(premultiplied, squared, power):
    ctf = np.random.default_rng(2).uniform(-1, 1, HALF).astype(np.float32)
    volume = ParticleVolume(some_volume().density, CtfVolume(ctf, None))
    optics = replace(OPTICS, premultiplied=premultiplied)
    found = load(volume, optics=optics, volumes=VolumeSettings(ctf_squared=squared))
    expected = np.abs(ctf) ** power if premultiplied else ctf
    np.testing.assert_allclose(found.ctf[0], expected, rtol=1e-6)


def test_with_exact_noise_the_variance_goes_with_the_sum_of_the_squares():
    volume = some_volume()
    found = load(volume, exact_noise=True)
    np.testing.assert_array_equal(found.multiplicity, found.ctf)
    # what RELION's model would have counted is told, too
    np.testing.assert_array_equal(found.relion_counts, load(volume).noise_counts)
    # the noise of X/M, whose model is C²/M, has the variance C²/M²
    skipped = load(volume, exact_noise=True, volumes=VolumeSettings(skip_multiplicity=True))
    m = np.where(found.ctf > 0, volume.transfer.multiplicity, 1)
    np.testing.assert_allclose(skipped.multiplicity, found.ctf / m**2, rtol=1e-5)
    np.testing.assert_array_equal(skipped.relion_counts, skipped.pixel_counts)


# trap 18, 20: per component, each pair once
def test_power_and_counts_are_those_of_each_pair_once():
    images = load(some_volume())
    power, pixels, noise = np.zeros((3, GRID.shells))
    half = BOX // 2
    for z, y, x in itertools.product(range(-half + 1, half + 1), range(-half + 1, half + 1), range(half + 1)):
        shell = int(np.sqrt(x * x + y * y + z * z) + 0.5)
        if shell > half or (x == 0 and (y < 0 or (y == 0 and z < 0))):
            continue
        power[shell] += abs(images.masked[0, z, y, x]) ** 2
        pixels[shell] += 1
        noise[shell] += images.multiplicity[0, z, y, x]
    np.testing.assert_allclose(images.power, power, rtol=1e-5)
    np.testing.assert_array_equal(images.pixel_counts, pixels)
    np.testing.assert_allclose(images.noise_counts, noise, rtol=1e-6)


def test_white_noise_of_variance_v_has_half_of_v_over_the_voxels_in_each_component():
    random = np.random.default_rng(3)
    optics, grid = replace(OPTICS, box_px=32), ModelGrid(32, PIXEL)
    density = random.normal(0, 3, (32, 32, 32)).astype(np.float32)
    transfer = CtfVolume(np.ones((32, 32, 17), np.float32), None)
    wide = replace(SETTINGS, mask_diameter_angstrom=1000.0)
    images = load_volume(ParticleVolume(density, transfer), NOWHERE, optics, grid, wide)
    sigma2 = (images.power / (2 * images.pixel_counts))[8:]
    # more than 400 voxels in each of these shells: 5 % for each, and 5 standard deviations
    np.testing.assert_allclose(sigma2, 9 / (2 * 32**3), rtol=0.25)
    assert sigma2.mean() == pytest.approx(9 / (2 * 32**3), rel=0.05)


def test_pixels_of_a_pass_are_compared_with_the_noise_of_their_multiplicity():
    images = load(some_volume())
    sigma2 = np.linspace(1, 2, GRID.shells)
    found = tilt_images(images, SETTINGS, PassSettings(8, 4, 2), sigma2, 1.0)
    assert found.pixels.dimensions == 3
    assert found.pixels.radius.max() <= 4
    np.testing.assert_array_equal(found.geometry, 2 * np.eye(3)[None])
    for k, (x, y, z) in enumerate(found.pixels.frequencies.T.tolist()):
        m = images.multiplicity[0, z, y, x]
        shell = int(np.sqrt(x * x + y * y + z * z) + 0.5)
        expected = 0 if m <= 0.1 or shell == 0 else 1 / (sigma2[shell] * m)
        assert found.scoring_weight[0, k] == pytest.approx(expected, rel=1e-5)
        assert found.back_projected_weight[0, k] == pytest.approx(images.ctf[0, z, y, x] / sigma2[shell], rel=1e-5)
        assert found.back_projected[0, k] == pytest.approx(images.unmasked[0, z, y, x] / sigma2[shell], rel=1e-5)


def test_images_for_correlation_have_power_one_over_the_whole_window():
    images = load(some_volume())
    found = tilt_images(images, SETTINGS, PassSettings(8, 4, 2, correlation=True), np.ones(GRID.shells), 1.0)
    rows = [*range(5), *range(-3, 0)]
    window = images.masked[0][np.ix_(rows, rows, range(5))]
    inside = (np.abs(window) ** 2)[radii(8, 3) <= 4].sum() / (np.abs(window) ** 2).sum()
    assert (np.abs(found.masked) ** 2).sum() == pytest.approx(inside, rel=1e-5)
    assert len(found.pixels.kx) == np.count_nonzero(radii(8, 3) <= 4)


def test_volumes_of_another_extent_are_modelled_on_their_own_grey_scale():
    """A transform divided by the number of voxels goes with the inverse of the extent's cube."""
    grid = ModelGrid(BOX, 1.2 * PIXEL)
    images = load_volume(some_volume(), NOWHERE, OPTICS, grid, SETTINGS)
    found = tilt_images(images, SETTINGS, PassSettings(8, 4, 2), np.ones(grid.shells), 1.0)
    np.testing.assert_allclose(found.ctf, 1.2**3 * found.pixels.take(images.ctf), rtol=1e-6)
