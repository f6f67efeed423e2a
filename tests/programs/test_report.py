"""``halfmap report`` and ``halfmap show --chart``: against a daemon in memory, and against a real one."""

import asyncio
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from halfmap.commands import main
from halfmap.commands.demo.running import own_daemon
from halfmap.daemon.client import JobQuery, connect
from halfmap.daemon.fake import FakeService
from halfmap.tui.demo import Demo
from tests.programs.test_queue_commands import Daemon, called, daemon, service, told

__all__ = ["daemon", "service"]

PIPELINE = """
# version 50001

data_pipeline_general

_rlnPipeLineJobCounter                      10


# version 50001

data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
_rlnPipeLineProcessTypeLabel #3
_rlnPipeLineProcessStatusLabel #4
Refine3D/job009/       None relion.refine3d.tomo    Succeeded

"""
NOW = 1_800_000_000.0
GLOBAL = 2
COPIED = (
    "local_optimisation_set.star",
    "picks_local.star",
    "tomograms.star",
    "Reconstruct/job005/merged.mrc",
    "Refine3D/job009",
)


@pytest.fixture
def demo(daemon: Daemon, tmp_path: Path, monkeypatch) -> Demo:
    """The demonstration behind a socket; commands are called in a folder of their own."""
    made = Demo(NOW, tmp_path / "demo")
    daemon.stop()
    daemon.service = made.service
    daemon.start()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return made


# --- report ---------------------------------------------------------------------------------------------------------


def test_a_report_is_written_under_the_jobs_name(demo: Demo, capsys) -> None:
    printed = called(capsys, "report", f"{GLOBAL}")
    assert re.fullmatch(r"Refine3D_job011\.html: [0-9]+ kB\n", printed)
    text = Path("Refine3D_job011.html").read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "final resolution 11.27 Å" in text
    assert [path.name for path in Path().iterdir()] == ["Refine3D_job011.html"]


def test_a_file_is_replaced_only_when_that_is_said(demo: Demo, capsys) -> None:
    Path("mine.html").write_text("precious")
    assert "mine.html is there already" in told(capsys, "report", "2", "--output", "mine.html", code=2)
    assert Path("mine.html").read_text() == "precious"
    told_so = json.loads(called(capsys, "report", "2", "--output", "mine.html", "--overwrite", "--json"))
    assert told_so == {"file": "mine.html", "bytes": Path("mine.html").stat().st_size}


def test_what_cannot_be_written_leaves_nothing_behind(demo: Demo, capsys, monkeypatch) -> None:
    assert "no is not there" in told(capsys, "report", "2", "--output", "no/mine.html", code=2)
    assert "is a folder" in told(capsys, "report", "2", "--output", ".", code=2)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "mine.html cannot be written: No space left" in told(capsys, "report", "2", "--output", "mine.html", code=1)
    assert list(Path().iterdir()) == []


