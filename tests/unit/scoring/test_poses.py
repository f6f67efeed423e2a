import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.star import write_star
from halfmap.engine.particles.pose import euler_to_matrix, matrix_to_euler
from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.scoring import score_poses
from halfmap.engine.scoring.poses import read_poses

GROUPS = ["C1", "C6", "D3", "T", "O", "I"]
COUNT = 40
RNG = np.random.default_rng(5)
FRAME, TRUE = (Rotation.from_quat(RNG.standard_normal((COUNT, 4))).as_matrix() for _ in range(2))
POSITION = RNG.uniform(-900, 900, (COUNT, 3))


def write(path, particle_rotation=TRUE, position=POSITION, origin=None, names=None):
    columns = {labels.PARTICLE_NAME: names or [f"TS_01/{i}" for i in range(COUNT)]}
    columns |= dict(zip(labels.SUBTOMOGRAM_ANGLES, matrix_to_euler(FRAME).T, strict=True))
    columns |= dict(zip(labels.ANGLES, matrix_to_euler(particle_rotation).T, strict=True))
    columns |= dict(zip(labels.CENTERED_COORDINATES, position.T, strict=True))
    if origin is not None:
        columns |= dict(zip(labels.ORIGINS, origin.T, strict=True))
    write_star(path, {"particles": pd.DataFrame(columns)})
    return path


@pytest.fixture
def truth(tmp_path):
    return write(tmp_path / "truth.star")


def score(truth, result, symmetry="C1"):
    return score_poses(truth, result, PointGroup.parse(symmetry))


@pytest.mark.parametrize("symmetry", GROUPS)
def test_a_symmetry_mate_of_the_truth_is_as_good_as_the_truth(truth, tmp_path, symmetry):
    operators = PointGroup.parse(symmetry).operators
    mates = TRUE @ operators[np.arange(COUNT) % len(operators)]
    found = score(truth, write(tmp_path / "result.star", mates), symmetry)
    assert found.angle_p90_deg < 0.01
    assert found.share_below_5_deg == 1
    assert found.position_p90_angstrom < 0.01


@pytest.mark.parametrize("symmetry", GROUPS)
def test_the_angle_is_that_of_the_rotation_between_truth_and_result(truth, tmp_path, symmetry):
    axes = RNG.standard_normal((COUNT, 3))
    sizes = np.where(np.arange(COUNT) < 30, 4.0, 8.0)
    turns = Rotation.from_rotvec(axes / np.linalg.norm(axes, axis=1)[:, None] * np.deg2rad(sizes)[:, None])
    found = score(truth, write(tmp_path / "result.star", turns.as_matrix() @ TRUE), symmetry)
    assert found.angle_median_deg == pytest.approx(4, abs=0.01)
    assert found.angle_p90_deg == pytest.approx(8, abs=0.01)
    assert found.share_below_5_deg == 0.75


def test_without_symmetry_a_mate_is_wrong(truth, tmp_path):
    turned = write(tmp_path / "result.star", TRUE @ euler_to_matrix(np.array([60.0, 0, 0])))
    assert score(truth, turned, "C1").angle_median_deg == pytest.approx(60, abs=0.01)
    assert score(truth, turned, "C6").angle_median_deg < 0.01


@pytest.mark.parametrize(("symmetry", "counted"), [("C1", [0, 0, 0]), ("C6", [1, 1, 0]), ("D2", [1, 1, 1])])
def test_an_offset_of_the_whole_map_counts_only_along_axes_that_the_symmetry_fixes(truth, tmp_path, symmetry, counted):
    offset = np.array([3.0, -4.0, 5.0])
    moved = write(tmp_path / "result.star", position=POSITION + (FRAME @ TRUE) @ offset)
    found = score(truth, moved, symmetry)
    assert found.position_median_angstrom == pytest.approx(np.linalg.norm(offset * counted), abs=1e-3)
    assert found.map_offset_angstrom == pytest.approx(tuple(offset * (1 - np.array(counted))), abs=1e-3)


def test_origins_are_subtracted_in_the_subtomogram_frame(truth, tmp_path):
    missed = RNG.normal(0, 10, (COUNT, 3))
    origin = np.einsum("nji,nj->ni", FRAME, missed)
    put_right = write(tmp_path / "a.star", position=POSITION + missed, origin=origin)
    assert score(truth, put_right).position_p90_angstrom < 1e-3
    np.testing.assert_allclose(read_poses(put_right).position_angstrom, POSITION, atol=1e-3)


def test_particles_are_matched_by_name_and_the_truth_may_hold_more(truth, tmp_path):
    path = write(tmp_path / "result.star")
    table = pd.DataFrame(
        {
            labels.PARTICLE_NAME: ["TS_01/7", "TS_01/3"],
            **dict(zip(labels.ANGLES, matrix_to_euler((FRAME @ TRUE)[[7, 3]]).T, strict=True)),
            **dict(zip(labels.CENTERED_COORDINATES, POSITION[[7, 3]].T, strict=True)),
        }
    )
    write_star(path, {"particles": table})
    found = score(truth, path)
    assert found.particles == 2
    assert found.angle_p90_deg < 0.01
    assert found.position_p90_angstrom < 0.01


def test_a_particle_that_the_truth_does_not_know_is_named(truth, tmp_path):
    result = write(tmp_path / "result.star", names=[f"TS_09/{i}" for i in range(COUNT)])
    with pytest.raises(BadInput, match="does not know TS_09/0, one of 40"):
        score(truth, result)


def test_a_name_that_stands_twice_is_refused(truth, tmp_path):
    result = write(tmp_path / "result.star", names=["TS_01/0"] * COUNT)
    with pytest.raises(BadInput, match="TS_01/0 stands there more than once"):
        score(truth, result)


@pytest.mark.parametrize(
    ("file", "tables"),
    [
        ("has no table data_particles", {"optics": {"rlnVoltage": 300.0}}),
        ("has no column _rlnTomoParticleName", {"particles": {"rlnAngleRot": 1.0}}),
        ("has no column _rlnAngleRot", {"particles": {"rlnTomoParticleName": "a"}}),
    ],
)
def test_files_without_what_is_needed_are_refused(truth, tmp_path, file, tables):
    write_star(tmp_path / "result.star", tables)
    with pytest.raises(BadInput, match=file):
        score(truth, tmp_path / "result.star")


def test_scores_of_relions_own_results_are_those_written_beside_them(hiv_twin):
    truth = hiv_twin / "truth.star"
    picks = score_poses(hiv_twin / "truth_small.star", hiv_twin / "picks_small.star", PointGroup.parse("C6"))
    assert picks.angle_median_deg == pytest.approx(16.5, abs=1.5)
    final = score_poses(truth, hiv_twin / "Refine3D/job009/run_data.star", PointGroup.parse("C6"))
    measured = (
        final.angle_median_deg,
        final.angle_p90_deg,
        final.position_median_angstrom,
        final.position_p90_angstrom,
    )
    assert measured == pytest.approx((1.91, 4.86, 3.23, 9.77), abs=0.006)
