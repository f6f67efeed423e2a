"""What a pre-flight finds in a project that is all right, and in ones that are not."""

import re
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from halfmap.contract.refine3d import Refine3D
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


@pytest.mark.parametrize(
    ("pixel_size", "problem", "warning"), [(10.0, "", "it will be resized"), (0.5, "cannot both be right", "")]
)
def test_a_mask_of_another_pixel_size_is_resized_unless_it_cannot_be_right(project, pixel_size, problem, warning):
    with mrcfile.new(project.root / "mask.mrc", np.ones((16, 16, 16), np.float32)) as file:
        file.voxel_size = pixel_size
    seen = found(project, fn_mask="mask.mrc")
    assert [problem in text for text in seen.problems] == ([True] if problem else [])
    assert [warning in text for text in seen.warnings] == ([True] if warning else [])


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


def test_half_sets_that_are_all_zero_will_be_drawn(project):
    with_half_sets(project, "0")
    assert found(project).problems == ()


@pytest.mark.parametrize(("values", "words"), [("1", "half set 2 is empty"), ("123", "holds 3"), ("012", "is 0 for 4")])
def test_other_half_sets_are_refused(project, values, words):
    with_half_sets(project, values)
    assert words in found(project).problems[0]


def test_what_the_engine_does_not_offer_is_refused_but_not_for_relion(project):
    assert found(project, do_blush=True).problems
    assert found(project, do_blush=True, engine="relion").problems == ()


def test_a_scratch_folder_has_to_be_there(project):
    assert "scratch" in found(project, scratch_dir="/no/such/folder").problems[0]


@pytest.fixture
def begun(hiv_twin, tmp_path) -> Path:
    """A project of RELION's with a run that can be continued."""
    for path in hiv_twin.iterdir():
        if path.name != "Refine3D":
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(hiv_twin / "Refine3D/job009", tmp_path / "Refine3D/job009", copy_function=shutil.copyfile)
    return tmp_path


GOING_ON = "Refine3D/job009/run_it003_optimiser.star"


def going_on(project: Path, engine: str = "halfmap", **changes: object) -> Preflight:
    job = Refine3D.model_validate({"fn_cont": GOING_ON, "particle_diameter": 230.0, **changes})
    return check(project, job, ONE_RANK, {}, engine)


def test_a_run_that_can_go_on_has_no_problems(begun):
    seen = going_on(begun)
    assert (seen.problems, seen.warnings) == ((), ())
    assert (seen.box_px, seen.pixel_size_angstrom, seen.particles) == (36, 8.1, 200)
    assert seen.memory_mb_per_rank == memory_mb_per_rank(36, 2, {})


@pytest.mark.parametrize("name", ["half2_model.star", "half1_class001.mrc", "sampling.star", "data.star"])
def test_an_iteration_to_go_on_from_needs_all_its_files(begun, name):
    (begun / f"Refine3D/job009/run_it003_{name}").chmod(0o600)
    (begun / f"Refine3D/job009/run_it003_{name}").unlink()
    (problem,) = going_on(begun).problems
    assert problem.startswith(f"Refine3D/job009/run_it003_{name}: does not exist")