def test_hostile_names_make_a_harmless_file_name(service: FakeService, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    service.add_job("/p", name="Refine3D/../../\x1b[31m<b>" + "x" * 300 + "/")
    called(capsys, "report", "1")
    (written,) = tmp_path.glob("*.html")
    assert written.name == "Refine3D_.._..___31m_b_" + "x" * 77 + ".html"


def test_jobs_without_iterations_have_no_report(service: FakeService, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    service.add_job("/p", name="Extract/job004/", kind="relion.pseudosubtomo")
    assert "Extract/job004 is no refinement" in told(capsys, "report", "1", code=2)
    assert not any(tmp_path.iterdir())


def test_a_job_that_is_not_known_and_a_daemon_that_is_away_are_told(demo: Demo, daemon: Daemon, capsys) -> None:
    assert "there is no job 99" in told(capsys, "report", "99", code=1)
    daemon.do(lambda: setattr(demo.service, "away", "gone"))
    assert told(capsys, "report", "2", code=1)
    assert list(Path().iterdir()) == []


# --- show --chart ---------------------------------------------------------------------------------------------------


def test_a_chart_in_a_pipe_is_plain_text_of_100_columns(demo: Demo, capsys) -> None:
    lines = called(capsys, "show", "2", "--chart", "resolution").splitlines()
    assert len(lines) == 18
    assert max(map(len, lines)) == 100
    assert "\x1b" not in "".join(lines)
    assert lines[0].startswith("Resolution (Å)")
    assert any("Nyquist" in line for line in lines)
    assert "⣀" in "".join(lines)


def test_all_charts_can_be_drawn_in_ascii_and_in_fewer_rows(demo: Demo, capsys) -> None:
    printed = called(capsys, "show", "2", "--chart", "all", "--ascii", "--height", "9")
    assert printed.isascii()
    charts = printed.split("\n\n")
    for title in ("Resolution (A)", "Angles (deg)", "FSC", "Changes of poses", "Time (min)"):
        assert any(chart.startswith(title) for chart in charts)
    assert called(capsys, "show", "2", "--chart", "fsc", "--height", "9").count("\n") == 9


def test_where_the_locale_is_not_utf_8_charts_are_ascii_by_themselves(demo: Demo, capsys, monkeypatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert called(capsys, "show", "2", "--chart", "accuracy").isascii()


def test_an_iteration_can_be_looked_at(demo: Demo, capsys) -> None:
    assert "iteration 3" in called(capsys, "show", "2", "--chart", "fsc", "--iteration", "3")
    error = told(capsys, "show", "2", "--chart", "fsc", "--iteration", "77", code=2)
    assert "iteration 77 is not finished; 1 to 13 are." in error
    assert "none is" in told(capsys, "show", "7", "--chart", "fsc", "--iteration", "1", code=2)


def test_a_job_without_iterations_says_so_in_its_chart(demo: Demo, capsys) -> None:
    assert "no iteration" in called(capsys, "show", "7", "--chart", "resolution")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--iteration", "3"], "--iteration goes with --chart"),
        (["--ascii"], "--ascii goes with --chart"),
        (["--chart", "fsc", "--json"], "leave it out"),
        (["--chart", "fsc", "--height", "2"], "give 4 to 200 rows"),
    ],
)
def test_options_without_an_effect_are_refused(words: list[str], what: str, demo: Demo, capsys) -> None:
    assert what in told(capsys, "show", "2", *words, code=2)


def test_on_a_terminal_a_chart_is_as_wide_as_it_and_has_colours(demo: Demo) -> None:
    ours, theirs = pty.openpty()
    environ = os.environ | {"COLUMNS": "60", "TERM": "xterm-256color"}
    words = [sys.executable, "-m", "halfmap.commands", "show", "2", "--chart", "resolution"]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                printed += os.read(ours, 65536)
            except OSError:
                break
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[" in printed
    lines = re.sub(r"\x1b\[[0-9;]*m", "", printed.decode()).splitlines()
    assert max(len(line.rstrip()) for line in lines) == 60


# --- a real daemon --------------------------------------------------------------------------------------------------


def test_relions_own_job_is_reported_by_a_real_daemon(hiv_twin: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    project = tmp_path / "twin"
    for name in COPIED:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (hiv_twin / name).is_dir() else shutil.copyfile
        copy(hiv_twin / name, project / name)
    (project / "default_pipeline.star").write_text(PIPELINE)
    monkeypatch.chdir(project)
    with own_daemon(os.environ, 0) as environ:
        monkeypatch.setattr(os, "environ", environ)
        job = asyncio.run(_followed(environ, project))
        assert main(["report", f"{job}", "--output", f"{tmp_path / 'r.html'}"]) == 0
        capsys.readouterr()
        assert main(["show", f"{job}", "--chart", "resolution", "--ascii"]) == 0
        assert "17.2" in capsys.readouterr().out
    text = (tmp_path / "r.html").read_text()
    for words in ("RELION 5.0.1", "200 particles", "It converged after", "final resolution 17.15 Å", "vm"):
        assert words in text
    assert text.count("<svg") >= 9


async def _followed(environ: dict[str, str], project: Path) -> int:
    """Watch a project, and wait until its job is known."""
    async with connect(environ) as client:
        await client.watch(str(project), f"{uuid.uuid4()}")
        until = time.monotonic() + 20
        while time.monotonic() < until:
            rows = (await client.jobs(JobQuery())).jobs
            if rows:
                return rows[0].job
            await asyncio.sleep(0.1)
    raise AssertionError("the job was not followed")
