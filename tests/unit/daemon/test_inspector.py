"""The desk's answers about files: of jobs, of forms, of paths; and what it says when they cannot be looked at."""

import asyncio
import os
import shutil
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from halfmap.contract.job_star import write_job_star
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon import inspector
from halfmap.daemon.clock import SystemClock
from halfmap.daemon.daemon import Daemon, make_doers, make_parts
from halfmap.daemon.database import open_database
from halfmap.daemon.desk import Desk
from halfmap.daemon.inspection import FormCheck, FormDraft
from halfmap.daemon.nvml import write_fake
from halfmap.daemon.parts import Parts
from halfmap.daemon.places import places
from halfmap.daemon.records import Launch
from halfmap.daemon.recovery_desk import RecoveryDesk
from halfmap.daemon.service import Refused
from halfmap.daemon.settings import Settings
from halfmap.daemon.state import AttemptState, JobState
from halfmap.daemon.store import Store

OPTIONS = {
    "in_optimisation": "local_optimisation_set.star",
    "fn_ref": "Reconstruct/job005/merged.mrc",
    "sym_name": "C6",
    "particle_diameter": "230",
}
IMPATIENT = Settings.model_validate({"ticks": {"hung_s": 0.5}})


class Office:
    """A desk over a store of its own; nothing ticks."""

    settings = Settings()

    def __init__(self, folder: Path) -> None:
        write_fake(folder / "cards.json", 1)
        self.environ = {
            "PATH": "/usr/bin:/bin",
            "HALFMAP_STATE_DIR": str(folder / "state"),
            "HALFMAP_RUNTIME_DIR": str(folder / "run"),
            "HALFMAP_NVML": str(folder / "cards.json"),
        }
        folder.joinpath("state").mkdir()
        self.store = Store(open_database(folder / "state/store.sqlite"), SystemClock())

    def watch(self, project: Path) -> None:
        self.store.add_project(project, f"watch {project}")

    def follow(self, project: Path, name: str, kind: str = "relion.refine3d.tomo", state: str = "finished") -> int:
        columns = {"name": name, "alias": "", "kind": kind, "state": state}
        self.store.follow_jobs(project, [columns])
        found = self.store.named(project, name)
        assert found is not None
        return found.job

    def with_desk(self, story: Callable[[Desk, Parts], Awaitable[Any]]) -> Any:
        async def tell() -> Any:
            parts = make_parts(places(self.environ), self.settings, self.environ, self.store)
            doers = make_doers(parts, lambda: None)
            try:
                return await story(doers.desk, parts)
            finally:
                parts.watcher.close()
                parts.lanes.close()

        return asyncio.run(tell())

    def ask(self, question: Callable[[Desk], Awaitable[Any]]) -> Any:
        return self.with_desk(lambda desk, _: question(desk))

    def refusal(self, question: Callable[[Desk], Awaitable[Any]]) -> str:
        with pytest.raises(Refused) as caught:
            self.ask(question)
        return caught.value.refusal.code


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def project(tmp_path: Path, office: Office) -> Path:
    folder = tmp_path / "project"
    folder.joinpath("Refine3D/job001").mkdir(parents=True)
    office.watch(folder)
    return folder


def draft(project: Path, options: dict[str, str] | None = None, looks: bool = True, **launch: Any) -> FormDraft:
    given = OPTIONS if options is None else options
    return FormDraft(project=str(project), options=given, launch=Launch(**launch), looks_at_files=looks)


# --- files of a job -------------------------------------------------------------------------------------------------


def test_the_files_of_relions_own_job_are_told(office, hiv_twin):
    office.watch(hiv_twin)
    job = office.follow(hiv_twin, "Refine3D/job009/")
    found = office.ask(lambda desk: desk.files(job))
    assert found.iterations[-1].map == f"{hiv_twin}/Refine3D/job009/run_class001.mrc"
    assert (found.box_px, found.particles) == (36, 200)


def test_a_job_without_a_folder_has_no_files(office, project):
    job = office.store.add_job("uuid", project, Launch(), {}, "key")
    assert office.ask(lambda desk: desk.files(job)).folder == ""


def test_files_of_a_job_that_is_not_there_are_not_found(office):
    assert office.refusal(lambda desk: desk.files(77)) == "not_found"


def test_a_project_that_has_vanished_is_told_with_the_jobs_files(office, project):
    job = office.follow(project, "Refine3D/job001/")
    shutil.rmtree(project)
    assert "is not there any more" in office.ask(lambda desk: desk.files(job)).trouble


