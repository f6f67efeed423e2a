"""The commands of the queue, against a daemon in memory behind a real socket."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from halfmap.commands import COMMANDS, main
from halfmap.commands.queue.submission import begin_time
from halfmap.commands.queue.talking import Unusable
from halfmap.contract.extract_form import Extract
from halfmap.contract.job_star import write_job_star
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.fake import FakeService
from halfmap.daemon.places import Places
from halfmap.daemon.records import CardProcessRow, CardRow, HostRow
from halfmap.daemon.server import serving
from halfmap.daemon.state import JobState
from halfmap.tui.text.figures import duration
from halfmap.tui.text.plain import plain

SETS = ("--set", "in_optimisation=o.star", "--set", "fn_ref=r.mrc")
OF_THE_QUEUE = ("submit", "list", "show", "why", "hold", "release", "priority", "stop", "resume", "wait", "cards",
                "events", "metrics", "watch")  # fmt: skip


class Daemon:
    """A daemon in memory, in a thread of its own."""

    def __init__(self, where: Places) -> None:
        self.service = FakeService(now=time.time())
        self.where = where
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._ended: asyncio.Event
        self.start()

    def start(self) -> None:
        began = threading.Event()

        async def serve() -> None:
            self._ended = asyncio.Event()
            async with serving(self.service, self.where):
                began.set()
                await self._ended.wait()

        self._serving = asyncio.run_coroutine_threadsafe(serve(), self._loop)
        assert began.wait(10), self._serving.exception(0)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._serving.result(10)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, change: Callable[[], object]) -> None:
        """Change something in the daemon's own thread."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (change(), done.set()))
        assert done.wait(10)

    def later(self, seconds: float, change: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, change)


@pytest.fixture
def daemon(monkeypatch) -> Iterator[Daemon]:
    folder = Path(tempfile.mkdtemp(prefix="hm-"))
    monkeypatch.setenv("HALFMAP_RUNTIME_DIR", str(folder / "run"))
    running = Daemon(Places(folder / "run", folder / "state", folder / "daemon.toml"))
    yield running
    running.close()
    shutil.rmtree(folder)


