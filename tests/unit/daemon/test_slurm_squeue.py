"""Answers of squeue, as its versions give them, are read alike; what is no answer is never taken for an empty one."""

import json

import pytest

from halfmap.daemon.slurm_squeue import Unreadable, read_json, read_text
from halfmap.daemon.slurm_states import SlurmJob

PLAIN = {
    "job_id": 41,
    "name": "hm-8d1c",
    "job_state": "RUNNING",
    "state_reason": "None",
    "state_description": "",
    "restart_cnt": 0,
    "nodes": "gpu07",
    "start_time": 1795535573,
}
"""As 22.05 and 23.02 (v0.0.38, v0.0.39) have it."""

NUMBER = {"set": True, "infinite": False, "number": 0}
LISTED = {
    **PLAIN,
    "job_state": ["RUNNING"],
    "restart_cnt": 0,
    "start_time": NUMBER | {"number": 1795535573},
}
"""As 23.11 to 25.05 (v0.0.40 to v0.0.43) have it."""


def answer(*jobs: dict, errors: list | None = None) -> str:
    return json.dumps({"meta": {}, "errors": errors or [], "jobs": list(jobs)})


@pytest.mark.parametrize("entry", [PLAIN, LISTED, LISTED | {"restart_cnt": NUMBER, "job_id": NUMBER | {"number": 41}}])
def test_old_and_new_answers_are_read_alike(entry):
    expected = SlurmJob(41, "8d1c", "RUNNING", node="gpu07", starts=1795535573, restarts=0)
    assert read_json(answer(entry)) == [expected]


def test_flags_stand_beside_the_state():
    (found,) = read_json(answer(LISTED | {"job_state": ["PENDING", "REQUEUED"], "restart_cnt": NUMBER | {"number": 2}}))
    assert (found.state, found.flags, found.restarts) == ("PENDING", frozenset({"REQUEUED"}), 2)
    assert found.was_requeued


def test_a_description_takes_the_place_of_the_reason_as_squeue_shows_it():
    (found,) = read_json(
        answer(PLAIN | {"state_reason": "JobHeldAdmin", "state_description": "launch failed requeued held"})
    )
    assert found.reason == "launch failed requeued held"


def test_a_time_that_is_not_set_is_none():
    unset = {"set": False, "infinite": False, "number": 0}
    for value in (0, None, unset, {"set": True, "infinite": True, "number": 0}):
        (found,) = read_json(answer(LISTED | {"start_time": value}))
        assert found.starts is None


def test_jobs_of_others_are_passed_over():
    assert read_json(answer(PLAIN | {"name": "train"}, PLAIN | {"name": "hm"})) == []


def test_an_answer_without_jobs_that_names_an_error_is_no_answer():
    error = {"description": "Failed while looking for jobs", "error_number": -1, "source": "slurm_load_jobs"}
    with pytest.raises(Unreadable, match="slurm_load_jobs: Failed while looking for jobs"):
        read_json(answer(errors=[error]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "slurm_load_jobs error",
        "[]",
        '{"jobs": 3}',
        "{}",
        answer({"name": "hm-1"}),
        answer(PLAIN | {"job_state": []}),
    ],
)
def test_what_is_no_answer_is_refused(text):
    with pytest.raises(Unreadable, match="squeue --json answered"):
        read_json(text)


def test_lines_are_read_where_there_is_no_json():
    held = "7|hm-a|PENDING|N/A||ReqNodeNotAvail|May be reserved\n"
    text = held + "8|other|RUNNING|5|n|None\n" + "9|hm-b|RUNNING|1795535573|n1|None\n"
    assert read_text(text) == [
        SlurmJob(7, "a", "PENDING", reason="ReqNodeNotAvail|May be reserved"),
        SlurmJob(9, "b", "RUNNING", node="n1", starts=1795535573),
    ]


@pytest.mark.parametrize("text", ["7|hm-a|PENDING\n", "x|hm-a|PENDING|N/A||None\n", "squeue: no\n"])
def test_lines_that_are_none_are_refused(text):
    with pytest.raises(Unreadable, match="squeue answered"):
        read_text(text)