def test_a_file_system_that_hangs_is_unavailable_whatever_is_asked_of_it(office, project, monkeypatch):
    job = office.follow(project, "Refine3D/job001/")
    office.settings = IMPATIENT
    release = threading.Event()
    for name in ("job_files", "completions", "with_files", "options_of_folder"):
        monkeypatch.setattr(inspector, name, lambda *_: release.wait(10))
    try:
        assert office.refusal(lambda desk: desk.files(job)) == "unavailable"
        assert "may hang" in office.ask(lambda desk: desk.job(job)).warnings[0]
        assert office.refusal(lambda desk: desk.check_form(draft(project))) == "unavailable"
        assert office.refusal(lambda desk: desk.browse(str(project), "", "")) == "unavailable"
        assert office.refusal(lambda desk: desk.browse(str(project), "/elsewhere/", "")) == "unavailable"
    finally:
        release.set()


def test_a_place_elsewhere_that_hangs_does_not_keep_the_project_waiting(office, project, monkeypatch):
    office.settings = IMPATIENT
    release, real = threading.Event(), inspector.completions
    monkeypatch.setattr(
        inspector, "completions", lambda *asked: release.wait(10) if asked[1].startswith("/") else real(*asked)
    )

    async def story(desk: Desk, _parts: Parts) -> list[str]:
        with pytest.raises(Refused, match="/elsewhere/"):
            await desk.browse(str(project), "/elsewhere/", "")
        return [row.path for row in await desk.browse(str(project), "", "")]

    try:
        assert office.with_desk(story) == ["Refine3D/"]
    finally:
        release.set()


# --- options of somebody else's job ----------------------------------------------------------------------------------


def test_a_followed_refinement_has_the_options_of_its_job_star(office, project):
    write_job_star(Refine3D(sym_name="C6"), project / "Refine3D/job001/job.star")
    job = office.follow(project, "Refine3D/job001/")
    assert office.ask(lambda desk: desk.job(job)).options == {"sym_name": "C6"}


def test_options_that_are_not_known_are_told(office, project):
    job = office.follow(project, "Refine3D/job001/")
    detail = office.ask(lambda desk: desk.job(job))
    assert detail.options == {}
    assert detail.warnings == ("There is no job.star in job001; the options are not known.",)


def test_options_of_relions_own_job_come_from_its_command(office, hiv_twin):
    office.watch(hiv_twin)
    job = office.follow(hiv_twin, "Refine3D/job009/")
    detail = office.ask(lambda desk: desk.job(job))
    assert detail.options.items() >= OPTIONS.items()
    assert "the command in run_it000_optimiser.star" in detail.warnings[0]


def test_of_other_jobs_no_options_are_looked_for(office, project):
    job = office.follow(project, "Extract/job002/", kind="relion.pseudosubtomo")
    assert office.ask(lambda desk: desk.job(job)).warnings == ()


# --- forms ----------------------------------------------------------------------------------------------------------


def checked(office: Office, asked: FormDraft) -> FormCheck:
    return office.ask(lambda desk: desk.check_form(asked))


def test_a_form_is_told_what_its_files_hold_and_what_the_job_takes(office, hiv_twin):
    office.watch(hiv_twin)
    found = checked(office, draft(hiv_twin, OPTIONS | {"nr_threads": "2"}))
    assert found.problems == ()
    assert found.set_names == {"rlnTomoParticlesFile": "picks_local.star", "rlnTomoTomogramsFile": "tomograms.star"}
    assert (found.box_px, found.pixel_size_angstrom, found.particles) == (36, 8.1, 200)
    assert found.memory_mb is not None
    assert found.disk_mb is not None
    assert found.seconds == pytest.approx(144, rel=0.1)  # a sample of the particles is looked at
    assert "measured once" in found.seconds_are_from
    assert found.command


def test_memory_is_that_of_all_ranks(office, hiv_twin):
    office.watch(hiv_twin)
    one, three = (checked(office, draft(hiv_twin, OPTIONS | {"nr_mpi": ranks})).memory_mb for ranks in ("1", "3"))
    assert three == pytest.approx(3 * one)


def test_what_is_wrong_with_files_is_told_beside_its_option(office, hiv_twin):
    office.watch(hiv_twin)
    found = checked(office, draft(hiv_twin, OPTIONS | {"fn_mask": "Mask/mask.mrc", "fn_ref": "no.mrc"}))
    assert [(problem.key, problem.message.partition(":")[0]) for problem in found.problems] == [("fn_ref", "no.mrc")]
    assert any(one.startswith("Mask/mask.mrc: ") and "will be resized" in one for one in found.warnings)
    assert found.command  # the options by themselves are all right


def test_each_problem_is_told_once(office, hiv_twin):
    office.watch(hiv_twin)
    found = checked(office, draft(hiv_twin, OPTIONS | {"do_blush": "Yes", "nr_mpi": "4"}))
    messages = [problem.message for problem in found.problems]
    assert len(messages) == len(set(messages)) == 1
    assert checked(office, draft(hiv_twin, {})).problems == checked(office, draft(hiv_twin, {}, looks=False)).problems


