"""Where a job's files are, and what it works on, whichever program ran it."""

import os
import shutil
from pathlib import Path

import pytest

from halfmap.contract.job_star import write_job_star
from halfmap.contract.progress import ProgressWriter, RunStarted
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.following import all_iterations
from halfmap.daemon.inspection import JobFiles
from halfmap.daemon.job_files import job_files

JOB = "Refine3D/job009/"


@pytest.fixture
def project(hiv_twin: Path, tmp_path: Path) -> Path:
    """A copy of RELION's job without its maps and particles, of which only the names count."""
    for path in (hiv_twin / JOB).iterdir():
        target = tmp_path / JOB / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".mrc" or path.name.endswith("_data.star"):
            target.touch()
        else:
            shutil.copyfile(path, target)
        os.utime(target, (path.stat().st_mtime, path.stat().st_mtime))
    return tmp_path


def found(project: Path, name: str = JOB, options: Refine3D | None = None, is_running: bool = False) -> JobFiles:
    return job_files(project, name, options, is_running)


@pytest.mark.parametrize(("name", "last"), [("Refine3D/job006/", 8), ("Refine3D/job009/", 6)])
def test_a_job_that_relion_ran_has_all_its_files_and_facts(hiv_twin, name, last):
    seen = found(hiv_twin, name)
    root = f"{hiv_twin}/{name}run"
    assert seen.folder == f"{hiv_twin}/{name}".rstrip("/")
    assert (seen.output, seen.error) == (f"{root}.out", f"{root}.err")
    assert [one.iteration for one in seen.iterations] == list(range(last + 2))
    first, joined = seen.iterations[1], seen.iterations[-1]
    assert first.half_maps == (f"{root}_it001_half1_class001.mrc", f"{root}_it001_half2_class001.mrc")
    assert (first.particles, first.map, first.is_joined) == (f"{root}_it001_data.star", "", False)
    assert joined.half_maps == (f"{root}_half1_class001_unfil.mrc", f"{root}_half2_class001_unfil.mrc")
    assert (joined.particles, joined.map, joined.is_joined) == (f"{root}_data.star", f"{root}_class001.mrc", True)
    assert (seen.box_px, seen.pixel_size_angstrom, seen.particles, seen.symmetry) == (36, 8.1, 200, "C6")
    assert (seen.particle_diameter_angstrom, seen.mask, seen.trouble) == (230.0, "", "")


def test_iterations_have_the_numbers_of_their_curves(project):
    curves = [record["iteration"] for record in all_iterations(project / JOB)]
    assert [one.iteration for one in found(project).iterations] == [0, *curves]


def test_files_that_are_missing_have_no_name(project):
    (project / JOB / "run_it003_half2_class001.mrc").unlink()
    (project / JOB / "run_class001.mrc").unlink()
    seen = found(project)
    assert seen.iterations[3].half_maps[0] != ""
    assert seen.iterations[3].half_maps[1] == ""
    assert seen.iterations[-1].map == ""


def test_a_cut_off_file_is_told_and_costs_only_its_iteration(project):
    model = project / JOB / "run_it003_half1_model.star"
    model.write_text(model.read_text()[:900])
    seen = found(project)
    assert "iteration 3 (run_it003_*.star)" in seen.trouble
    assert [one.iteration for one in seen.iterations] == list(range(8))
    assert [record["iteration"] for record in all_iterations(project / JOB)] == [1, 2, 4, 5, 6, 7]


def test_cut_off_final_files_are_told_and_the_facts_come_from_the_iteration_before(project):
    for name in ("run_model.star", "run_it006_half2_model.star"):
        (project / JOB / name).write_text("\ndata_model_general\n\n_rlnOrig")
    seen = found(project)
    assert "iteration 6, 7 " in seen.trouble
    assert (seen.box_px, seen.particles) == (36, 200)


def test_the_newest_iteration_of_a_running_job_may_still_be_on_its_way(project):
    for path in (project / JOB).glob("run_[!i]*"):
        path.unlink()
    (project / JOB / "run_it006_half1_model.star").write_text("")
    assert found(project, is_running=True).trouble == ""
    assert "iteration 6" in found(project).trouble


def test_files_that_an_earlier_run_left_are_not_shown(project):
    folder = project / JOB
    (folder / "run.out").write_text(" RELION version: 5.0.1\n Auto-refine: Iteration= 1\n Auto-refine: Iteration= 2\n")
    now = (folder / "run_it006_optimiser.star").stat().st_mtime + 10_000
    for path in folder.glob("run_it00[01]_*"):
        os.utime(path, (now, now))
    assert [one.iteration for one in found(project, is_running=True).iterations] == [0, 1]


def test_a_folder_that_has_vanished_is_told_and_its_logs_have_their_names(tmp_path):
    seen = found(tmp_path)
    assert seen.trouble == f"{tmp_path / JOB} is not there any more."
    assert seen.output == f"{tmp_path / JOB}/run.out"


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "Refine3D").mkdir()
    (tmp_path / JOB).touch()
    assert "cannot be read (Not a directory)" in found(tmp_path).trouble


def test_before_the_first_iteration_start_and_options_tell_what_is_known(tmp_path):
    folder = tmp_path / JOB
    folder.mkdir(parents=True)
    options = Refine3D(fn_mask="Mask/mask.mrc", sym_name="C6", particle_diameter=230)
    assert found(tmp_path, options=options).mask == f"{tmp_path}/Mask/mask.mrc"
    started = RunStarted(
        version="0.1.0", argv=(), ranks=1, threads=1, host="h", box_size_px=64, pixel_size_angstrom=2.0,
        particles_per_half=(3, 4), symmetry="C5",
    )  # fmt: skip
    with ProgressWriter(folder / "run_progress.jsonl") as writer:
        writer.write(started)
    seen = found(tmp_path, options=options, is_running=True)
    assert (seen.box_px, seen.pixel_size_angstrom, seen.particles) == (64, 2.0, 7)
    assert (seen.symmetry, seen.particle_diameter_angstrom) == ("C5", 230)


def test_options_of_somebody_elses_job_come_from_its_job_star(tmp_path):
    folder = tmp_path / JOB
    folder.mkdir(parents=True)
    write_job_star(Refine3D(fn_mask="mask.mrc", sym_name="D7"), folder / "job.star")
    assert (found(tmp_path).symmetry, found(tmp_path).mask) == ("D7", f"{tmp_path}/mask.mrc")
    (folder / "job.star").write_text("torn")
    assert (found(tmp_path).symmetry, found(tmp_path).mask) == ("", "")


def test_a_mask_that_the_run_did_not_use_is_none(project):
    assert found(project, options=Refine3D(fn_mask="mask.mrc")).mask == ""
