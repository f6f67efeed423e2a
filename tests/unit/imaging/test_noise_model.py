"""The exact model of the noise in premultiplied images, against the images before they were multiplied."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.imaging.ctf import Microscope, ctf_values
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.particle_images import ParticleImages, load_images, noise_images, noise_multiplicity
from halfmap.engine.imaging.pass_images import PassSettings, tilt_images
from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.refinement.initialisation import first_noise
from tests.unit.imaging.conftest import some_ctf

BOX, PIXEL, TILTS = 16, 5.0, 2
SETTINGS = ImageSettings(40.0, 3, True, True, False, exact_noise=True)
GRID = ModelGrid(BOX, PIXEL)
PASS = PassSettings(12, 6, 2)
SIGMA2 = 0.5 + np.arange(9.0)


def optics(premultiplied):
    return OpticsGroup(1, "one", Microscope(300, 2.7, 0.1), PIXEL, BOX, premultiplied)


def ctf_of_every_pixel():
    rows = np.fft.fftfreq(BOX, 1 / BOX)
    rows[BOX // 2] *= -1
    ky, kx = np.meshgrid(rows, np.arange(BOX // 2 + 1), indexing="ij")
    values = ctf_values(some_ctf(), optics(True).microscope, kx.ravel() / (BOX * PIXEL), ky.ravel() / (BOX * PIXEL))
    return values.reshape(TILTS, *kx.shape)


@pytest.fixture(scope="module")
def both():
    """Pixels of the same particle, not multiplied by its CTF and multiplied."""
    rng = np.random.default_rng(4)
    transform = rng.normal(size=(TILTS, BOX, BOX // 2 + 1, 2)) @ np.array([1, 1j])
    plain = transform.astype(np.complex64)
    multiplied = (ctf_of_every_pixel() * transform).astype(np.complex64)
    rotations = Rotation.random(TILTS, rng=3).as_matrix()
    stack = np.zeros((TILTS, BOX, BOX), np.float32)
    known = noise_multiplicity(stack, optics(True), some_ctf(), SETTINGS)
    of_plain = ParticleImages(optics(False), GRID, rotations, some_ctf(), plain, plain)
    of_multiplied = ParticleImages(optics(True), GRID, rotations, some_ctf(), multiplied, multiplied, known)
    return [tilt_images(images, SETTINGS, PASS, SIGMA2, 0.9) for images in (of_plain, of_multiplied)]


@pytest.mark.parametrize("name", ["weighted", "half_power_weight"])
def test_multiplied_images_are_scored_as_they_were_before(both, name):
    plain, multiplied = (getattr(images, name) for images in both)
    # 1/C² of single precision times C²
    np.testing.assert_allclose(multiplied, plain, rtol=1e-5, atol=1e-6 * np.abs(plain).max())


def test_multiplied_images_are_reconstructed_from_as_they_were_before(both):
    plain, multiplied = both
    # RELION leaves the group's scale out of premultiplied data, and has it once in their weight
    np.testing.assert_allclose(multiplied.back_projected * 0.9, plain.back_projected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(multiplied.back_projected_weight * 0.9, plain.back_projected_weight, rtol=1e-5)


def test_the_noise_of_images_that_were_not_multiplied_is_the_same_in_a_shell():
    stack = np.zeros((TILTS, BOX, BOX), np.float32)
    assert noise_multiplicity(stack, optics(False), some_ctf(), SETTINGS) is None
    assert noise_multiplicity(stack, optics(True), some_ctf(), replace(SETTINGS, exact_noise=False)) is None
    assert noise_multiplicity(stack, optics(True), some_ctf(), replace(SETTINGS, ctf_correction=False)) is None


def test_counts_are_the_sum_of_the_squared_ctf():
    stack = np.random.default_rng(1).normal(size=(TILTS, BOX, BOX)).astype(np.float32)
    known = noise_multiplicity(stack, optics(True), some_ctf(), SETTINGS)
    images = load_images(stack, optics(True), GRID, np.stack([np.eye(3)] * TILTS), some_ctf(), SETTINGS, None, known)
    expected = np.zeros(9)
    for row, ky in enumerate([*range(BOX // 2 + 1), *range(-BOX // 2 + 1, 0)]):
        for kx in range(BOX // 2 + 1):
            shell = int(np.floor(np.hypot(kx, ky) + 0.5))
            if shell < 9 and (kx > 0 or ky >= 0):
                expected[shell] += (ctf_of_every_pixel()[:, row, kx] ** 2).sum()
    np.testing.assert_allclose(images.noise_counts, expected, rtol=1e-5)


def test_the_first_spectrum_is_that_of_the_noise_before_it_was_multiplied():
    settings = replace(SETTINGS, mask_diameter_angstrom=1000.0)
    stack = np.zeros((TILTS, BOX, BOX), np.float32)
    known = noise_multiplicity(stack, optics(True), some_ctf(), settings)

    def particle(seed):
        white = np.random.default_rng(seed).normal(size=(TILTS, BOX, BOX))
        drawn = np.fft.irfft2(np.fft.rfft2(white) * ctf_of_every_pixel(), s=(BOX, BOX)).astype(np.float32)
        return load_images(drawn, optics(True), GRID, np.stack([np.eye(3)] * TILTS), some_ctf(), settings, None, known)

    found = first_noise(((0, particle(seed)) for seed in range(300)), 1, GRID)[0]
    # white noise of variance 1 has 1/(2n²) in each component; 600 images determine that of the smallest shell to 2 %
    np.testing.assert_allclose(found[1:8], 1 / (2 * BOX**2), rtol=0.08)


def test_drawn_noise_goes_with_the_ctf():
    known = np.stack([np.full((BOX, BOX // 2 + 1), 4.0, np.float32), np.ones((BOX, BOX // 2 + 1), np.float32)])
    drawn = noise_images(SIGMA2, optics(True), GRID, TILTS, 1, known)
    plain = noise_images(SIGMA2, optics(True), GRID, TILTS, 1)
    np.testing.assert_allclose(drawn, plain * np.array([2, 1])[:, None, None], rtol=1e-5, atol=1e-5)