def test_files_are_looked_at_only_if_that_was_asked_for(office):
    found = checked(office, draft(Path("/nowhere"), looks=False))
    assert (found.problems, found.box_px, found.set_names) == ((), None, {})


def test_a_project_that_is_not_watched_is_not_found(office, project):
    elsewhere = project.parent
    assert office.refusal(lambda desk: desk.check_form(draft(elsewhere))) == "not_found"
    assert office.refusal(lambda desk: desk.browse(str(elsewhere), "", "")) == "not_found"


def test_a_form_of_a_project_that_has_vanished_says_so(office, project):
    shutil.rmtree(project)
    assert (
        checked(office, draft(project)).problems[0].message == f"{project} cannot be read (No such file or directory)."
    )


def test_a_mistake_of_the_look_is_a_warning(office, project, monkeypatch):
    def fail(*_given):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(inspector, "with_files", fail)
    found = checked(office, draft(project))
    assert found.warnings[-1] == "The inputs could not be looked at: ZeroDivisionError: by zero"


def test_a_pipe_in_the_place_of_an_input_is_told_and_not_opened(office, project):
    os.mkfifo(project / "pipe.star")
    options = {"use_direct_entries": "Yes", "in_particles": "pipe.star", "in_tomograms": "t.star", "fn_ref": "r.mrc"}
    found = checked(office, draft(project, options))
    assert ("in_particles", "pipe.star: is not a file.") in [(one.key, one.message) for one in found.problems]


def test_more_cores_and_cards_than_there_are_is_a_warning(office):
    options = OPTIONS | {"nr_mpi": "5", "nr_threads": "1000"}
    found = checked(office, draft(Path("/p"), options, looks=False, cards=2))
    assert "want 5000 cores; this machine has" in found.warnings[0]
    assert found.warnings[1].startswith("Cards wanted: 2; ")
    assert checked(office, draft(Path("/p"), options, looks=False, cards=2, place="slurm")).warnings == ()


def test_an_earlier_job_of_the_project_tells_how_long_it_takes(office, hiv_twin):
    office.watch(hiv_twin)
    # as if it had been ours: RELION's engine on one core
    options = {"sym_name": "C6", "particle_diameter": "230"}
    store = office.store
    job = store.add_job("uuid", hiv_twin, Launch(engine="relion"), options, "key", name="Refine3D/job006/")
    store.change_job(job, JobState.QUEUED)
    store.begin_attempt(job, "attempt", "{}", (), slurm=False)
    store.change_attempt("attempt", AttemptState.RUNNING, JobState.RUNNING, started=1000.0)
    store.change_attempt("attempt", AttemptState.FINISHED, JobState.FINISHED, ended=4000.0)
    asked = draft(hiv_twin, OPTIONS | {"nr_threads": "3"}, engine="relion")
    found = checked(office, asked)
    assert found.seconds == pytest.approx(1000.0)
    assert found.seconds_are_from.startswith("Refine3D/job006/, which took 50 min with 200 particles")


def test_how_long_a_continued_run_takes_is_not_told(office, hiv_twin):
    office.watch(hiv_twin)
    found = checked(office, draft(hiv_twin, {"fn_cont": "Refine3D/job009/run_it003_optimiser.star"}))
    assert (found.particles, found.seconds, found.seconds_are_from) == (200, None, "")


# --- cards ----------------------------------------------------------------------------------------------------------


def test_the_daemons_own_looks_at_cards_are_remembered(office):
    async def story(desk: Desk, parts: Parts) -> list[Any]:
        daemon = Daemon(parts, make_doers(parts, lambda: None))
        await daemon.look_at_cards()
        await desk.cards()
        await daemon.look_at_cards()
        return await desk.card_samples(0.0)

    found = office.with_desk(story)
    assert len(found) == 2
    assert found[0].time < found[1].time


# --- without a store ------------------------------------------------------------------------------------------------


def test_without_a_store_forms_are_still_checked_and_nothing_else_is_told(office):
    desk = RecoveryDesk(places(office.environ), "torn", 0.0, lambda: None)
    text = asyncio.run(desk.write_form({"sym_name": "C6"})).text
    assert asyncio.run(desk.read_form(text)).options == {"sym_name": "C6"}
    assert len(asyncio.run(desk.options())) > 60
    assert asyncio.run(desk.check_form(draft(Path("/p"), {}, looks=False))).problems != ()
    for question in (
        desk.check_form(draft(Path("/p"))), desk.files(1), desk.browse("/p", "", ""), desk.card_samples(0.0)
    ):  # fmt: skip
        with pytest.raises(Refused, match="store cannot be read"):
            asyncio.run(question)
