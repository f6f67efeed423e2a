import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.simulation.phantom import Phantom, plane_waves, protein_like

PIXEL = 5.0
ABOUT_30_ANGSTROM = 7.0
THREE_BLOBS = Phantom(np.array([[12.0, -7, 3], [-20, 4, 11], [0, 16, -18]]), np.array([1.0, 2, 0.5]), 1.5 * PIXEL)


def overlap(first, second):
    """Correlation of two phantoms of equal blobs: Gaussians overlap as exp(−d²/4σ²)."""
    return sum(
        np.exp(-(distance**2) / (4 * first.sigma_angstrom**2)).sum()
        for distance in (np.linalg.norm(second - position, axis=1) for position in first.positions_angstrom)
    )


def likeness(phantom, positions):
    return overlap(phantom, positions) / overlap(phantom, phantom.positions_angstrom)


def turned_about(axis, angle_deg, positions):
    return Rotation.from_euler(axis, angle_deg, degrees=True).apply(positions)


def test_the_density_is_the_sum_of_the_gaussians_with_its_centre_at_half_the_box():
    box = 32
    axis = (np.arange(box) - box // 2) * PIXEL
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    sigma = THREE_BLOBS.sigma_angstrom
    expected = sum(
        weight
        * np.exp(-((x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2) / (2 * sigma**2))
        / (2 * np.pi * sigma**2) ** 1.5
        for (px, py, pz), weight in zip(THREE_BLOBS.positions_angstrom, THREE_BLOBS.weights, strict=True)
    )
    np.testing.assert_allclose(THREE_BLOBS.density(box, PIXEL), expected, atol=1e-4 * expected.max())


def test_the_density_does_not_depend_on_the_pixel_size_that_it_is_drawn_with():
    coarse, fine = THREE_BLOBS.density(24, PIXEL), THREE_BLOBS.density(48, PIXEL / 2)
    np.testing.assert_allclose(fine[::2, ::2, ::2], coarse, atol=2e-3 * coarse.max())


def test_plane_waves_are_exponentials_in_fft_order():
    position = np.array([0.0, 0.3, -7.9, 12.0])
    exact = np.exp(-2j * np.pi * np.outer(position, np.fft.fftfreq(16)))
    exact[:, 8] = exact[:, 8].conj()  # the Nyquist frequency is counted as +n/2
    np.testing.assert_allclose(plane_waves(position, 16), exact, atol=1e-12)


@pytest.mark.parametrize("name", ["C1", "C2", "C6", "D2", "D3", "T", "O", "I"])
def test_a_phantom_has_the_symmetry_it_was_made_for(name):
    group = PointGroup.parse(name)
    phantom = protein_like(group, 200.0, 4.0)
    tree = cKDTree(phantom.positions_angstrom)
    for operator in group.operators:
        assert tree.query(phantom.positions_angstrom @ operator.T)[0].max() < 1e-6
    assert len(phantom.positions_angstrom) >= 300


@pytest.mark.parametrize(("axis", "angle_deg"), [("z", 30), ("z", 20), ("x", 180)])
def test_a_phantom_has_no_symmetry_beyond_its_group_even_at_low_resolution(axis, angle_deg):
    phantom = protein_like(PointGroup.parse("C6"), 180.0, ABOUT_30_ANGSTROM)
    turned = turned_about(axis, angle_deg, phantom.positions_angstrom)
    angles = [0] if axis == "z" else range(0, 60, 4)
    in_plane = max(likeness(phantom, turned_about("z", angle, turned)) for angle in angles)
    assert in_plane < 0.85
    assert likeness(phantom, turned_about("z", 60, phantom.positions_angstrom)) == pytest.approx(1)


def test_a_phantom_differs_from_its_mirror_image_however_it_is_turned():
    phantom = protein_like(PointGroup.parse("C6"), 180.0, ABOUT_30_ANGSTROM)
    mirrored = phantom.positions_angstrom * [1, -1, 1]
    upright = max(likeness(phantom, turned_about("z", angle, mirrored)) for angle in range(0, 60, 4))
    over = max(likeness(phantom, turned_about("ZX", [angle, 180], mirrored)) for angle in range(0, 60, 4))
    assert max(upright, over) < 0.8


def test_a_phantom_is_the_same_at_every_call_and_fits_into_its_diameter():
    first, second = (protein_like(PointGroup.parse("D3"), 150.0, 4.0) for _ in range(2))
    np.testing.assert_array_equal(first.positions_angstrom, second.positions_angstrom)
    assert np.linalg.norm(first.positions_angstrom, axis=1).max() < 150 / 2 - 2 * 4


def test_the_mask_covers_the_density_and_little_else():
    phantom = protein_like(PointGroup.parse("C6"), 180.0, 4.0)
    density, mask = phantom.density(32, 8.0), phantom.mask(32, 8.0, 4.0)
    assert mask.min() == 0
    assert mask.max() == 1
    assert (density**2 * mask).sum() > 0.99 * (density**2).sum()
    assert mask.mean() < 0.4
