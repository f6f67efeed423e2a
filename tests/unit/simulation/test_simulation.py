import json

import numpy as np
import pandas as pd
import pytest

from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.mrc import read_map, read_stack
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set
from halfmap.engine.formats.star import read_star
from halfmap.engine.fourier.projector import reference_transform
from halfmap.engine.imaging.ctf import ctf_values
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.particle_images import load_images
from halfmap.engine.imaging.pass_images import PassSettings, tilt_images
from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.simulation import Project, SimulationSettings, simulate
from halfmap.engine.simulation.phantom import protein_like

TINY = {
    "particles": 12,
    "box_px": 16,
    "pixel_size_angstrom": 12.0,
    "diameter_angstrom": 160.0,
    "tilt_range_deg": 50.0,
    "tilt_step_deg": 25.0,
}
# a particle in the middle of a large box: what its CTF spreads stays within
ALONE = {
    "particles": 1,
    "tomograms": 1,
    "box_px": 64,
    "snr": np.inf,
    "float32": True,
    "tilt_range_deg": 48.0,
    "tilt_step_deg": 12.0,
}


def tiny(out, **changes):
    return simulate(SimulationSettings(**(TINY | changes)), out)


def particles_of(project):
    file = project.particles_file
    return read_particle_set(file, read_particle_file(file), project.tomograms_file, project.root)


def truth_rotation(project):
    table = read_star(project.truth_file)["particles"]
    angles = table[list(labels.ANGLES)].to_numpy(np.float64)
    frame = table[list(labels.SUBTOMOGRAM_ANGLES)].to_numpy(np.float64)
    return euler_to_matrix(frame), euler_to_matrix(angles)


def positions(project, file):
    return read_star(file)["particles"][list(labels.CENTERED_COORDINATES)].to_numpy(np.float64)


def tilt_stack(project, name="TS_01"):
    return read_stack(project.root / f"tilt_series/{name}.mrcs")