@pytest.fixture
def service(daemon) -> FakeService:
    return daemon.service


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project, and where the commands are called."""
    folder = (tmp_path / "hiv").resolve()
    folder.mkdir()
    (folder / "default_pipeline.star").touch()
    monkeypatch.chdir(folder)
    return folder


def called(capsys, *words: str, code: int = 0) -> str:
    """Call a command, check its exit code, and give what it printed."""
    assert main(words) == code, capsys.readouterr()
    return capsys.readouterr().out


def told(capsys, *words: str, code: int) -> str:
    """Call a command, check its exit code, and give what it said on stderr."""
    assert main(words) == code
    return capsys.readouterr().err


def in_json(capsys, *words: str, code: int = 0):
    return json.loads(called(capsys, *words, "--json", code=code))


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", OF_THE_QUEUE)
def test_every_command_is_listed_and_explains_itself(command, capsys):
    assert command in COMMANDS
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert f"halfmap {command}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["list"], ["show", "1"], ["why", "1"], ["hold", "1"], ["priority", "1", "2"],
                                   ["stop", "1"], ["wait", "1"], ["cards"], ["events"], ["metrics"], ["watch", "/p"],
                                   ["submit", "--project", "/p", *SETS]])  # fmt: skip
def test_without_a_daemon_each_says_how_to_start_it_and_ends_with_3(words, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HALFMAP_RUNTIME_DIR", str(tmp_path))
    assert "start it with `halfmap daemon start`" in told(capsys, *words, code=3)


@pytest.mark.parametrize("words", [["hold"], ["priority", "1", "many"], ["priority", "1", "1001"], ["list", "--limit",
                                   "0"], ["list", "--state", "sleeping"], ["stop", "1", "--kill", "--abort"],
                                   ["events", "--since", "-1"], ["submit", "--key", ""]])  # fmt: skip
def test_what_makes_no_sense_ends_with_2(words, daemon, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2


# --- list, show, why ------------------------------------------------------------------------------------------------


def test_the_list_has_a_line_for_each_job_of_the_project_one_is_in(service, project, capsys):
    service.add_job(str(project), alias="apo")
    service.start(1, cards=("GPU-1",))
    service.progress(1, iteration=7, resolution_angstrom=8.123, accuracy_rotation_deg=1.5, alarm="rank 2 is silent")
    service.add_job("/elsewhere")
    heading, line = called(capsys, "list").splitlines()
    assert heading.split() == ["job", "project", "name", "state", "iteration", "resolution", "accuracy", "cards",
                               "elapsed", "reason"]  # fmt: skip
    for text in (
        "1 ",
        "hiv",
        "Refine3D/job001 (apo)",
        "running",
        " 7 ",
        "8.12 Å",
        "1.50 °",
        "GPU-1",
        "rank 2 is silent",
    ):
        assert text in line
    assert len(in_json(capsys, "list", "--all")) == 2


def test_outside_of_a_project_all_are_listed(service, tmp_path, monkeypatch, capsys):
    service.add_job("/a")
    service.add_job("/b")
    monkeypatch.chdir(tmp_path)
    assert [row["project"] for row in in_json(capsys, "list")] == ["/b", "/a"]
    assert [row["project"] for row in in_json(capsys, "list", "--project", "/a")] == ["/a"]


def test_the_list_is_filtered_sorted_and_paged(service, project, capsys):
    for number in range(1, 13):
        service.add_job("/p", alias=f"a{number}", state="failed" if number % 3 == 0 else "queued", priority=number)
    service.add_job("/p", kind="relion.ctffind", alias="other", followed=True)

    def listed(*words: str) -> list[int]:
        return [row["job"] for row in in_json(capsys, "list", "--all", *words)]

    assert listed("--state", "failed", "--sort", "oldest") == [3, 6, 9, 12]
    assert listed("--problems", "--limit", "2") == [12, 9]
    assert listed("--match", r"\ba1\b|a2\b") == [2, 1]
    assert listed("--match", "!a") == []
    assert listed("--other-types")[0] == 13
    assert listed("--sort", "priority", "--state", "queued", "--state", "failed")[0] == 12
    main(["list", "--all", "--limit", "5"])
    assert "7 more; --limit 12 shows them all." in capsys.readouterr().err


def test_more_than_a_page_is_listed_page_by_page(service, capsys):
    for _ in range(620):
        service.add_job("/p")
    rows = in_json(capsys, "list", "--all", "--limit", "600")
    assert [row["job"] for row in rows] == list(range(620, 20, -1))


def test_a_bad_pattern_is_refused_in_words(daemon, capsys):
    assert "'(' is no regular expression" in told(capsys, "list", "--match", "(", code=1)


@pytest.mark.parametrize("word", ["1", "job001", "Refine3D/job001", "Refine3D/job001/", "apo"])
def test_a_job_is_meant_by_number_name_folder_or_alias(word, service, project, capsys):
    service.add_job(str(project), {"sym_name": "C6"}, alias="apo")
    service.add_job("/elsewhere", alias="apo")
    assert in_json(capsys, "show", word)["row"]["job"] == 1
    text = called(capsys, "show", word)
    assert re.search(r"^name +Refine3D/job001 \(apo\)$", text, re.MULTILINE)
    assert "sym_name = C6" in text


def test_a_name_that_may_be_two_jobs_is_refused_and_one_that_is_none_too(service, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    service.add_job("/a")
    service.add_job("/b")
    assert "several jobs" in told(capsys, "show", "job001", code=1)
    assert in_json(capsys, "show", "job001", "--project", "/b")["row"]["job"] == 2
    assert "no job is called job009" in told(capsys, "show", "job009", code=1)
    assert "no job 99" in told(capsys, "show", "99", code=1)


def test_show_tells_of_each_attempt_and_how_it_was_called(service, capsys):
    service.add_job("/p")
    service.start(1)
    service.finish(1, JobState.FAILED, "exit code 3")
    text = called(capsys, "show", "1")
    assert "attempt 1" in text
    assert "failed, exit code 3, since" in text


def test_why_tells_everything_that_keeps_a_job_waiting(service, capsys):
    service.add_project("/p", trouble="its file system hangs")
    service.add_job("/p", state="held", reason="card 2 used by anna, pid 4711 cryosparc, 11.2 GB",
                    begin=time.time() + 7300)  # fmt: skip
    service.mode, service.reason = "paused", "the disk is full"
    because = in_json(capsys, "why", "1")["because"]
    assert because[0] == "card 2 used by anna, pid 4711 cryosparc, 11.2 GB"
    assert because[1:4] == [
        "the daemon is paused: the disk is full",
        "its file system hangs",
        "it is held; `halfmap release 1` lets it start",
    ]
    assert re.fullmatch(r"it is not to begin before .*, in 2:01 h", because[4])
    lines = called(capsys, "why", "1").splitlines()
    assert lines[0] == "1: Refine3D/job001 is held"
    assert [line.strip() for line in lines[1:4]] == because[:3]


# --- hold, release, priority, stop, resume --------------------------------------------------------------------------


def test_jobs_are_held_and_released_and_those_that_cannot_be_do_not_keep_the_others(service, capsys):
    for _ in range(3):
        service.add_job("/p")
    service.start(2)
    assert main(["hold", "1", "2", "3"]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["1: Refine3D/job001 is held", "3: Refine3D/job003 is held"]
    assert "Refine3D/job002/ is running" in printed.err
    assert [row["state"] for row in in_json(capsys, "release", "1", "3")] == ["queued", "queued"]


def test_a_priority_may_be_negative(service, capsys):
    service.add_job("/p")
    assert in_json(capsys, "priority", "1", "-5")[0]["priority"] == -5


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ((), "abort"),
        (("--after-iteration",), "after iteration"),
        (("--terminate",), "terminate"),
        (("--kill",), "kill"),
    ],
)
def test_a_stop_begins_at_the_rung_that_is_said(flag, words, service, capsys):
    service.add_job("/p")
    service.start(1)
    assert in_json(capsys, "stop", "1", *flag)[0]["reason"] == f"stopping ({words})"


def test_stop_can_wait_for_the_end_and_says_if_something_is_left(daemon, service, capsys):
    service.add_job("/p")
    service.add_job("/p")
    service.start(1)
    daemon.later(0.3, lambda: service.finish(1, JobState.ABORTED))
    text = called(capsys, "stop", "1", "2", "--wait")
    assert text.splitlines()[-1] == "1: Refine3D/job001 is aborted"
    service.add_job("/p")
    service.start(3)
    daemon.later(0.2, lambda: (service.progress(3, alarm="pid 7 is left"), service.finish(3, JobState.ABORTED)))
    assert "pid 7 is left" in called(capsys, "stop", "3", "--wait", code=1)


def test_what_failed_is_resumed_and_what_others_started_is_not_touched(service, capsys):
    service.add_job("/p", state="failed")
    service.add_job("/p", state="running", followed=True)
    assert in_json(capsys, "resume", "1")[0]["state"] == "queued"
    assert "started by somebody else" in told(capsys, "stop", "2", code=1)


# --- wait -----------------------------------------------------------------------------------------------------------


def test_wait_ends_with_0_when_all_have_finished_and_with_1_when_one_has_not(daemon, service, capsys):
    for _ in range(2):
        service.add_job("/p")
    service.start(1)
    service.start(2)
    service.finish(1)
    daemon.later(0.3, lambda: service.finish(2))
    assert called(capsys, "wait", "1", "2").splitlines() == [
        "1: Refine3D/job001 is finished",
        "2: Refine3D/job002 is finished",
    ]
    service.add_job("/p", state="lost")
    assert [row["state"] for row in in_json(capsys, "wait", "1", "3", code=1)] == ["finished", "lost"]


def test_wait_gives_up_after_its_time_and_tells_how_things_are(service, capsys):
    service.add_job("/p", reason="needs 3 cores, 1 free")
    start = time.monotonic()
    text = called(capsys, "wait", "1", "--timeout", "0.3", code=1)
    assert text == "1: Refine3D/job001 is queued: needs 3 cores, 1 free\n"
    assert time.monotonic() - start < 5


def test_wait_survives_a_restart_of_the_daemon(daemon, service, capsys):
    service.add_job("/p")
    service.start(1)

    def restart() -> None:
        time.sleep(0.4)
        daemon.stop()
        time.sleep(0.8)
        service.finish(1)
        daemon.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    assert main(["wait", "1"]) == 0
    restarting.join()
    printed = capsys.readouterr()
    assert printed.out == "1: Refine3D/job001 is finished\n"
    assert printed.err.count("Waiting for it.") == 1


# --- cards, events, metrics, watch ----------------------------------------------------------------------------------


def test_cards_are_listed_with_who_has_them_and_cleaned(service, capsys):
    process = CardProcessRow(process_id=4711, user="anna", command="cryosparc", memory_mb=11_469)
    figures = {"name": "H200", "memory_total_mb": 143_771, "memory_used_mb": 11_469}
    service.add_card(CardRow(uuid="GPU-a", index=0, **figures, processes=(process,), state="busy",
                             reason="used by anna, pid 4711 cryosparc, 11.2 GB", utilisation=97.0))  # fmt: skip
    service.add_card(CardRow(uuid="GPU-b", index=1, **figures, state="quarantined", reason="XID 79"))
    service.machine = HostRow(host="gpu1", cores=16, cores_leased=4, memory_mb=131_072, memory_leased_mb=2048,
                              cards_problem="one card fell off the bus")  # fmt: skip
    assert main(["cards"]) == 0
    printed = capsys.readouterr()
    assert "used by anna, pid 4711 cryosparc, 11.2 GB" in printed.out
    assert "11.2 of 140.4 GB" in printed.out
    assert "4 of 16 cores" in printed.out
    assert "one card fell off the bus" in printed.err
    assert in_json(capsys, "cards", "--clean", "GPU-b")[0]["state"] == "free"
    assert "no card has the UUID GPU-x" in told(capsys, "cards", "--clean", "GPU-x", code=1)


def test_events_are_printed_a_line_each_and_followed(service, capsys, monkeypatch):
    for _ in range(3):
        service.add_job("/p")
    service.start(2)
    lines = called(capsys, "events", "--since", "2").splitlines()
    assert [line.split()[0] for line in lines] == ["3", "4", "5"]
    assert [json.loads(line)["kind"] for line in called(capsys, "events", "--job", "2", "--json").splitlines()] == [
        "accepted",
        "starting",
        "running",
    ]
    words = [sys.executable, "-m", "halfmap.commands", "events", "--follow", "--since", "4"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().split()[0] == "5"
        process.terminate()


def test_metrics_are_printed_as_they_are(service, capsys):
    service.add_job("/p")
    assert called(capsys, "metrics") == "# TYPE halfmap_rev counter\nhalfmap_rev 1\n"
    assert in_json(capsys, "metrics") == {"halfmap_rev": 1.0}


def test_projects_are_watched_listed_and_left(service, project, capsys, tmp_path, monkeypatch):
    assert in_json(capsys, "watch")["project"] == str(project)
    (tmp_path / "link").symlink_to(project)
    assert called(capsys, "watch", str(tmp_path / "link")) == f"{project} is watched.\n"
    assert str(project) in called(capsys, "watch", "--list")
    assert in_json(capsys, "watch", "--remove") is None
    assert in_json(capsys, "watch", "--list") == []
    assert "not a watched project" in told(capsys, "watch", "--remove", code=1)


# --- submit ---------------------------------------------------------------------------------------------------------


def test_a_job_is_submitted_by_settings_alone_and_its_project_is_watched_first(service, project, capsys):
    assert main(["submit", *SETS]) == 0
    printed = capsys.readouterr()
    assert printed.out == "1: Refine3D/job001 is queued\n"
    assert f"{project} is watched from now on" in printed.err
    assert in_json(capsys, "show", "1")["options"] == {"in_optimisation": "o.star", "fn_ref": "r.mrc"}


def test_other_kinds_of_job_are_submitted_by_their_names(service, project, capsys):
    sets = ("--set", "in_optimisation=o.star", "--set", "box_size=64")
    assert called(capsys, "submit", "--kind", "extract", *sets) == "1: Extract/job001 is queued\n"
    told_of = in_json(capsys, "show", "1")
    assert (told_of["row"]["kind"], told_of["options"]["box_size"]) == ("relion.pseudosubtomo", "64")
    assert "there is no option fn_ref" in told(capsys, "submit", "--kind", "extract", "--set", "fn_ref=x", code=2)
    assert "name an optimisation set" in told(capsys, "submit", "--kind", "reconstruct", "--set", "box_size=64", code=1)


def test_a_job_star_says_its_kind_by_itself(service, project, capsys):
    write_job_star(Extract(in_optimisation="o.star"), project / "cut.star")
    assert called(capsys, "submit", "cut.star", "--set", "binning=2") == "1: Extract/job001 is queued\n"
    assert in_json(capsys, "show", "1")["options"] == {"in_optimisation": "o.star", "binning": "2"}
    assert "is of a relion.pseudosubtomo job" in told(capsys, "submit", "cut.star", "--kind", "refine", code=2)


def test_where_no_project_is_one_has_to_be_named(daemon, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "say --project DIR" in told(capsys, "submit", *SETS, code=2)
    assert in_json(capsys, "submit", *SETS, "--project", ".")["project"] == str(tmp_path.resolve())


def test_everything_about_the_launch_arrives(service, project, capsys):
    service.add_job(str(project), alias="first")
    service.add_job(str(project))
    begin = time.time() + 7200
    row = in_json(capsys, "submit", *SETS, "--engine", "relion", "--cards", "2", "--memory-mb", "900", "--priority",
                  "-3", "--hold", "--begin", "+2h", "--after", "first", "2", "--on", "slurm:gpu", "--alias", "mine",
                  "--notify-at", "7.5")  # fmt: skip
    assert (row["state"], row["alias"], row["priority"]) == ("held", "mine", -3)
    launch = in_json(capsys, "show", "mine")["launch"]
    assert launch.pop("begin") == pytest.approx(begin, abs=30)
    assert launch == {
        "engine": "relion",
        "cards": 2,
        "memory_mb": 900,
        "priority": -3,
        "hold": True,
        "after": ["Refine3D/job001/", "Refine3D/job002/"],
        "place": "slurm:gpu",
        "notify_at_angstrom": 7.5,
    }


def test_the_options_of_a_job_star_are_taken_and_settings_overrule_them(service, project, capsys):
    write_job_star(Refine3D(in_optimisation="o.star", fn_ref="r.mrc", nr_mpi=5, sym_name="C3"), project / "my.star")
    text = (project / "my.star").read_text().replace("sym_name", "no_such_option    1\nsym_name")
    (project / "my.star").write_text(text)
    assert main(["submit", "my.star", "--set", "sym_name=C6", "--json"]) == 0
    printed = capsys.readouterr()
    assert "no_such_option; left out" in printed.err
    options = in_json(capsys, "show", "1")["options"]
    assert options == {"in_optimisation": "o.star", "fn_ref": "r.mrc", "nr_mpi": "5", "sym_name": "C6"}


def test_what_is_wrong_with_a_job_star_is_told_all_at_once(daemon, project, capsys):
    write_job_star(Refine3D(nr_mpi=4), project / "my.star")
    error = told(capsys, "submit", "my.star", code=1)
    for key in ("in_optimisation", "fn_ref", "nr_mpi"):
        assert f"({key})" in error
    (project / "my.star").write_text("data_\n_nothing 1\n")
    assert "my.star" in told(capsys, "submit", "my.star", code=1)


def test_a_text_that_cannot_be_read_is_no_problem_once_it_is_overruled(daemon, project, capsys):
    write_job_star(Refine3D(in_optimisation="o.star", fn_ref="r.mrc"), project / "my.star")
    text = re.sub(r"(nr_mpi\s+)\S+", r"\1many", (project / "my.star").read_text())
    (project / "my.star").write_text(text)
    assert "(nr_mpi) is 'many'" in told(capsys, "submit", "my.star", code=1)
    assert in_json(capsys, "submit", "my.star", "--set", "nr_mpi=3")["state"] == "queued"


def test_a_file_that_contradicts_itself_about_continuing_is_refused_until_it_is_settled(daemon, project, capsys):
    write_job_star(Refine3D(in_optimisation="o.star", fn_ref="r.mrc"), project / "my.star", is_continue=True)
    assert "fn_cont" in told(capsys, "submit", "my.star", code=1)
    assert in_json(capsys, "submit", "my.star", "--set", "fn_cont=run_it003_optimiser.star")["state"] == "queued"
    assert in_json(capsys, "show", "1")["options"]["fn_cont"] == "run_it003_optimiser.star"


def test_a_job_folder_is_queued_as_it_is_from_wherever_one_is(service, project, tmp_path, monkeypatch, capsys):
    folder = project / "Refine3D" / "job001"
    folder.mkdir(parents=True)
    service.add_job(str(project), {"sym_name": "C6"}, state="scheduled", followed=True)
    assert "has no job.star" in told(capsys, "submit", "Refine3D/job001", code=1)
    (folder / "job.star").touch()
    monkeypatch.chdir(tmp_path)
    row = in_json(capsys, "submit", str(folder))
    assert (row["name"], row["state"], row["followed"]) == ("Refine3D/job001/", "queued", False)
    assert "leave --set out" in told(capsys, "submit", str(folder), *SETS, code=2)
    assert "no job folder of" in told(capsys, "submit", str(folder), "--project", str(tmp_path), code=2)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--set", "symname=C6"], "sym_name?"),
        (["--set", "sym_name"], "write key=value"),
        (["--on", "slurm:a;b"], "--on slurm:a;b"),
        (["--cards", "-1"], "--cards -1"),
        (["--notify-at", "0"], "--notify-at 0"),
        (["--begin", "tomorrow"], "--begin tomorrow"),
        (["no_such.star"], "neither a job.star nor a job folder"),
    ],
)
def test_what_cannot_be_used_is_named_and_ends_with_2(words, what, daemon, project, capsys):
    assert what in told(capsys, "submit", *words, code=2)
    assert in_json(capsys, "list") == []


def test_a_job_waits_only_for_jobs_of_its_own_project(service, project, capsys):
    service.add_job("/elsewhere")
    assert "only for jobs of its own project" in told(capsys, "submit", *SETS, "--after", "1", code=2)


def test_with_the_same_key_a_job_is_queued_once(daemon, project, capsys):
    first = in_json(capsys, "submit", *SETS, "--key", "run 7")
    assert in_json(capsys, "submit", *SETS, "--key", "run 7") == first
    assert len(in_json(capsys, "list")) == 1


def test_a_job_that_fails_at_once_ends_with_1(service, project, capsys):
    submit = service.submit

    async def failing(submission, key):
        row = await submit(submission, key)
        return row.model_copy(update={"state": JobState.FAILED, "reason": "the alias holds ';'"})

    service.submit = failing
    assert "is failed: the alias holds ';'" in called(capsys, "submit", *SETS, code=1)


def test_submit_can_wait_for_the_end(daemon, service, project, capsys):
    daemon.later(0.8, lambda: service.start(1))
    daemon.later(1.0, lambda: service.finish(1, JobState.FAILED, "exit code 2"))
    assert called(capsys, "submit", *SETS, "--wait", code=1) == "1: Refine3D/job001 is failed: exit code 2\n"


NOON = datetime(2026, 7, 1, 12, 0).timestamp()


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("+2h", NOON + 7200),
        ("+1.5h", NOON + 5400),
        ("+1d2h30m", NOON + 95_400),
        ("+90s", NOON + 90),
        ("20:00", NOON + 8 * 3600),
        ("11:59", NOON + 24 * 3600 - 60),
        ("2026-07-01T20:00", NOON + 8 * 3600),
        ("2026-07-01T20:00Z", 1_782_936_000.0),
    ],
)
def test_a_time_to_begin_is_a_date_an_hour_or_a_delay(text, then):
    assert begin_time(text, NOON) == then


@pytest.mark.parametrize("text", ["", "+", "2h", "+2", "+-2h", "24:00", "-1:00", "0001-01-01", "+2h+2h"])
def test_other_times_are_refused(text):
    with pytest.raises(Unusable, match="--begin"):
        begin_time(text, NOON)


# --- the terminal ---------------------------------------------------------------------------------------------------

TITLE = "\x1b]0;owned\x07"
EVIL = f"{TITLE}\x9b31m\r\nnext\u202e\u2028[red]"


def test_control_characters_are_replaced_and_letters_are_not():
    assert plain(TITLE) == "\ufffd]0;owned\ufffd"
    assert plain("4.1 Å, 0.9° — σ 日本") == "4.1 Å, 0.9° — σ 日本"
    assert plain("a\x00b\x7fc\ud800") == "a\ufffdb\ufffdc\ufffd"


@pytest.mark.parametrize(
    "words",
    [["list", "--all"], ["show", "1"], ["why", "1"], ["events"], ["wait", "1", "--timeout", "0.05"], ["hold", "2"],
     ["resume", "2"], ["cards"], ["watch", "--list"]],
)  # fmt: skip
@pytest.mark.parametrize("ending", [[], ["--json"]])
def test_no_command_sends_the_terminal_what_somebody_has_put_into_a_name(words, ending, service, capsys):
    service.add_project("/p", trouble=EVIL)
    service.add_job("/p", {"other_args": EVIL}, name=EVIL, alias=EVIL, reason=EVIL, alarm=EVIL)
    service.add_job("/p", name=EVIL, alias=EVIL, state="running", reason=EVIL)
    service.add_card(CardRow(uuid="GPU-1", index=0, name=EVIL, memory_total_mb=1, memory_used_mb=0, reason=EVIL))
    main([*words, *ending])
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert all(one.isprintable() or one == "\n" for one in text)
        assert "\nnext" not in text


def test_square_brackets_in_names_are_no_markup(service, capsys):
    service.add_job("/p", alias="[bold]x[/nonsense]")
    assert "([bold]x[/nonsense])" in called(capsys, "list", "--all")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (-3, "0 s"), (59.4, "59 s"), (187, "3:07 min"), (7800, "2:10 h"), (273_600, "3 d 4 h")],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text


def test_a_command_that_is_interrupted_ends_with_130(service):
    service.add_job("/p")
    # a shell that starts the tests in the background lets them, and what they start, ignore the signal
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen([sys.executable, "-m", "halfmap.commands", "wait", "1"], env=os.environ)
    finally:
        signal.signal(signal.SIGINT, before)
    time.sleep(2)
    process.send_signal(2)
    assert process.wait(10) == 130
