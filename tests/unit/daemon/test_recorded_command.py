"""Options of a job that somebody else made, from its job.star or from its command."""

import shlex
from pathlib import Path

import pytest

from halfmap.contract.command_line import to_argv
from halfmap.contract.conversion import arguments_from_job
from halfmap.contract.job_star import write_job_star
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.options import texts_of
from halfmap.daemon.recorded_command import options_of_command, options_of_folder

NEW = {"in_optimisation": "o.star", "fn_ref": "r.mrc"}
DIRECT = {"use_direct_entries": True, "in_particles": "p.star", "in_tomograms": "t.star", "fn_ref": "r.mrc"}


def command(job: Refine3D) -> list[str]:
    return to_argv(arguments_from_job(job, "Refine3D/job001/run", "Refine3D/job001/"))


@pytest.mark.parametrize(
    "options",
    [
        NEW,
        DIRECT,
        NEW | {"fn_img": "other.star", "fn_mask": "m.mrc", "do_solvent_fsc": True},
        NEW | {"sym_name": "c6", "ini_high": 40.0, "particle_diameter": 230.0, "trust_ref_size": False},
        NEW | {"ref_correct_greyscale": True, "do_ctf_correction": False, "do_zero_mask": False},
        NEW | {"ctf_intact_first_peak": True, "auto_faster": True, "sigma_tilt": 10.0, "offset_step": 2.5},
        NEW | {"sampling": "30 degrees", "auto_local_sampling": "0.9 degrees", "other_args": "--random_seed 7"},
        NEW | {"sampling": "15 degrees", "other_args": "--oversampling 0"},
        NEW | {"use_gpu": True, "gpu_ids": "0:1", "nr_threads": 4, "nr_pool": 30, "do_pad1": True},
        NEW | {"use_gpu": True, "scratch_dir": "/scratch", "do_combine_thru_disc": True},
        NEW | {"do_preread_images": True, "relax_sym": "C2", "do_blush": True},
        {"fn_cont": "Refine3D/job001/run_it003_optimiser.star", "nr_threads": 2, "fn_mask": "m.mrc"},
    ],
)
def test_the_form_of_a_command_makes_the_same_command(options):
    job = Refine3D.model_validate(options)
    found = options_of_command(command(job))
    assert found is not None
    assert command(found) == command(job)
    if not job.continues_a_run:
        assert texts_of(found) == texts_of(job)


@pytest.mark.parametrize("words", ["", "--no_such_option 3", "--i p.star", "--j"])
def test_what_is_no_command_of_a_refinement_has_no_options(words):
    assert options_of_command(shlex.split(words)) is None


@pytest.mark.parametrize(("name", "step"), [("job006", "7.5 degrees"), ("job009", "3.7 degrees")])
def test_the_command_of_a_job_of_relions_tells_its_options(hiv_twin, name, step):
    job, remark = options_of_folder(hiv_twin / "Refine3D" / name)
    assert job is not None
    assert (job.sym_name, job.particle_diameter, job.sampling, job.nr_pool) == ("C6", 230, step, 16)
    assert job.other_args == "--random_seed 1 --cpu"
    assert remark.endswith("the options are those of the command in run_it000_optimiser.star.")


def test_inputs_that_halfmap_notes_beside_its_set_are_those_of_the_set(tmp_path):
    words = "--i p.star --tomograms t.star --ios o.star --ref r.mrc --auto_refine --split_random_halves"
    optimiser = tmp_path / "run_it000_optimiser.star"
    optimiser.write_text(f"# RELION optimiser; version 5.0.1 (written by halfmap)\n# {words}\n")
    job, _ = options_of_folder(tmp_path)
    assert (job.in_optimisation, job.fn_img, job.in_particles, job.other_args) == ("o.star", "", "", "")
    optimiser.write_text(f"# RELION optimiser; version 5.0.1\n# {words}\n")
    assert options_of_folder(tmp_path)[0].fn_img == "p.star"


def test_a_job_star_tells_more_than_the_command(tmp_path):
    write_job_star(Refine3D(sym_name="D7", nr_mpi=3), tmp_path / "job.star")
    assert options_of_folder(tmp_path) == (Refine3D(sym_name="D7", nr_mpi=3), "")


@pytest.mark.parametrize("content", [b"", b"#\n", b"\xff\xfe\n# \x1b[2J --ios\n", b"# RELION\n# --auto_refine --j x\n"])
def test_what_cannot_be_read_is_told(tmp_path, content):
    (tmp_path / "job.star").write_text("torn")
    (tmp_path / "run_it000_optimiser.star").write_bytes(content)
    job, remark = options_of_folder(tmp_path)
    assert job is None
    assert remark.startswith(str(tmp_path / "job.star"))
    assert remark.endswith("; the options are not known.")


def test_a_folder_that_is_not_there_has_no_options():
    assert options_of_folder(Path("/nowhere/job001")) == (
        None, "There is no job.star in job001; the options are not known."
    )  # fmt: skip
