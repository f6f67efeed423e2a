"""``halfmap ladder``, against a daemon in memory behind a real socket, and its plan without any daemon."""

import json
from pathlib import Path

import pytest

from halfmap.commands import main
from halfmap.commands.ladder.example import EXAMPLE
from halfmap.contract.ladder_file import read_ladder
from halfmap.contract.ladder_steps import Known, all_steps
from halfmap.daemon.ladders import folder
from halfmap.daemon.state import JobState
from halfmap.engine.simulation import simulate
from tests.faults.daemon.harness import TINY
from tests.programs.test_queue_commands import Daemon, called, daemon, in_json, project, service, told

__all__ = ["daemon", "project", "service"]  # fixtures

TEXT = (
    'particles = "picks.star"\ntomograms = "tomograms.star"\nreference = "Reference/reference.mrc"\n'
    'mask = "Mask/mask.mrc"\nsymmetry = "C6"\nmask_diameter = 160\nbox_px = 96\npixel_size = 2.5\nbinnings = [2, 1]\n'
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "down.toml").write_text(TEXT)
    return tmp_path / "down.toml"


def test_the_example_is_a_ladder_that_can_be_read(capsys):
    assert called(capsys, "ladder", "--example") == EXAMPLE
    ladder = read_ladder(EXAMPLE)
    assert ladder.set_by_hand(1, "refine") == {"nr_pool": "3", "auto_faster": "Yes"}
    assert [len(rung) for rung in all_steps(ladder, Known(1.0))] == [3, 5, 5]


def test_a_plan_needs_no_daemon_and_changes_nothing(tmp_path, capsys, monkeypatch):
    root = simulate(TINY, tmp_path / "simulated").root
    (tmp_path / "down.toml").write_text(TEXT.replace("pixel_size = 2.5\n", "").replace("box_px", "box_angstrom"))
    monkeypatch.chdir(root)
    before = sorted(root.rglob("*"))
    shown = called(capsys, "ladder", "../down.toml", "--plan")
    # 96 Å are 8 px of 12 Å, which the tomograms' file tells
    assert "crop_size           4  (8 px of the tilt series at bin 2)" in shown
    assert "ini_high               ?  (as soon as bin 2 has been refined)" in shown
    assert sorted(root.rglob("*")) == before
    steps = in_json(capsys, "ladder", "../down.toml", "--plan")["steps"]
    assert [step["state"] for step in steps] == ["planned"] * len(steps)


def test_a_plan_of_a_ladder_that_has_begun_names_its_jobs(tmp_path, capsys):
    files = folder.begin(tmp_path, "down", TEXT)
    extract = all_steps(read_ladder(TEXT), Known(2.5))[0][0]
    folder.write_notes(tmp_path, "down", files.notes.queued(extract, "Extract/job007/"))
    shown = called(capsys, "ladder", "down", "--plan", "--project", f"{tmp_path}")
    assert "extract  Extract/job007" in shown
    assert "in_optimisation        Extract/job007/optimisation_set.star" in shown


def test_a_ladder_is_begun_listed_shown_stopped_and_continued(service, project, file, capsys):
    assert "hiv is watched from now on" not in called(capsys, "ladder", f"{file}", "--no-watch")
    assert [row.name for row in service._rows()] == ["Extract/job001/", "Refine3D/job002/"]
    listed = called(capsys, "ladder").splitlines()
    assert listed[0].split()[:3] == ["ladder", "project", "state"]
    assert listed[1].split()[:6] == ["down", "hiv", "running", "bin", "2", "0/8"]
    shown = called(capsys, "ladder", "down")
    assert "down is under way (bin 2, 0 of 8 steps done)" in shown
    assert "Refine3D/job002" in shown
    assert "from 60 Å, 7.5°, 5 px" in shown
    assert "down is stopped" in called(capsys, "ladder", "down", "--stop")
    assert {row.state for row in service._rows()} == {JobState.HELD}
    assert "down is under way" in called(capsys, "ladder", "down", "--continue", "--no-watch")
    assert in_json(capsys, "ladder", f"{file}")["row"]["name"] == "down"


def test_it_is_followed_to_its_end_with_a_line_for_each_change(daemon: Daemon, project, file, capsys):
    called(capsys, "ladder", f"{file}", "--no-watch")
    service = daemon.service

    def run(number: int, **figures: float) -> None:
        service.start(number)
        service.progress(number, **figures)
        service.finish(number)

    daemon.later(0.2, lambda: run(1))
    # 16 Å are 1.6 times what pixels of 5 Å allow
    daemon.later(0.4, lambda: run(2, resolution_angstrom=16.0))
    # post-processing is queued when somebody has looked at the finished refinement
    daemon.later(2.5, lambda: run(3))
    lines = called(capsys, "ladder", "down", "--watch").splitlines()
    assert lines[0].startswith("down is under way")
    assert "bin 2 refine" in lines[2]
    assert lines[-1].startswith("down is finished (bin 2, 3 of 3 steps done): ended at bin 2")
    assert any(line.split() == ["bin", "2", "refine", "Refine3D/job002", "finished", "16.00", "Å"] for line in lines)


def test_a_ladder_in_trouble_ends_the_command_with_1(daemon: Daemon, project, file, capsys):
    called(capsys, "ladder", f"{file}", "--no-watch")
    daemon.do(lambda: daemon.service.start(1))
    daemon.do(lambda: daemon.service.finish(1, JobState.FAILED, "no space"))
    assert "failed (no space)" in called(capsys, "ladder", "down", code=1)
    assert "in trouble" in called(capsys, "ladder", "down", "--watch", code=1)


def test_what_cannot_be_used_is_told_and_nothing_is_queued(service, project, file, tmp_path, capsys, monkeypatch):
    file.write_text(TEXT.replace("mask_diameter", "mask_diametre") + "[refine]\nini_hihg = 3\n")
    wrong = told(capsys, "ladder", f"{file}", code=1)
    assert "mask_diametre: there is no such entry; did you mean mask_diameter?" in wrong
    assert "mask_diametre" in told(capsys, "ladder", f"{file}", "--plan", code=1)
    assert "cannot be read" in told(capsys, "ladder", "nothing.toml", code=2)
    assert "has no ladder nothing" in told(capsys, "ladder", "nothing", "--project", "/p", code=1)
    assert "which ladder?" in told(capsys, "ladder", "--plan", code=2)
    monkeypatch.chdir(tmp_path)
    assert "is no project" in told(capsys, "ladder", f"{file}", code=2)
    assert service._rows() == []


def test_without_a_daemon_it_says_how_to_start_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HALFMAP_RUNTIME_DIR", f"{tmp_path}")
    assert main(["ladder"]) == 3
    assert "halfmap daemon start" in capsys.readouterr().err


def test_json_holds_every_option_with_its_reason(service, project, file, capsys):
    detail = json.loads(called(capsys, "ladder", f"{file}", "--json"))
    refine = next(step for step in detail["steps"] if step["step"] == "bin2.refine")
    option = next(one for one in refine["options"] if one["key"] == "ini_high")
    assert option == {"key": "ini_high", "value": "60", "why": "first_low_pass: both halves find their details alone"}
