"""What is started for a job: the words, and the environment."""

import os
import sys
from pathlib import Path

import pytest

from halfmap.contract.command_line import from_argv
from halfmap.contract.external_form import External
from halfmap.contract.extract_form import Extract
from halfmap.contract.postprocess_form import PostProcess
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.command import (
    CannotLaunch,
    Demand,
    build_command,
    cards_by_rank,
    demand,
    environment_of,
    launch_refusals,
    program_words,
    resume_job,
    start_over,
)
from halfmap.daemon.records import Launch
from halfmap.daemon.settings import Settings

JOB = Refine3D(in_optimisation="Extract/job001/optimisation_set.star", fn_ref="ref.mrc", nr_mpi=3, nr_threads=4)
ON_CARDS = JOB.model_copy(update={"use_gpu": True})
NAME = "Refine3D/job012/"
HERE, RELION, DEFAULTS = Launch(), Launch(engine="relion"), Settings()


def words(job=JOB, launch=HERE, settings=DEFAULTS, **environ: str) -> tuple[str, ...]:
    return build_command(job, launch, NAME, settings, environ or {"PATH": os.defpath})


@pytest.fixture
def site(tmp_path: Path) -> dict[str, str]:
    """A machine with RELION and its launcher."""
    for name in ("relion_refine", "relion_refine_mpi", "mpirun"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    return {"PATH": str(tmp_path)}


@pytest.mark.parametrize(
    ("options", "launch", "wanted"),
    [
        ({}, Launch(), Demand(3, 4, 12, 0)),
        ({"use_gpu": True}, Launch(), Demand(3, 4, 12, 2)),
        ({"use_gpu": True, "nr_mpi": 1}, Launch(), Demand(1, 4, 4, 1)),
        ({"use_gpu": True, "gpu_ids": "0,1:0,3"}, Launch(), Demand(3, 4, 12, 3)),
        ({"use_gpu": True, "gpu_ids": "0:1"}, Launch(cards=1), Demand(3, 4, 12, 1)),
        ({}, Launch(cards=2), Demand(3, 4, 12, 2)),
    ],
)
def test_a_job_takes_what_its_form_and_its_launch_ask_for(options, launch, wanted):
    assert demand(JOB.model_copy(update=options), launch) == wanted


def test_ranks_are_started_by_the_launcher_beside_this_python():
    command = words()
    beside = str(Path(sys.executable).with_name("mpiexec"))
    assert command[:8] == (beside, "-n", "3", sys.executable, "-m", "mpi4py", "-m", "halfmap.engine")
    arguments = from_argv(command[8:])
    assert (arguments.output_root, arguments.pipeline_control) == ("Refine3D/job012/run", NAME)
    assert arguments.threads == 4


def test_a_single_rank_needs_no_launcher():
    assert words(JOB.model_copy(update={"nr_mpi": 1}))[:2] == (sys.executable, "-m")


def test_a_site_names_its_own_launcher(site):
    settings = Settings(launcher=("mpirun", "--map-by", "slot", "-n", "{ranks}"))
    assert words(settings=settings, **site)[:6] == (
        f"{site['PATH']}/mpirun",
        "--map-by",
        "slot",
        "-n",
        "3",
        sys.executable,
    )


def test_a_placeholder_that_is_not_known_is_refused_by_name(site):
    with pytest.raises(CannotLaunch, match=r"`launcher` in daemon.toml has \{hosts\}; .* \{ranks\}"):
        words(settings=Settings(launcher=("mpirun", "{hosts}")), **site)


def test_an_empty_launcher_for_relion_is_refused(site):
    with pytest.raises(CannotLaunch, match=r"`relion_launcher` in daemon\.toml is empty"):
        words(launch=RELION, settings=Settings(relion_launcher=()), **site)


def test_relions_program_is_found_on_the_path_and_gets_its_own_options(site):
    command = words(launch=RELION, **site)
    folder = site["PATH"]
    assert command[:4] == (f"{folder}/mpirun", "-n", "3", f"{folder}/relion_refine_mpi")
    assert command[command.index("--pipeline_control") + 1] == NAME
    assert command[command.index("--o") + 1] == "Refine3D/job012/run"
    assert words(JOB.model_copy(update={"nr_mpi": 1}), RELION, **site)[0] == f"{folder}/relion_refine"


def test_a_missing_program_is_named():
    with pytest.raises(CannotLaunch, match="mpirun is not on the PATH"):
        words(launch=RELION, PATH="/nowhere")


def test_relion_is_never_started_by_the_launcher_beside_this_python(site):
    beside = str(Path(sys.executable).parent)
    command = words(launch=RELION, PATH=f"{beside}:{site['PATH']}")
    assert command[0] == f"{site['PATH']}/mpirun"
    with pytest.raises(CannotLaunch, match="mpirun is not on the PATH"):
        words(launch=RELION, PATH=beside)


@pytest.mark.parametrize(
    ("gpu_ids", "ranks", "cards", "wanted"),
    [
        ("", 3, 2, "0:1"),
        ("", 3, 1, "0:0"),
        ("", 3, 4, "0,2:1,3"),
        ("", 5, 3, "0:1:2:0"),
        ("", 1, 2, "0,1"),
        ("2:5", 3, 2, "0:1"),
        ("5,2:2,7", 3, 3, "0,1:1,2"),
        ("2:5", 3, 1, "0:0"),
    ],
)
def test_leased_cards_are_shared_out_among_relions_ranks(gpu_ids, ranks, cards, wanted):
    assert cards_by_rank(JOB.model_copy(update={"gpu_ids": gpu_ids, "nr_mpi": ranks}), cards) == wanted


def test_relion_gets_the_numbers_that_its_leased_cards_have_for_it(site):
    command = words(ON_CARDS.model_copy(update={"gpu_ids": "6:7"}), RELION, **site)
    assert command[command.index("--gpu") + 1] == "0:1"


@pytest.mark.parametrize(("ranks", "cards", "wanted"), [(3, 2, "0:1"), (5, 3, "0:1:2:0"), (1, 2, "0")])
def test_each_of_halfmaps_ranks_gets_one_leased_card(ranks, cards, wanted, site):
    command = words(ON_CARDS.model_copy(update={"gpu_ids": "6:7", "nr_mpi": ranks}), Launch(cards=cards), **site)
    assert command[command.index("--gpu") + 1] == wanted


def test_a_job_on_cards_that_is_to_get_none_is_refused(site):
    with pytest.raises(CannotLaunch, match="use_gpu is Yes"):
        words(ON_CARDS, Launch(engine="relion", cards=0), **site)


def test_a_resumed_job_continues_and_reads_no_inputs(site):
    resumed = resume_job(JOB, f"{NAME}run_it007_optimiser.star")
    for launch in (Launch(), RELION):
        command = words(resumed, launch, **site)
        assert command[command.index("--continue") + 1] == f"{NAME}run_it007_optimiser.star"
        assert command[command.index("--o") + 1] == f"{NAME}run"
        assert "--ref" not in command


def test_what_starts_over_may_replace_its_own_files():
    again = start_over(JOB, Launch())
    assert words(again).count("--overwrite") == 1
    assert start_over(again, Launch()) == again
    assert start_over(JOB, RELION) == JOB


def test_only_halfmaps_engine_refuses_what_it_does_not_do(site):
    blush = JOB.model_copy(update={"do_blush": True})
    assert any("--blush" in one for one in launch_refusals(blush, Launch(), Settings(), site))
    assert launch_refusals(blush, RELION, Settings(), site) == []


@pytest.mark.parametrize("launch", [Launch(), RELION])
def test_the_forms_problems_are_told_for_either_program(launch, site):
    found = launch_refusals(JOB.model_copy(update={"fn_ref": ""}), launch, Settings(), site)
    assert any("(fn_ref)" in one for one in found)


def test_a_name_is_one_word_whatever_it_holds():
    nasty = "ref; touch /tmp/x $(id) `id` 'q' \"q\".mrc"
    command = words(JOB.model_copy(update={"fn_ref": nasty}))
    assert command[command.index("--ref") + 1] == nasty


def test_relions_note_has_the_program_without_what_starts_its_ranks(site):
    assert program_words(words())[:2] == ("halfmap", "refine")
    assert program_words(words(launch=RELION, **site))[0].endswith("/relion_refine_mpi")
    assert program_words(words(JOB.model_copy(update={"fn_ref": "my_relion_refine.mrc"})))[0] == "halfmap"


def environment(launch=HERE, settings=DEFAULTS, cards=(), job=JOB, **environ: str) -> dict[str, str]:
    return environment_of(job, launch, cards, settings, environ)


def test_nothing_is_in_the_environment_by_chance():
    unwanted = {"LD_PRELOAD", "PYTHONPATH", "AWS_SECRET", "HALFMAP_ATTEMPT", "HALFMAP_CRASH_AT", "DISPLAY"}
    wanted = {"PATH": "/bin", "LC_ALL": "C", "RELION_SCRATCH_DIR": "/s", "CUDA_MPS_PIPE_DIRECTORY": "/m"}
    passed = environment(**wanted, **dict.fromkeys(unwanted, "x"))
    assert {name: passed[name] for name in wanted} == wanted
    assert not unwanted & passed.keys()


def test_a_site_lets_more_through_by_name_or_beginning():
    settings = Settings(environment=("MODULEPATH", "UCX_*"))
    passed = environment(settings=settings, MODULEPATH="/m", UCX_TLS="tcp", UC="no", MODULEPATHS="no")
    assert passed["MODULEPATH"] == "/m"
    assert passed["UCX_TLS"] == "tcp"
    assert not {"UC", "MODULEPATHS"} & passed.keys()


def test_a_job_sees_its_leased_cards_and_no_others():
    seen = environment(cards=("GPU-b", "GPU-a"), CUDA_VISIBLE_DEVICES="0,1,2,3", CUDA_DEVICE_ORDER="FASTEST_FIRST")
    assert seen["CUDA_VISIBLE_DEVICES"] == "GPU-b,GPU-a"
    assert seen["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert environment(CUDA_VISIBLE_DEVICES="0")["CUDA_VISIBLE_DEVICES"] == ""


def test_ranks_and_threads_are_told_unless_the_user_has_said_otherwise():
    told = environment(MKL_NUM_THREADS="1")
    assert (told["HALFMAP_NRANKS"], told["OMP_NUM_THREADS"], told["MKL_NUM_THREADS"]) == ("3", "4", "1")


def test_only_root_is_allowed_what_open_mpi_refuses_to_root(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert environment()["OMPI_ALLOW_RUN_AS_ROOT"] == environment()["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] == "1"
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert "OMPI_ALLOW_RUN_AS_ROOT" not in environment()


def test_ranks_in_slurm_stay_below_the_shim():
    assert environment(Launch(place="slurm:gpu"))["HYDRA_LAUNCHER"] == "fork"
    assert "HYDRA_LAUNCHER" not in environment()


# --- jobs that are no refinements -------------------------------------------------------------------------------------

EXTRACT = Extract(in_optimisation="Picks/job009/optimisation_set.star", nr_threads=4)
POSTPROCESS = PostProcess(fn_in="half1.mrc", fn_mask="mask.mrc")
CENTER = External(in_3dref="ref.mrc", in_mask="mask.mrc", in_part="p.star", nr_threads=2)


def test_halfmaps_other_programs_are_started_by_this_python_and_noted_by_their_names():
    command = build_command(EXTRACT, HERE, "Extract/job012/", DEFAULTS, {})
    assert command[:4] == (sys.executable, "-m", "halfmap.commands", "extract")
    assert command[-2:] == ("--pipeline_control", "Extract/job012/")
    assert program_words(command)[:3] == ("halfmap", "extract", "--i")
    assert launch_refusals(EXTRACT, HERE, DEFAULTS, {}) == []


def test_other_jobs_take_their_threads_and_no_cards():
    found = {type(job): demand(job, HERE) for job in (EXTRACT, POSTPROCESS, CENTER)}
    assert found == {Extract: Demand(1, 4, 4, 0), PostProcess: Demand(1, 1, 1, 0), External: Demand(1, 2, 2, 0)}
    assert environment_of(EXTRACT, HERE, (), DEFAULTS, {})["OMP_NUM_THREADS"] == "4"
    assert "use no cards" in launch_refusals(EXTRACT, Launch(cards=1), DEFAULTS, {})[0]
    assert "no resolution" in launch_refusals(EXTRACT, Launch(notify_at_angstrom=8.0), DEFAULTS, {})[0]


def test_relions_programs_do_it_where_that_is_asked_for(tmp_path):
    for name in ("relion_tomo_subtomo", "relion_tomo_subtomo_mpi", "mpirun"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    on_path = {"PATH": str(tmp_path)}
    command = build_command(EXTRACT, RELION, "Extract/job012/", DEFAULTS, on_path)
    assert command[0] == f"{tmp_path}/relion_tomo_subtomo"
    ranks = EXTRACT.model_copy(update={"nr_mpi": 2})
    assert launch_refusals(ranks, RELION, DEFAULTS, on_path) == []
    command = build_command(ranks, RELION, "Extract/job012/", DEFAULTS, on_path)
    assert command[:4] == (f"{tmp_path}/mpirun", "-n", "2", f"{tmp_path}/relion_tomo_subtomo_mpi")
    assert program_words(command)[0] == f"{tmp_path}/relion_tomo_subtomo_mpi"
    assert "one process with threads" in launch_refusals(ranks, HERE, DEFAULTS, {})[0]
    assert "RELION has no program" in launch_refusals(CENTER, RELION, DEFAULTS, on_path)[0]


def test_a_second_start_goes_on_or_replaces_what_the_first_one_left():
    again = {type(job): start_over(job, HERE).other_args for job in (EXTRACT, POSTPROCESS)}
    assert again == {Extract: "--only_do_unfinished", PostProcess: "--overwrite"}
    assert start_over(EXTRACT, RELION).other_args == "--only_do_unfinished"
    assert start_over(POSTPROCESS, RELION) == POSTPROCESS
    assert start_over(start_over(EXTRACT, HERE), HERE) == start_over(EXTRACT, HERE)
