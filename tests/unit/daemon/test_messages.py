"""What people are told of a job."""

import json

from halfmap.daemon.messages import message
from halfmap.daemon.records import JobRow
from halfmap.daemon.state import JobState

ROW = JobRow(
    job=17,
    project="/data/hiv",
    name="Refine3D/job012/",
    alias="capsid",
    state=JobState.FINISHED,
    attempt=2,
    started=1000.0,
    ended=8200.0,
    iteration=14,
    resolution_angstrom=3.416,
)


def row(**change: object) -> JobRow:
    return ROW.model_copy(update=change)


def test_a_finished_job_is_told_with_its_resolution():
    told = message("finished", ROW, "node1")
    assert told.subject == "job012 (capsid) finished at 3.42 Å"
    assert told.body.split("\n") == [
        "Project: /data/hiv",
        "Job: Refine3D/job012/",
        "Machine: node1",
        "State: finished",
        "Iteration: 14",
        "Resolution: 3.42 Å",
        "Attempt: 2",
        "Took: 2.0 h",
    ]


def test_a_failed_or_lost_job_is_told_with_the_reason():
    failed = row(state=JobState.FAILED, reason="exit code 3", alias="")
    assert message("failed", failed).subject == "job012 has failed: exit code 3"
    assert message("failed", row(state=JobState.LOST)).subject == "job012 (capsid) is lost"


def test_a_stall_is_told_with_who_is_silent():
    stalled = row(state=JobState.RUNNING, alarm="rank 2 silent for 9 min", alias="")
    assert message("stalled", stalled).subject == "job012 makes no progress: rank 2 silent for 9 min"


def test_a_resolution_that_was_waited_for_is_told():
    assert message("resolution", row(alias="")).subject == "job012 has reached 3.42 Å"


def test_names_cannot_forge_lines_or_control_a_terminal():
    told = message("failed", row(alias="a\r\nBcc: x@y", reason="\x1b[2J\nState: fine", state=JobState.FAILED))
    assert "\n" not in told.subject
    assert told.subject.isprintable()
    assert [line for line in told.body.split("\n") if line.startswith("State:")] == ["State: failed"]


def test_programs_get_the_job_as_json_and_chats_a_text():
    told = message("finished", ROW, "node1")
    data = json.loads(json.dumps(told.data))
    assert (data["version"], data["what"], data["host"], data["subject"]) == (1, "finished", "node1", told.subject)
    assert data["text"] == f"{told.subject}\n{told.body}"
    assert JobRow.model_validate(data["job"]) == ROW