def disc_frequencies(box):
    ky, kx = np.meshgrid(np.fft.fftfreq(box, 1 / box), np.arange(box // 2), indexing="ij")
    inside = (np.hypot(kx, ky) < box / 2) & (np.hypot(kx, ky) > 0) & ((kx > 0) | (ky > 0))
    return kx[inside], ky[inside], inside


def transforms(stack):
    box = stack.shape[1]
    _, _, inside = disc_frequencies(box)
    whole = np.fft.rfft2(np.fft.ifftshift(stack, axes=(1, 2))) / box**2
    return whole[:, :, :-1][:, inside]


def predicted(project, rotation):
    """CTF² times the transform of projections, a plain sum over blobs with the total density of the true map."""
    particles, density, settings = particles_of(project), read_map(project.phantom_file), project.settings()
    box, pixel = density.box_px, density.pixel_size_angstrom
    blobs = protein_like(settings.group, settings.diameter_angstrom, settings.sigma_angstrom)
    weight = density.density.sum(dtype=np.float64) / len(blobs.weights)
    kx, ky, _ = disc_frequencies(box)
    u, v = kx / (box * pixel), ky / (box * pixel)
    envelope = weight / box**2 * np.exp(-2 * np.pi**2 * settings.sigma_angstrom**2 * (u**2 + v**2))
    ctf = ctf_values(particles.ctf_of(0), particles.optics_of(0).microscope, u, v)
    rows = []
    for turned, transfer in zip(particles.tilt_rotations(0) @ rotation, ctf, strict=True):
        x, y = blobs.positions_angstrom @ turned[0], blobs.positions_angstrom @ turned[1]
        rows.append(transfer**2 * envelope * np.exp(-2j * np.pi * (np.outer(u, x) + np.outer(v, y))).sum(axis=1))
    return np.array(rows)


def agreement(image, model):
    """Correlation, and factor by which the model must be multiplied."""
    product = (image * model.conj()).real.sum()
    power = (np.abs(model) ** 2).sum()
    return product / np.sqrt(power * (np.abs(image) ** 2).sum()), product / power


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return simulate(SimulationSettings(**ALONE, pick_error_angstrom=0.0), tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="module")
def alone_missed(tmp_path_factory):
    return simulate(SimulationSettings(**ALONE, pick_error_angstrom=12.0), tmp_path_factory.mktemp("missed"))


def test_extracted_images_are_slices_of_the_true_map_times_the_squared_ctf_on_its_grey_scale(alone):
    _, rotation = truth_rotation(alone)
    images, model = transforms(read_stack(particles_of(alone).image_files[0])), predicted(alone, rotation[0])
    correlation, scale = agreement(images, model)
    assert correlation > 0.999
    assert scale == pytest.approx(1, abs=0.01)
    for image, slice_ in zip(images, model, strict=True):
        assert agreement(image, slice_)[0] > 0.998


def test_the_engines_projector_predicts_the_images_with_the_true_map_as_reference(alone):
    particles = particles_of(alone)
    density, optics = read_map(alone.phantom_file), particles.optics_of(0)
    grid = ModelGrid(density.box_px, density.pixel_size_angstrom)
    settings = ImageSettings(500.0, 5, True, True, False)
    stack = read_stack(particles.image_files[0]).astype(np.float32)
    loaded = load_images(stack, optics, grid, particles.tilt_rotations(0), particles.ctf_of(0), settings)
    one_pass = PassSettings(grid.box_px, grid.box_px // 2, 2)
    images = tilt_images(loaded, settings, one_pass, np.ones(grid.shells), 1.0)
    backend = CpuBackend()
    reference = backend.reference(reference_transform(density.density, grid.box_px // 2, 2))
    slices = backend.slices(reference, images, truth_rotation(alone)[1])[0]
    seen = images.shells > 0
    correlation, scale = agreement(images.unmasked[:, seen], (images.ctf * slices)[:, seen])
    assert correlation > 0.99
    assert scale == pytest.approx(1, abs=0.01)


def test_a_missed_pick_is_put_right_by_the_origin_and_not_by_its_opposite(alone_missed):
    project = alone_missed
    frame, rotation = truth_rotation(project)
    missed = positions(project, project.picks_file) - positions(project, project.truth_file)
    assert np.linalg.norm(missed) > 10
    origin_px = frame[0].T @ missed[0] / 8.0  # position = coordinate − A_sub · origin
    images, model = transforms(read_stack(particles_of(project).image_files[0])), predicted(project, rotation[0])
    kx, ky, _ = disc_frequencies(64)
    shift = (particles_of(project).tilt_rotations(0) @ origin_px)[:, :2] / 64
    found = [
        agreement(images * np.exp(-2j * np.pi * sign * (shift[:, :1] * kx + shift[:, 1:] * ky)), model)[0]
        for sign in (1, 0, -1)
    ]
    assert found[0] > 0.995
    assert max(found[1:]) < 0.5


def test_the_same_settings_give_the_same_project(tmp_path):
    first, second = tiny(tmp_path / "a"), tiny(tmp_path / "b")
    for file in (
        "tomograms.star",
        "tilt_series/TS_02.star",
        "picks.star",
        "truth.star",
        "Extract/job001/particles.star",
    ):
        assert (first.root / file).read_text() == (second.root / file).read_text()
    np.testing.assert_array_equal(tilt_stack(first), tilt_stack(second))
    name = particles_of(first).image_files[5].relative_to(first.root)
    np.testing.assert_array_equal(read_stack(first.root / name), read_stack(second.root / name))


def test_another_seed_gives_other_poses_and_noise_but_the_same_particle(tmp_path):
    first, second = tiny(tmp_path / "a"), tiny(tmp_path / "b", seed=2)
    assert np.abs(positions(first, first.truth_file) - positions(second, second.truth_file)).max() > 10
    first_map, second_map = read_map(first.phantom_file).density, read_map(second.phantom_file).density
    correlation = np.corrcoef(first_map.ravel(), second_map.ravel())[0, 1]
    assert correlation == pytest.approx(1, abs=1e-6)


def test_noise_alone_is_the_noise_of_the_same_simulation_with_particles(tmp_path):
    settings = {"particles": 2, "snr": 0.2, "extraction_box_px": 32}
    whole, noise = tiny(tmp_path / "a", **settings), tiny(tmp_path / "b", noise_only=True, **settings)
    signal, background = tilt_stack(whole) - tilt_stack(noise), tilt_stack(noise)
    size = signal.shape[1]
    y, x = np.mgrid[:size, :size]
    particles = particles_of(whole)
    centre = particles.tilt_series[0].project_px(
        positions(whole, whole.truth_file)[0] / 12 + size / 2, np.full(2, float(size))
    )
    inside = [signal[f][np.hypot(x - cx, y - cy) <= 80 / 12].var() for f, (cx, cy) in enumerate(centre)]
    assert np.mean(inside) / background.var() == pytest.approx(0.2, rel=0.25)
    assert np.abs(background.mean()) < 0.5
    assert np.abs(np.corrcoef(background[0, :, 1:].ravel(), background[0, :, :-1].ravel())[0, 1]) < 0.1


def test_protein_is_dark_in_tilt_images_and_white_in_stacks(alone):
    dark, white = tilt_stack(alone), read_stack(particles_of(alone).image_files[0])
    assert (dark**3).mean() < 0 < (white**3).mean()


def test_picks_hold_what_the_tutorials_picker_gives(tmp_path):
    project = tiny(tmp_path / "p")
    table = read_star(project.picks_file)["particles"]
    angles = table[[*labels.ANGLES, *labels.ANGLE_PRIORS[1:]]].to_numpy(np.float64)
    assert (angles == [0, 90, 0, 90, 0]).all()
    assert table[list(labels.SUBTOMOGRAM_ANGLES)].to_numpy(np.float64).std() > 10
    assert particles_of(project).angle_priors_deg[:, 1].tolist() == [90] * 12


def test_without_a_tilt_prior_picks_hold_no_priors_and_frames_of_zero(tmp_path):
    project = tiny(tmp_path / "p", no_tilt_prior=True)
    table = read_star(project.picks_file)["particles"]
    assert not set(labels.ANGLE_PRIORS) & set(table)
    assert not table[[*labels.ANGLES, *labels.SUBTOMOGRAM_ANGLES]].to_numpy(np.float64).any()
    assert np.isnan(particles_of(project).angle_priors_deg).all()


def test_truth_and_picks_hold_the_same_particles_in_the_same_frames(tmp_path):
    project = tiny(tmp_path / "p")
    truth, picks = (read_star(file)["particles"] for file in (project.truth_file, project.picks_file))
    for label in (labels.PARTICLE_NAME, labels.TOMO_NAME, *labels.SUBTOMOGRAM_ANGLES):
        assert truth[label].tolist() == picks[label].tolist()
    assert truth[labels.PARTICLE_NAME].is_unique


def test_stacks_hold_the_visible_frames_and_paths_are_relative_to_the_project(tmp_path):
    project = tiny(tmp_path / "p", image_size_px=36, pick_error_angstrom=0.0)
    particles = particles_of(project)
    assert 0 < sum(not flags.all() for flags in particles.visible) <= 12
    for file, flags in zip(particles.image_files, particles.visible, strict=True):
        assert read_stack(file).shape == (flags.sum(), 16, 16)
    names = read_star(project.particles_file)["particles"][labels.IMAGE_NAME]
    assert all(name.startswith("Extract/job001/Subtomograms/TS_0") for name in names)
    entries = read_star(project.optimisation_set_file)[""]
    assert entries[labels.PARTICLES_FILE] == "Extract/job001/particles.star"
    assert entries[labels.TOMOGRAMS_FILE] == "tomograms.star"


def test_particles_that_no_image_shows_are_picked_but_not_extracted(tmp_path):
    project = tiny(tmp_path / "p", image_size_px=24)
    assert len(read_star(project.picks_file)["particles"]) == 12
    assert 0 < len(particles_of(project)) < 12


def test_half_sets_are_balanced_where_asked_for(tmp_path):
    assert not particles_of(tiny(tmp_path / "a")).half_set.any()
    halves = particles_of(tiny(tmp_path / "b", half_sets=True)).half_set
    assert sorted(halves) == [1] * 6 + [2] * 6
    assert len(pd.unique(halves[:6])) == 2


def test_two_optics_groups_differ_in_their_microscope_and_share_the_grid(tmp_path):
    particles = particles_of(tiny(tmp_path / "p", optics_groups=2))
    first, second = particles.optics_groups
    assert first.microscope != second.microscope
    assert first.extent_angstrom == second.extent_angstrom
    assert pd.Series(particles.optics_index).value_counts().tolist() == [6, 6]


def test_the_start_reference_is_the_true_map_at_low_resolution(tmp_path):
    project = tiny(tmp_path / "p", reference_resolution_angstrom=60.0)
    truth, start = read_map(project.phantom_file).density, read_map(project.reference_file).density
    ratio = np.abs(np.fft.rfftn(start)) / np.abs(np.fft.rfftn(truth))
    assert ratio[0, 0, 1] == pytest.approx(1, abs=1e-3)
    assert ratio[0, 0, 5] < 1e-3


def test_the_start_reference_can_be_inverted_and_scaled(tmp_path):
    first, second = tiny(tmp_path / "a"), tiny(tmp_path / "b", reference_scale=-2.0)
    expected = -2 * read_map(first.reference_file).density
    np.testing.assert_allclose(read_map(second.reference_file).density, expected, rtol=1e-5)


@pytest.mark.parametrize("symmetry", ["C1", "D2", "O"])
def test_other_point_groups_work_too(tmp_path, symmetry):
    assert len(particles_of(tiny(tmp_path / "p", symmetry=symmetry))) == 12


def test_a_directory_that_holds_anything_is_not_touched(tmp_path):
    (tmp_path / "mine").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(BadInput, match="is not empty"):
            simulate(SimulationSettings(**TINY), tmp_path, overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_earlier_simulation_is_replaced_when_asked_for_and_other_files_stay(tmp_path):
    project = tiny(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="--overwrite"):
        tiny(tmp_path)
    simulate(SimulationSettings(**(TINY | {"particles": 4})), tmp_path, overwrite=True)
    assert len(list((tmp_path / "Extract/job001/Subtomograms").rglob("*.mrcs"))) == 4
    assert len(particles_of(project)) == 4
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_settings_of_a_project_can_be_read_back(tmp_path):
    project = tiny(tmp_path, snr=np.inf, half_sets=True)
    assert project.settings() == SimulationSettings(**TINY, snr=np.inf, half_sets=True)


def test_a_directory_without_a_simulation_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"simulation\.json"):
        Project(tmp_path).settings()
    (tmp_path / "simulation.json").write_text(json.dumps({"colour": "blue"}))
    with pytest.raises(BadInput, match="colour"):
        Project(tmp_path).settings()


def test_progress_rises_to_the_end(tmp_path):
    told = []
    simulate(SimulationSettings(**TINY), tmp_path, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
