"""Averages of extracted images: sums against plain loops, and options."""

from dataclasses import replace

import numpy as np
import pytest
import starfile

from halfmap.engine.averaging.image_average import ImageAverageSettings, average_images, of_one_grid
from halfmap.engine.averaging.image_insertion import ImageContents, insert, insertion_of
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import read_map, read_stack
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set
from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.fourier.shells import disc, shell_indices
from halfmap.engine.imaging.transfer import transfer_functions
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.refinement.fsc import fsc_of_maps
from halfmap.engine.sampling.symmetry import PointGroup

SETTINGS = ImageAverageSettings(PointGroup("C2"), ImageContents(correct_ctf=True))


@pytest.fixture(scope="module")
def particles(tiny_project):
    """Stacks cut out at wrong places, with the true poses as seen from there."""
    path = tiny_project / "Extract" / "job001" / "particles.star"
    found = read_particle_set(path, read_particle_file(path), tiny_project / "tomograms.star", tiny_project)
    tables = [starfile.read(file, always_dict=True)["particles"] for file in (path, tiny_project / "truth.star")]
    cut, true = (table[[f"rlnCenteredCoordinate{axis}Angst" for axis in "XYZ"]].to_numpy(float) for table in tables)
    assert np.abs(cut - true).max() > 3
    # a particle lies at its place minus its offset, which is given in its own frame
    origin = (np.linalg.inv(found.subtomogram_rotation) @ (cut - true)[..., None])[..., 0]
    angles = tables[1][["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]].to_numpy(float)
    return replace(found, start=replace(found.start, origin_angstrom=origin, angles_deg=angles))


def average(particles, settings=SETTINGS, fsc=None, members=None):
    members = list(range(len(particles))) if members is None else members
    return average_images(particles, members, settings, fsc, lambda _: None)


def test_an_insertion_is_the_shifted_image_with_the_square_of_its_ctf_as_weight(particles):
    pixels = disc(16, 16, 8)
    found = insertion_of(particles, 3, pixels, SETTINGS.contents)
    optics, tilts = particles.optics_of(3), particles.tilt_rotations(3)
    assert optics.premultiplied
    ctf = transfer_functions(particles.ctf_of(3), optics.microscope, 16, optics.pixel_size_angstrom)
    np.testing.assert_allclose(found.weights, pixels.take(ctf) ** 2, atol=1e-6)
    image = read_stack(particles.image_files[3])[1].astype(float)
    shift = (tilts[1] @ particles.start.origin_angstrom[3])[:2] / optics.pixel_size_angstrom
    place = np.arange(16) - 8
    for p in (5, 40, 77):
        kx, ky = int(pixels.kx[p]), int(pixels.ky[p])
        wave = np.exp(-2j * np.pi / 16 * (kx * (place[None, :] + shift[0]) + ky * (place[:, None] + shift[1])))
        assert found.values[1, p] * found.phases[1, p] == pytest.approx((image * wave).sum() / 256, abs=1e-4)
    pose = euler_to_matrix(particles.start.angles_deg[3])
    np.testing.assert_allclose(found.matrices[1], (tilts[1] @ pose)[:2])
    assert found.values[1, np.flatnonzero(pixels.radius == 0)] == 0


def test_an_insertion_spreads_each_pixel_over_its_neighbours(particles):
    pixels = disc(16, 8, 4)
    geometry = replace(SETTINGS, resolution_angstrom=40.0).geometry(particles.optics_groups[0])
    assert geometry.max_shell == 4
    found, sums = insertion_of(particles, 0, pixels, SETTINGS.contents), Accumulator.empty(geometry)
    insert(sums, found, pixels)
    # weights are kept, and every voxel's place is the mean place of what it holds: centres of mass agree
    total = found.weights.sum()
    assert sums.weight.sum() == pytest.approx(total, rel=1e-5)
    place = np.einsum("faz,ap->fpz", 2 * found.matrices, pixels.frequencies)
    side = np.where(place[..., :1] >= 0, 1, -1)
    expected = (found.weights[..., None] * place * side).sum(axis=(0, 1)) / total
    centre = geometry.shape[0] // 2
    z, y, x = np.indices(geometry.shape[:3])
    centres = [(sums.weight * axis).sum() / total for axis in (x, y - centre, z - centre)]
    np.testing.assert_allclose(centres, expected, atol=1e-3)
    values = found.values * found.phases
    assert sums.sums[..., 0].sum() == pytest.approx(float(values.real.sum()), abs=1e-3)


def test_particles_at_their_true_poses_average_to_the_phantom_on_its_grey_scale(particles, tiny_project):
    phantom = read_map(tiny_project / "Reference" / "phantom.mrc").density
    found = average(particles)
    fsc = fsc_of_maps(found, phantom)
    # 12 particles with as much noise as signal
    assert fsc[1:5].min() > 0.8
    # shells 1 and 2 hold what little the CTF has left of them, and what the mean around a circle takes
    cross, power = (np.fft.rfftn(phantom).conj() * np.fft.rfftn(one) for one in (found, phantom))
    shells = (shell_indices(16, 3) >= 3) & (shell_indices(16, 3) <= 5)
    assert cross[shells].real.sum() / power[shells].real.sum() == pytest.approx(1, abs=0.15)


def test_threads_and_halves_add_up(particles):
    one, three = average(particles), average(particles, replace(SETTINGS, threads=3))
    np.testing.assert_allclose(three, one, atol=1e-5 * np.abs(one).max())
    assert not np.allclose(average(particles, members=[0, 1, 2]), one, atol=0.1 * np.abs(one).max())


def test_a_resolution_limit_leaves_nothing_beyond(particles):
    found = average(particles, replace(SETTINGS, resolution_angstrom=32.0))
    power = np.abs(np.fft.rfftn(found)) ** 2
    k = np.fft.fftfreq(16, 1 / 16)
    radius = np.sqrt(k[:, None, None] ** 2 + k[None, :, None] ** 2 + np.arange(9) ** 2)
    # the gridding correction, a smooth factor of about 1, spills a little into the next shells
    assert power[radius > 6.5].sum() < 0.01 * power[(radius <= 5) & (radius > 0)].sum()


def test_the_lower_the_fsc_the_more_is_damped(particles):
    norms = [np.linalg.norm(average(particles, fsc=np.full(9, value))) for value in (0.999, 0.5, 0.05)]
    assert np.linalg.norm(average(particles)) > norms[0] > norms[1] > norms[2]
    assert norms[2] < 0.5 * norms[0]


def test_groups_of_other_boxes_are_refused_and_a_pixel_size_can_be_given(particles):
    other = replace(particles.optics_groups[0], number=2, box_px=18)
    with pytest.raises(BadInput, match=r"optics groups 1 .* and 2"):
        of_one_grid(replace(particles, optics_groups=(*particles.optics_groups, other)), None)
    assert of_one_grid(particles, 7.5).optics_groups[0].pixel_size_angstrom == 7.5
