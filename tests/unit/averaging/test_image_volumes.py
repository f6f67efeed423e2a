"""What a 3D pseudo-subtomogram adds to an average, against direct sums."""

import numpy as np
import pandas as pd
import pytest
import starfile

from halfmap.engine.averaging.image_average import ImageAverageSettings, average_images
from halfmap.engine.averaging.image_insertion import ImageContents, insertion_of
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import write_map, write_volume
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set
from halfmap.engine.fourier.shells import disc
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.sampling.symmetry import PointGroup

BOX, PIXEL, ANGLES, OFFSET = 8, 4.0, (20.0, 70.0, -40.0), (3.0, -5.0, 6.0)
RANDOM = np.random.default_rng(0)
DENSITY = RANDOM.standard_normal((BOX, BOX, BOX)).astype(np.float32)
CTF2 = RANDOM.random((BOX, BOX, BOX // 2 + 1)).astype(np.float32)
MULTIPLICITY = RANDOM.integers(1, 9, CTF2.shape).astype(np.float32)


def read(tmp_path, ctf, premultiplied=1):
    write_map(tmp_path / "data.mrc", DENSITY, PIXEL)
    write_volume(tmp_path / "ctf.mrc", ctf, PIXEL)
    optics = {"rlnOpticsGroup": 1, "rlnImageSize": BOX, "rlnImagePixelSize": PIXEL, "rlnImageDimensionality": 3}
    names = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")
    particle = {"rlnTomoName": "T", "rlnOpticsGroup": 1, "rlnImageName": "data.mrc", "rlnCtfImage": "ctf.mrc"}
    particle |= dict(zip(names, (*ANGLES, *OFFSET), strict=True))
    tables = {"optics": pd.DataFrame([optics | {"rlnCtfDataAreCtfPremultiplied": premultiplied}])}
    starfile.write(tables | {"particles": pd.DataFrame([particle])}, tmp_path / "p.star")
    return read_particle_set(tmp_path / "p.star", read_particle_file(tmp_path / "p.star"), None, tmp_path)


def inserted(particles, **contents):
    pixels = disc(BOX, BOX, BOX // 2, 3)
    return insertion_of(particles, 0, pixels, ImageContents(True, **contents)), pixels


def both(pixels):
    """CTF² and multiplicity at the pixels."""
    place = (pixels.kz % BOX, pixels.ky % BOX, pixels.kx)
    return CTF2[place], MULTIPLICITY[place]


def test_a_volume_is_shifted_and_turned_and_weighs_what_its_ctf_volume_says(tmp_path):
    found, pixels = inserted(read(tmp_path, np.concatenate([CTF2, MULTIPLICITY])))
    np.testing.assert_allclose(found.weights[0], both(pixels)[0])
    place = np.arange(BOX) - BOX // 2
    x, y, z = (place + value / PIXEL for value in OFFSET)
    for p in (7, 60, 111):
        k = [int(axis[p]) for axis in (pixels.kx, pixels.ky, pixels.kz)]
        turn = k[0] * x[None, None, :] + k[1] * y[None, :, None] + k[2] * z[:, None, None]
        expected = (DENSITY * np.exp(-2j * np.pi / BOX * turn)).sum() / BOX**3
        assert found.values[0, p] * found.phases[0, p] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(found.matrices, euler_to_matrix(np.array(ANGLES))[None])
    assert found.values[0, np.flatnonzero(pixels.radius == 0)] == 0


def test_averages_are_made_sums_again_by_their_multiplicity(tmp_path):
    particles = read(tmp_path, np.concatenate([CTF2, MULTIPLICITY]))
    (plain, pixels), (normalised, _) = inserted(particles), inserted(particles, normalised=True)
    multiplicity = both(pixels)[1]
    np.testing.assert_allclose(normalised.values[0], plain.values[0] * multiplicity, rtol=1e-5)
    np.testing.assert_allclose(normalised.weights[0], plain.weights[0] * multiplicity, rtol=1e-5)


def test_without_a_multiplicity_averages_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"ctf\.mrc: holds no multiplicity"):
        inserted(read(tmp_path, CTF2), normalised=True)


def test_ctf_volumes_hold_squares_unless_told_otherwise(tmp_path):
    found, pixels = inserted(read(tmp_path, CTF2), ctf_squared=False)
    np.testing.assert_allclose(found.weights[0], both(pixels)[0] ** 2)


def test_volumes_that_are_not_premultiplied_are_multiplied_by_their_ctf(tmp_path):
    (ready, pixels), (raw, _) = inserted(read(tmp_path, CTF2)), inserted(read(tmp_path, CTF2, premultiplied=0))
    ctf = both(pixels)[0]
    np.testing.assert_allclose(raw.values[0], ready.values[0] * ctf, rtol=1e-5)
    np.testing.assert_allclose(raw.weights[0], ctf**2, rtol=1e-5)


def test_a_single_volume_without_a_turn_averages_to_itself_on_its_grey_scale(tmp_path):
    x = np.arange(16) - 8
    blob = np.exp(-(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2) / 8.0).astype(np.float32)
    write_map(tmp_path / "data.mrc", blob, PIXEL)
    optics = {"rlnOpticsGroup": 1, "rlnImageSize": 16, "rlnImagePixelSize": PIXEL, "rlnImageDimensionality": 3}
    particle = {"rlnTomoName": "T", "rlnOpticsGroup": 1, "rlnImageName": "data.mrc", "rlnCtfImage": "none.mrc"}
    tables = {"optics": pd.DataFrame([optics]), "particles": pd.DataFrame([particle])}
    starfile.write(tables, tmp_path / "p.star")
    particles = read_particle_set(tmp_path / "p.star", read_particle_file(tmp_path / "p.star"), None, tmp_path)
    # with a padding of 1 each voxel of the transform stays where it is; the gridding correction is left
    settings = ImageAverageSettings(PointGroup("C1"), ImageContents(correct_ctf=False), padding=1)
    found = average_images(particles, [0], settings, None, lambda _: None)
    radius = np.sqrt(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2)
    expected = (blob - blob.mean()) / np.sinc(radius / 16) ** 2
    np.testing.assert_allclose(found[radius < 7], expected[radius < 7], atol=0.01)