def test_an_optimiser_that_is_not_there_not_whole_or_the_final_one_is_told(begun):
    assert "there is no such optimiser file" in going_on(begun, fn_cont="no_it003_optimiser.star").problems[0]
    path = begun / GOING_ON
    text = path.read_text()
    path.chmod(0o600)
    path.write_text(text[: len(text) // 2])
    assert "names no models of two half sets" in going_on(begun).problems[0]
    shutil.copyfile(begun / "Refine3D/job009/run_optimiser.star", path)
    assert "names no models of two half sets" in going_on(begun).problems[0]


def test_particles_of_another_box_than_the_continued_model_are_told(begun):
    path = begun / "Refine3D/job009/run_it003_half1_model.star"
    text = path.read_text()
    path.chmod(0o600)
    path.write_text(text.replace("_rlnOriginalImageSize                             36", "_rlnOriginalImageSize 48"))
    assert "the run to go on with has 48 px" in going_on(begun).problems[0]


@pytest.mark.parametrize(
    ("around", "part", "words"),
    [
        (Surroundings(100.0, 1e6), "problems", "One rank needs about"),
        (Surroundings(800.0, 1e6), "warnings", "3 ranks of"),
        (Surroundings(1e6, 1.0), "problems", "are free on the disk"),
        (Surroundings(1e6, 55.0), "warnings", "free on the disk"),
    ],
)
def test_what_does_not_fit_the_machine_is_told_with_the_numbers(project, around, part, words):
    seen = check(project.root, job(project), Demand(3, 1, 3, 0), {}, "halfmap", around)
    assert any(words in sentence for sentence in getattr(seen, part)), seen


def test_memory_and_scratch_of_another_machine_are_not_judged(project):
    elsewhere = Surroundings(100.0, 1e6, is_here=False)
    asked = job(project, scratch_dir="/no/such/folder")
    assert check(project.root, asked, ONE_RANK, {}, "halfmap", elsewhere).problems == ()


def test_memory_is_learned_from_earlier_runs(project):
    from importlib.metadata import version

    peaks = {(version("halfmap"), 16, 2): 123.0}
    assert check(project.root, job(project), ONE_RANK, peaks, "halfmap").memory_mb_per_rank == 123.0


@pytest.mark.parametrize(
    ("box", "padding", "measured"), [(24, 2, 283), (64, 2, 514), (96, 1, 419), (96, 2, 1170), (128, 2, 2176)]
)
def test_predicted_memory_is_enough_for_what_was_measured_and_not_much_more(box, padding, measured):
    assert measured - 2 < memory_mb_per_rank(box, padding, {}) < measured + 100


def test_images_that_are_read_in_advance_count(project):
    more = found(project, do_preread_images=True).memory_mb_per_rank - found(project).memory_mb_per_rank
    assert more == pytest.approx(12 * 5 * 16 * 16 * 4 / 2**20)


def test_predicted_disk_is_what_recorded_runs_take(hiv_twin):
    """By iteration; their number is not known before."""
    folder = hiv_twin / "Refine3D/job009"
    taken = sum(path.stat().st_size for path in folder.glob("run_it00[1-6]_*")) / 6 / 2**20
    particles = (hiv_twin / "picks_local.star").stat().st_size
    predicted = disk_mb(36, 200, particles, keeps_unfiltered=False) / 21
    assert taken < predicted < taken + 3


@pytest.mark.usefixtures("undisturbed")
def test_a_hundred_thousand_particles_are_read_in_seconds(project):
    path = Path(project.root / "Extract/job001/particles.star")
    lines = path.read_text().splitlines()
    rows = [line for line in lines if line.strip().startswith("TS_")]
    first = lines.index(rows[0])
    path.write_text("\n".join([*lines[:first], *(rows * (100_000 // len(rows))), ""]))
    import time

    begun = time.process_time()
    seen = found(project)
    # measured: 0.2 s
    assert time.process_time() - begun < 1.5
    assert seen.problems == ()
    assert seen.particles == 99_996


def test_the_recorded_projects_inputs_are_all_right(hiv_twin):
    options = {
        "in_optimisation": "local_optimisation_set.star",
        "fn_ref": "Reconstruct/job005/merged.mrc",
        "sym_name": "C6",
        "particle_diameter": 230.0,
        "trust_ref_size": False,
    }
    seen = check(hiv_twin, Refine3D.model_validate(options), ONE_RANK, {}, "halfmap")
    assert (seen.problems, seen.warnings) == ((), ())
    assert (seen.box_px, seen.pixel_size_angstrom, seen.particles) == (36, 8.1, 200)
    other = Refine3D.model_validate(options | {"fn_mask": "Mask/mask.mrc"})
    seen = check(hiv_twin, other, ONE_RANK, {}, "halfmap")
    assert seen.problems == ()
    assert seen.warnings[0].startswith("Mask/mask.mrc: 48 px at 5.4 Å, while the particles have 36 px at 8.1 Å")
    assert check(hiv_twin, other, ONE_RANK, {}, "relion").problems == ()


def test_particles_that_are_volumes_are_taken_on_processors(hiv_twin):
    options = {
        "in_optimisation": "PseudoSubtomo/job007/optimisation_set.star",
        "fn_ref": "Reconstruct/job005/merged.mrc",
        "sym_name": "C6",
        "particle_diameter": 230.0,
    }
    job = Refine3D.model_validate(options)
    for engine in ("halfmap", "relion"):
        assert check(hiv_twin, job, ONE_RANK, {}, engine).problems == ()
    wrong = Refine3D.model_validate(options | {"use_gpu": True, "do_zero_mask": False})
    seen = check(hiv_twin, wrong, ONE_RANK, {}, "halfmap")
    assert [problem.split()[0] for problem in seen.problems] == ["use_gpu", "do_zero_mask"]
    assert check(hiv_twin, wrong, ONE_RANK, {}, "relion").problems == ()


def test_a_volume_of_another_depth_is_named(project):
    file = next(project.root.glob("Extract/job001/**/*.mrcs"))
    particles = project.root / "Extract/job001/particles.star"
    particles.write_text(re.sub(r"(_rlnTomoSubTomosAre2DStacks\s+)1", r"\g<1>0", particles.read_text()))
    told = [problem for problem in found(project).problems if file.name in problem]
    assert told
    assert "px deep, but rlnImageSize of its optics group is 16" in told[0]


def test_a_particle_file_that_is_cut_off_is_told(project):
    path = project.root / "Extract/job001/particles.star"
    path.write_text(path.read_text().rstrip()[:-200])
    assert "the file is cut off or still being written" in found(project).problems[0]


def test_windows_line_ends_are_refused(project):
    path = project.root / "Extract/job001/particles.star"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "a Windows line end" in found(project).problems[0]


def test_tomograms_are_known_and_their_tilt_series_are_there(project):
    series = next((project.root / "tilt_series").glob("*.star"))
    series.unlink()
    assert f"{series.name}: does not exist; tomograms.star names it." in found(project).problems[0]
    path = project.root / "tomograms.star"
    path.write_text(path.read_text().replace("TS_01 ", "TS_77 "))
    assert any("knows no tomogram TS_01" in problem for problem in found(project).problems)


def test_stacks_need_a_tomogram_set(project):
    particles = "Extract/job001/particles.star"
    seen = found(project, in_optimisation="", fn_img=particles)
    assert seen.problems == ("No tomogram set is named; particles that are 2D stacks need one.",)


def test_both_maps_of_a_pair_are_looked_at(project):
    shutil.copyfile(project.reference_file, project.root / "some_half1_map.mrc")
    assert found(project, fn_ref="some_half1_map.mrc").problems == ("some_half2_map.mrc: does not exist.",)


def test_a_reference_without_a_pixel_size_needs_one_given(project):
    with mrcfile.new(project.root / "bare.mrc", np.ones((16, 16, 16), np.float32)):
        pass
    assert "its header gives no pixel size" in found(project, fn_ref="bare.mrc").problems[0]
    assert found(project, fn_ref="bare.mrc", other_args="--ref_angpix 12").problems == ()


def test_an_odd_box_is_refused_as_the_engine_does(project):
    with mrcfile.new(project.root / "odd.mrc", np.ones((17, 17, 17), np.float32)) as file:
        file.voxel_size = 12.0
    assert "17 px is odd" in found(project, fn_ref="odd.mrc", trust_ref_size=True).problems[0]


def test_pixel_sizes_that_cannot_both_be_right_are_refused(project):
    with mrcfile.new(project.root / "far.mrc", np.ones((16, 16, 16), np.float32)) as file:
        file.voxel_size = 200.0
    assert "cannot both be right" in found(project, fn_ref="far.mrc", trust_ref_size=True).problems[0]


def test_a_particle_larger_than_its_box_is_warned_about(project):
    assert "the box only 192 Å wide" in found(project, particle_diameter=200.0).warnings[0]
