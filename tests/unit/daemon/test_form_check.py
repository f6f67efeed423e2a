"""What a form's options tell by themselves."""

import sys

import pytest

from halfmap.contract.refine3d import OPTIONS, Refine3D, problems
from halfmap.daemon.form_check import JOB_TO_COME, as_problems, check_options, coarse_step_deg, in_effect
from halfmap.daemon.inspection import FormCheck, FormDraft
from halfmap.daemon.records import Launch
from halfmap.daemon.settings import Settings

GOOD = {"in_optimisation": "o.star", "fn_ref": "r.mrc"}


def checked(options: dict[str, str], **launch) -> FormCheck:
    draft = FormDraft(project="/p", options=options, launch=Launch(**launch))
    return check_options(draft, Settings(), {"PATH": "/nowhere"})


def keys(found: FormCheck) -> list[str]:
    return [problem.key for problem in found.problems]


def test_a_form_that_can_be_run_has_its_command_and_no_problems():
    found = checked(GOOD | {"sym_name": "C6"})
    assert found.problems == ()
    assert found.command[0] == sys.executable
    words = " ".join(found.command)
    assert f"--o {JOB_TO_COME}run" in words
    assert "--sym C6" in words


def test_all_problems_are_told_at_once_in_the_order_of_the_form_and_there_is_no_command():
    found = checked({"ini_high": "abc", "nr_mpi": "4", "my_key": "1", "sym_name": "K3"})
    assert keys(found) == ["ini_high", "in_optimisation", "fn_ref", "sym_name", "nr_mpi", "my_key"]
    assert found.command == ()


def test_what_the_form_tells_is_what_the_contract_tells():
    job = Refine3D()
    assert [problem.message for problem in checked({}).problems] == [problem.message for problem in problems(job)]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"do_blush": "Yes"}, "do_blush"),
        ({"do_helix": "Yes"}, "do_helix"),
        ({"relax_sym": "C2"}, "relax_sym"),
        ({"other_args": "--sym C4"}, "other_args"),
        ({"other_args": '"'}, "other_args"),
        ({"other_args": "--no_such_option 3"}, "other_args"),
    ],
)
def test_what_the_program_would_refuse_is_told_beside_its_option(options, key):
    assert key in keys(checked(GOOD | options))


def test_relions_program_takes_what_this_version_does_not_but_has_to_be_there():
    found = checked(GOOD | {"do_blush": "Yes"}, engine="relion")
    assert [problem.message for problem in found.problems] == [
        "relion_refine is not on the PATH of the daemon; start it where it is, or set it in daemon.toml."
    ]
    assert keys(found) == [""]


def test_options_that_others_switch_off_are_not_in_effect():
    off = in_effect(Refine3D())
    assert {"in_particles", "helical_nr_asu", "gpu_ids"}.isdisjoint(off)
    on = in_effect(Refine3D(use_direct_entries=True, do_helix=True, use_gpu=True))
    assert {"in_particles", "helical_nr_asu", "gpu_ids"} <= set(on)
    assert "in_optimisation" not in on


def test_a_continued_run_takes_only_what_can_be_changed_on_the_way():
    found = in_effect(Refine3D(fn_cont="run_it003_optimiser.star"))
    assert set(found) == {key for key in found if OPTIONS[key].declaration.continues}
    assert {"fn_cont", "nr_mpi"} <= set(found)
    assert "sym_name" not in found


def test_the_coarse_step_follows_from_resolution_and_diameter():
    assert coarse_step_deg(Refine3D(ini_high=60, particle_diameter=230)) == pytest.approx(27.55, abs=0.01)
    assert checked(GOOD).coarse_step_deg == pytest.approx(30.96, abs=0.01)


@pytest.mark.parametrize("changes", [{"ini_high": -1}, {"particle_diameter": -1}, {"ini_high": float("nan")}])
def test_without_a_resolution_or_diameter_there_is_no_coarse_step(changes):
    assert coarse_step_deg(Refine3D(**changes)) is None


def test_a_sentence_about_a_file_belongs_to_the_option_that_names_it():
    job = Refine3D(in_optimisation="o.star", fn_ref="maps/r.mrc", fn_mask="m.mrc", scratch_dir="/scratch")
    told = as_problems(
        [
            "o.star: does not exist. Paths are relative to the project.",
            "maps/r.mrc: 20 px at 12 Å, while …",
            "/scratch: the scratch directory is not there, or cannot be written.",
            "particles.star, line 3: cut off",
            "o.star.bak: does not exist.",
        ],
        job,
    )
    assert [problem.key for problem in told] == ["in_optimisation", "fn_ref", "scratch_dir", "", ""]
