"""Forty 3D pseudo-subtomograms that RELION 5.0.1 has written: scored at true poses, and refined from near them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import starfile
from scipy.spatial.transform import Rotation

from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.formats.image_source import FromFiles
from halfmap.engine.formats.mrc import read_map
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set
from halfmap.engine.fourier.projector import reference_transform
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.pass_images import PassSettings, tilt_images
from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.imaging.volumes import load_volume, whole_voxels
from halfmap.engine.particles.particle import ParticleSet
from halfmap.engine.particles.pose import euler_to_matrix, matrix_to_euler
from halfmap.engine.refinement.initialisation import on_grid

GRID = ModelGrid(32, 10.8)
ANGLES = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
ORIGINS = ["rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst"]
CENTRED = ["rlnCenteredCoordinateXAngst", "rlnCenteredCoordinateYAngst", "rlnCenteredCoordinateZAngst"]
PRIORS = ["rlnAngleTiltPrior", "rlnAnglePsiPrior"]
ITERATIONS = 5
OPTIONS = (
    "--ref Reconstruct/job002/merged.mrc --trust_ref_size --firstiter_cc --ini_high 40 --sym C6 --ctf --zero_mask "
    "--flatten_solvent --healpix_order 4 --offset_range 2 --offset_step 1 --scale --pad 2 --low_resol_join_halves 40 "
    f"--particle_diameter 260 --auto_refine --split_random_halves --auto_iter_max {ITERATIONS}"
).split()
SETTINGS = ImageSettings(260.0, 3, zero_mask=True, ctf_correction=True, intact_first_peak=False)


@dataclass(frozen=True)
class Volumes:
    """The particles, their tables, and the truth about them."""

    particles: ParticleSet
    tables: dict
    angles_deg: np.ndarray
    origins_angstrom: np.ndarray


@pytest.fixture(scope="module")
def volumes(hiv_twin: Path) -> Volumes:
    path = hiv_twin / "PseudoSubtomo" / "job007" / "particles.star"
    file, tables = read_particle_file(path), starfile.read(path, always_dict=True)
    particles = read_particle_set(path, file, None, hiv_twin)
    truth = starfile.read(hiv_twin / "truth.star", always_dict=True)["particles"].set_index("rlnTomoParticleName")
    truth = truth.loc[list(particles.names)]
    # particles were cut out where they had been picked: an offset moves the content back, x_true = x − A·o
    away = tables["particles"][CENTRED].to_numpy(float) - truth[CENTRED].to_numpy(float)
    origins = np.einsum("pji,pj->pi", particles.subtomogram_rotation, away)
    return Volumes(particles, tables, truth[ANGLES].to_numpy(float), origins)


def reference(hiv_twin: Path) -> np.ndarray:
    found = read_map(hiv_twin / "Reconstruct" / "job002" / "merged.mrc")
    return on_grid(found.density, found.pixel_size_angstrom, GRID)


def test_true_poses_fit_better_than_wrong_ones(hiv_twin, volumes):
    backend, particles = CpuBackend(1), volumes.particles
    prepared = backend.reference(reference_transform(reference(hiv_twin), 14, 2, 1, 3))
    source = FromFiles((*particles.image_files, *particles.ctf_files), None, [32] * len(particles))
    turns = Rotation.from_euler("xyz", [[0, 0, 0], [20, 0, 0], [0, 30, 0], [0, 0, 30], [0, 0, 60]], degrees=True)
    steps = np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]])
    scores = []
    for i, optics in enumerate(particles.optics_of(i) for i in range(len(particles))):
        true = volumes.origins_angstrom[i]
        images = load_volume(source.read(i), whole_voxels(true, optics), optics, GRID, SETTINGS)
        compared = tilt_images(images, SETTINGS, PassSettings(28, 14, 2, correlation=True), np.ones(17), 1.0)
        rotations = euler_to_matrix(volumes.angles_deg[i]) @ turns.as_matrix()
        offsets_px = np.vstack([true + steps, -true]) / 10.8 - images.moved_px
        scores.append(backend.correlations(prepared, compared, rotations, offsets_px))
    scores = np.array(scores)
    # found was 0.49
    assert scores[:, 0, 0].mean() > 0.45
    wrong = np.delete(scores, 4, axis=1).reshape(len(scores), -1)[:, 1:]
    assert wrong.mean(axis=0).max() < 0.75 * scores[:, 0, 0].mean()
    assert (scores[:, :1, 0] > wrong).mean() > 0.95
    # a sixth of a turn about the axis of symmetry changes nothing
    np.testing.assert_allclose(scores[:, 4, 0].mean(), scores[:, 0, 0].mean(), atol=0.005)


@pytest.mark.slow
def test_a_local_refinement_comes_nearer_to_the_truth(hiv_twin, volumes, tmp_path, start):
    random, table = np.random.default_rng(5), volumes.tables["particles"].drop(columns=PRIORS)
    wrong = Rotation.from_rotvec(np.deg2rad(random.normal(0, 3, (len(table), 3)))).as_matrix()
    table[ANGLES] = matrix_to_euler(euler_to_matrix(volumes.angles_deg) @ wrong)
    table[ORIGINS] = volumes.origins_angstrom + random.normal(0, 4, (len(table), 3))
    starfile.write({**volumes.tables, "particles": table}, tmp_path / "start.star")
    job = start("--i", str(tmp_path / "start.star"), *OPTIONS)
    before, after = (job.score(hiv_twin / "truth.star", f"run_it{n:03d}_data.star") for n in (0, ITERATIONS))
    # 4.2° and 6.6 Å at the start; found were 3.0° and 5.7 Å, half a voxel, from 20 particles in each half
    assert after.angle_median_deg < 0.8 * before.angle_median_deg
    assert after.position_median_angstrom < before.position_median_angstrom
    halves = [read_map(job.folder / f"run_it{ITERATIONS:03d}_half{half}_class001.mrc").density for half in (1, 2)]
    inside = np.sqrt(((np.indices((32, 32, 32)) - 16) ** 2).sum(axis=0)) < 12
    found, expected = sum(halves)[inside], reference(hiv_twin)[inside]
    # found was 0.86: shells of little signal are damped in ours alone
    assert np.corrcoef(found, expected)[0, 1] > 0.8
