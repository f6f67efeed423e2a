"""Attempts are put into Slurm's queue once, whatever Slurm's programs answer; here these are small scripts."""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from halfmap.daemon.slurm_programs import SlurmRefused, SlurmUnavailable
from halfmap.daemon.slurm_queue import LOCK, SlurmQueue
from halfmap.daemon.slurm_script import BadTemplate

PROGRAM = """#!{python} -IS
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
name = pathlib.Path(__file__).name
with (here / "calls").open("a") as calls:
    print(json.dumps([name, *sys.argv[1:]]), file=calls)
if name == "sbatch":
    (here / "cwd").write_text(os.getcwd())
    (here / "environ").write_text(json.dumps(dict(os.environ)))
    while (here / "wait").exists():
        time.sleep(0.01)
answers = json.loads((here / f"{{name}}.json").read_text())
code, out, err = answers.pop(0) if len(answers) > 1 else answers[0]
(here / f"{{name}}.json").write_text(json.dumps(answers))
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""

DOWN = (1, "", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n")


class Slurm:
    """Slurm's programs, which answer what the test says: the last answer again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("sbatch", "squeue", "scancel"):
            (folder / name).write_text(PROGRAM.format(python=sys.executable))
            (folder / name).chmod(0o755)
            self.answers(name, (0, "", ""))
        self.attempt = folder / "attempt-001"
        self.attempt.mkdir()
        self.script = self.attempt / "batch.sh"
        self.script.write_text("#!/bin/sh\n")
        self.queue = SlurmQueue({"PATH": str(folder)}, ("--account=lab",))

    def answers(self, name: str, *answers: tuple[int, str, str]) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(answers))

    def calls(self, name: str) -> list[list[str]]:
        calls = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        return [call[1:] for call in calls if call[0] == name]

    def submit(self) -> int | None:
        return self.queue.submit("8d1c", self.script, self.folder)


@pytest.fixture
def slurm(tmp_path: Path) -> Slurm:
    return Slurm(tmp_path / "slurm")


def test_a_submission_gives_the_number_that_sbatch_replied(slurm):
    slurm.answers("sbatch", (0, "41\n", ""))
    assert slurm.submit() == 41
    assert slurm.calls("sbatch") == [
        ["--parsable", "--account=lab", "--job-name=hm-8d1c", "--comment=halfmap:8d1c", str(slurm.script)]
    ]
    assert (slurm.folder / "cwd").read_text() == str(slurm.folder)


def test_a_number_may_come_with_its_cluster(slurm):
    slurm.answers("sbatch", (0, "41;north\n", ""))
    assert slurm.submit() == 41


def test_what_is_in_the_queue_already_is_not_submitted_again(slurm):
    slurm.answers("squeue", (0, "40\n", ""))
    assert slurm.submit() == 40
    assert slurm.calls("sbatch") == []
    (look,) = slurm.calls("squeue")
    assert {"--states=all", "--name=hm-8d1c", f"--user={os.getuid()}"} <= set(look)


@pytest.mark.parametrize("name", ["shim.json", "exit.json"])
def test_what_has_run_and_was_forgotten_by_slurm_is_not_submitted_again(slurm, name):
    (slurm.attempt / name).write_text("{}")
    assert slurm.submit() is None
    assert slurm.calls("sbatch") == []


def test_nothing_is_submitted_while_the_queue_cannot_be_seen(slurm):
    slurm.answers("squeue", DOWN)
    with pytest.raises(SlurmUnavailable, match=r"squeue: .*Unable to contact slurm controller"):
        slurm.submit()
    assert slurm.calls("sbatch") == []


def test_a_submission_whose_answer_was_lost_is_found_in_the_queue(slurm):
    slurm.answers("squeue", (0, "", ""), (0, "41\n", ""))
    slurm.answers("sbatch", (1, "", "sbatch: error: Batch job submission failed: Socket timed out on send/recv\n"))
    assert slurm.submit() == 41
    assert len(slurm.calls("sbatch")) == 1


def test_a_submission_that_failed_for_now_is_told_as_such(slurm):
    slurm.answers("sbatch", (1, "", "sbatch: error: Batch job submission failed: Unable to contact slurm controller\n"))
    with pytest.raises(SlurmUnavailable, match="Batch job submission failed"):
        slurm.submit()


def test_a_refusal_has_slurms_words(slurm):
    slurm.answers("sbatch", (1, "", "sbatch: error: invalid partition specified: nope\nsbatch: error: No.\n"))
    with pytest.raises(SlurmRefused, match=r"^sbatch: invalid partition specified: nope; No\.$"):
        slurm.submit()


@pytest.mark.parametrize("reply", ["", "Submitted batch job 41\n", "41 42\n", "41;a b\n", "-1\n", "4" * 11])
def test_a_reply_that_is_no_number_is_not_believed(slurm, reply):
    slurm.answers("sbatch", (0, reply, ""))
    with pytest.raises(SlurmUnavailable, match="where the number of a job was asked for"):
        slurm.submit()


