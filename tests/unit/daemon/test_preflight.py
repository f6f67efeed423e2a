"""What a pre-flight finds in a project that is all right, and in ones that are not."""

import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from halfmap.contract.refine3d import Refine3D
from halfmap.daemon import preflight
from halfmap.daemon.command import Demand
from halfmap.daemon.memory_model import disk_mb, memory_mb_per_rank
from halfmap.daemon.preflight import Preflight, Surroundings, check
from halfmap.engine.simulation import Project, SimulationSettings, simulate

TINY = SimulationSettings(
    particles=12,
    box_px=16,
    pixel_size_angstrom=12.0,
    diameter_angstrom=160.0,
    tilt_range_deg=40.0,
    tilt_step_deg=20.0,
    reference_resolution_angstrom=50.0,
)
ONE_RANK = Demand(1, 1, 1, 0)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Project:
    return simulate(TINY, tmp_path_factory.mktemp("preflight") / "project")


@pytest.fixture
def project(simulated, tmp_path) -> Project:
    shutil.copytree(simulated.root, tmp_path / "project")
    return Project(tmp_path / "project")


def job(project: Project, **changes: object) -> Refine3D:
    options = {
        "in_optimisation": project.relative(project.optimisation_set_file),
        "fn_ref": project.relative(project.reference_file),
        "sym_name": "C6",
        "particle_diameter": 160.0,
        "trust_ref_size": False,
    }
    return Refine3D.model_validate({**options, **changes})


def found(project: Project, demand: Demand = ONE_RANK, engine: str = "halfmap", **changes: object) -> Preflight:
    return check(project.root, job(project, **changes), demand, {}, engine)


def test_a_project_that_is_all_right_has_no_problems_and_no_warnings(project):
    seen = found(project)
    assert (seen.problems, seen.warnings) == ((), ())
    assert seen.memory_mb_per_rank == memory_mb_per_rank(16, 2, {})


def test_everything_that_is_missing_is_named(project):
    project.reference_file.unlink()
    assert found(project).problems == (f"{project.relative(project.reference_file)}: does not exist.",)
    (project.root / "tomograms.star").unlink()
    assert "tomograms.star: does not exist." in found(project).problems[0]
    assert "no.star: does not exist." in found(project, in_optimisation="no.star").problems[0]


def test_a_reference_of_another_box_is_refused_unless_its_size_is_trusted(project):
    with mrcfile.new(project.root / "other.mrc", np.ones((20, 20, 20), np.float32)) as file:
        file.voxel_size = 12.0
    assert "20 px at 12 Å, while the particles have 16 px at 12 Å" in found(project, fn_ref="other.mrc").problems[0]
    trusted = found(project, fn_ref="other.mrc", trust_ref_size=True)
    assert trusted.problems == ()
    assert "will be resized" in trusted.warnings[0]


def test_a_mask_of_another_pixel_size_is_refused(project):
    with mrcfile.new(project.root / "mask.mrc", np.ones((16, 16, 16), np.float32)) as file:
        file.voxel_size = 10.0
    assert "bring the mask to their box and pixel size" in found(project, fn_mask="mask.mrc").problems[0]


def test_a_stack_that_does_not_hold_its_visible_images_is_told(project):
    stack = next((project.root / "Extract").rglob("*.mrcs"))
    with mrcfile.open(stack, permissive=True) as file:
        images = file.data[:-1].copy()
    with mrcfile.new(stack, images, overwrite=True):
        pass
    assert "are visible (rlnTomoVisibleFrames)" in found(project).problems[0]


def test_a_stack_that_is_cut_off_is_told(project):
    stack = next((project.root / "Extract").rglob("*.mrcs"))
    stack.write_bytes(stack.read_bytes()[:-100])
    assert "is cut off" in found(project).problems[0]


def with_half_sets(project: Project, values: str) -> None:
    path = project.root / "Extract/job001/particles.star"
    lines = path.read_text().splitlines()
    label = next(i for i in range(len(lines) - 1, 0, -1) if lines[i].startswith("_rln"))
    rows = [i for i in range(label + 1, len(lines)) if lines[i].strip()]
    for number, i in enumerate(rows):
        lines[i] += f" {values[number % len(values)]}"
    lines.insert(label + 1, f"_rlnRandomSubset #{int(lines[label].split('#')[1]) + 1}")
    path.write_text("\n".join(lines) + "\n")


def test_half_sets_are_one_and_two(project):
    with_half_sets(project, "12")
    assert found(project).problems == ()


@pytest.mark.parametrize(("values", "words"), [("1", "All particles are in one half set"), ("123", "holds 3")])
def test_other_half_sets_are_refused(project, values, words):
    with_half_sets(project, values)
    assert words in found(project).problems[0]


def test_what_the_engine_does_not_offer_is_refused_but_not_for_relion(project):
    assert found(project, do_blush=True).problems
    assert found(project, do_blush=True, engine="relion").problems == ()


def test_a_scratch_folder_has_to_be_there(project):
    assert "scratch" in found(project, scratch_dir="/no/such/folder").problems[0]


def test_an_iteration_to_go_on_from_needs_all_its_files(project):
    seen = found(project, fn_cont="Refine3D/job001/run_it003_optimiser.star")
    assert "no such optimiser file" in " ".join(seen.problems)
    folder = project.root / "Refine3D/job001"
    folder.mkdir(parents=True)
    (folder / "run_it003_optimiser.star").write_text("x")
    problems = found(project, fn_cont="Refine3D/job001/run_it003_optimiser.star").problems
    assert any("run_it003_half1_model.star: does not exist" in problem for problem in problems)


@pytest.mark.parametrize(
    ("around", "part", "words"),
    [
        (Surroundings(100.0, 1e6), "problems", "One rank needs about"),
        (Surroundings(800.0, 1e6), "warnings", "3 ranks of"),
        (Surroundings(1e6, 1.0), "problems", "are free on the disk"),
        (Surroundings(1e6, 11.0), "warnings", "free on the disk"),
    ],
)
def test_what_does_not_fit_the_machine_is_told_with_the_numbers(project, around, part, words):
    three = Demand(3, 1, 3, 0)
    seen = preflight._Check(project.root, job(project), three, {}, "halfmap", around).run()
    assert any(words in sentence for sentence in getattr(seen, part)), seen


def test_memory_is_learned_from_earlier_runs(project):
    from importlib.metadata import version

    peaks = {(version("halfmap"), 16, 2): 123.0}
    assert check(project.root, job(project), ONE_RANK, peaks, "halfmap").memory_mb_per_rank == 123.0


def test_predictions_grow_with_the_box():
    assert memory_mb_per_rank(96, 2, {}) == pytest.approx(503, rel=0.15)
    assert memory_mb_per_rank(256, 2, {}) > 3 * memory_mb_per_rank(128, 2, {})
    assert disk_mb(200, 1000, unfiltered_maps=True) > 2 * disk_mb(150, 1000, unfiltered_maps=False)


def test_a_hundred_thousand_particles_are_read_in_seconds(project):
    path = Path(project.root / "Extract/job001/particles.star")
    lines = path.read_text().splitlines()
    rows = [line for line in lines if line.strip().startswith("TS_")]
    path.write_text("\n".join([*lines, *(rows * (100_000 // len(rows)))]) + "\n")
    import time

    begun = time.process_time()
    assert found(project).problems == ()
    assert time.process_time() - begun < 8.0