def test_no_other_submission_is_made_while_one_may_be_on_its_way(slurm):
    with (slurm.attempt / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(SlurmUnavailable, match=r"an earlier sbatch .* is still on its way"):
            slurm.submit()
    slurm.answers("sbatch", (0, "41\n", ""))
    assert slurm.submit() == 41


def test_an_sbatch_that_outlives_a_killed_daemon_is_waited_for(slurm):
    slurm.answers("squeue", (0, "", ""), (0, "41\n", ""))
    slurm.answers("sbatch", (0, "41\n", ""))
    (slurm.folder / "wait").touch()
    daemon = os.fork()
    if daemon == 0:
        slurm.submit()
        os._exit(0)
    while not (slurm.folder / "calls").exists() or not slurm.calls("sbatch"):
        time.sleep(0.01)
    os.kill(daemon, signal.SIGKILL)
    os.waitpid(daemon, 0)
    with pytest.raises(SlurmUnavailable, match="still on its way"):
        slurm.submit()
    (slurm.folder / "wait").unlink()
    assert _patiently(slurm.submit) == 41
    assert len(slurm.calls("sbatch")) == 1


def _patiently(submit: Callable[[], int | None]) -> int | None:
    for _ in range(500):
        try:
            return submit()
        except SlurmUnavailable:
            time.sleep(0.01)
    return None


def test_a_machine_without_slurm_says_so(tmp_path):
    queue = SlurmQueue({"PATH": str(tmp_path)})
    with pytest.raises(SlurmUnavailable, match="squeue is not on the PATH"):
        queue.find("8d1c")
    with pytest.raises(SlurmRefused, match="scancel is not on the PATH"):
        queue.cancel("8d1c")


def test_programs_get_only_what_they_need_of_the_environment(slurm):
    environ = {
        "PATH": str(slurm.folder),
        "SLURM_CONF": "/etc/slurm.conf",
        "SLURM_JOB_ID": "7",
        "SBATCH_JOB_NAME": "x",
        "SECRET": "1",
    }
    slurm.answers("sbatch", (0, "41\n", ""))
    SlurmQueue(environ).submit("8d1c", slurm.script, slurm.folder)
    got = json.loads((slurm.folder / "environ").read_text())
    assert got.keys() - {"LC_CTYPE"} == {"PATH", "SLURM_CONF", "SLURM_TIME_FORMAT", "LC_ALL"}


def test_all_jobs_are_looked_at_with_one_call(slurm):
    jobs = [
        {"job_id": number, "name": name, "job_state": "PENDING", "state_reason": "Priority"}
        for number, name in ((7, "hm-a"), (9, "hm-a"), (8, "hm-b"), (5, "hm-c"), (6, "train"))
    ]
    slurm.answers("squeue", (0, json.dumps({"errors": [], "jobs": jobs}), ""))
    seen = slurm.queue.look(["a", "b", "z"])
    assert {uuid: job.id for uuid, job in seen.items()} == {"a": 7, "b": 8}
    assert len(slurm.calls("squeue")) == 1


def test_without_attempts_slurm_is_not_asked(slurm):
    assert slurm.queue.look([]) == {}
    assert not (slurm.folder / "calls").exists()


def test_lines_are_asked_for_where_squeue_has_no_json_and_from_then_on(slurm):
    no_json = (1, "", "squeue: unrecognized option '--json'\n")
    slurm.answers("squeue", no_json, (0, "7|hm-a|PENDING|N/A||Priority\n", ""))
    for _again in range(2):
        assert slurm.queue.look(["a"])["a"].reason == "Priority"
    assert [("--json" in call) for call in slurm.calls("squeue")] == [True, False, False]


def test_jobs_are_not_taken_for_gone_while_slurm_does_not_answer(slurm):
    error = {"source": "slurm_load_jobs", "description": "Failed while looking for jobs"}
    for answer in (DOWN, (0, json.dumps({"errors": [error], "jobs": []}), ""), (0, "", "")):
        slurm.answers("squeue", answer)
        with pytest.raises(SlurmUnavailable):
            slurm.queue.look(["a"])


def test_jobs_are_cancelled_and_signalled_by_name(slurm):
    slurm.queue.cancel("8d1c")
    slurm.queue.signal("8d1c", "TERM")
    cancel, signal = slurm.calls("scancel")
    assert cancel == [f"--user={os.getuid()}", "--name=hm-8d1c"]
    assert {"--name=hm-8d1c", "--signal=TERM", "--batch"} <= set(signal)


def test_a_name_that_would_mean_other_jobs_is_refused(slurm):
    for uuid in ("", "a,b", "a b", "*", "a" * 65):
        with pytest.raises(ValueError, match="is not a UUID"):
            slurm.queue.cancel(uuid)


def test_options_that_would_lose_the_job_are_refused():
    with pytest.raises(BadTemplate, match="--array=1-3"):
        SlurmQueue({}, ("--array=1-3",))
