"""What Slurm says of a job is told in words, each state in its own, and only what is certain is concluded."""

import pytest

from halfmap.daemon.slurm_states import SlurmJob, Standing, counts, end_without_word, explanation, standing
from halfmap.daemon.slurm_words import STATES, Phase
from halfmap.daemon.state import AttemptState

ENDS = [
    "COMPLETED",
    "CANCELLED",
    "FAILED",
    "TIMEOUT",
    "NODE_FAIL",
    "PREEMPTED",
    "OUT_OF_MEMORY",
    "BOOT_FAIL",
    "DEADLINE",
]


def job(state: str, reason: str = "", **fields: object) -> SlurmJob:
    return SlurmJob(7, "u", state, reason=reason, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Resources", "waits in Slurm's queue: the cores, cards or memory that it asks for are in use (Resources)"),
        ("Priority", "waits in Slurm's queue: others come before it (Priority)"),
        (
            "QOSMaxGRESPerUser",
            "waits in Slurm's queue: a limit of its quality of service is reached (QOSMaxGRESPerUser)",
        ),
        ("AssocGrpCpuLimit", "waits in Slurm's queue: a limit of its account is reached (AssocGrpCpuLimit)"),
        ("SomethingNew", "waits in Slurm's queue: SomethingNew"),
        ("", "waits in Slurm's queue"),
    ],
)
def test_a_pending_job_says_why_with_slurms_own_word(reason, said):
    assert standing(job("PENDING", reason)) == Standing(Phase.WAITING, said)


def test_a_node_that_is_not_available_is_named_as_slurm_names_it():
    words = standing(job("PENDING", "ReqNodeNotAvail, UnavailableNodes:gpu[01-02]")).words
    assert "down, drained or reserved" in words
    assert "gpu[01-02]" in words


@pytest.mark.parametrize(
    "reason",
    [
        "JobHeldUser",
        "JobHeldAdmin",
        "launch failed requeued held",
        "launch_failed_requeued_held",
        "DependencyNeverSatisfied",
        "BadConstraints",
        "(PartitionTimeLimit)",
    ],
)
def test_a_job_that_will_not_start_by_itself_is_stuck_and_says_so(reason):
    found = standing(job("PENDING", reason))
    assert found.phase is Phase.STUCK
    assert reason in found.words
    assert found.may_run


def test_a_launch_that_failed_says_how_to_go_on():
    assert "scontrol release 7" in standing(job("PENDING", "launch failed requeued held")).words
    assert "scontrol release 7" in standing(job("SPECIAL_EXIT")).words


def test_every_state_has_words_of_its_own():
    said = {standing(job(state)).words for state in STATES}
    assert len(said) >= len(STATES) - 1  # REQUEUE and REQUEUED are one
    assert not any("{" in words for words in said)


@pytest.mark.parametrize("state", ENDS)
def test_an_end_is_an_end_and_tells_slurms_reason(state):
    found = standing(job(state, "NonZeroExitCode"))
    assert found.phase is Phase.ENDED
    assert found.words.endswith("(NonZeroExitCode)")


def test_a_running_job_names_its_node():
    assert standing(job("RUNNING", "None", node="gpu07")) == Standing(Phase.RUNNING, "runs in Slurm, on gpu07")


def test_a_job_whose_processes_are_being_removed_has_not_ended():
    assert standing(job("FAILED", flags=frozenset({"COMPLETING"}))).phase is Phase.ENDING
    assert standing(job("COMPLETING")).phase is Phase.ENDING


def test_a_job_that_goes_back_to_the_queue_waits_to_go_on():
    for again in (job("PENDING", "BeginTime", restarts=1), job("PENDING", flags=frozenset({"REQUEUED"}))):
        found = standing(again)
        assert found.phase is Phase.WAITING
        assert "to go on from its last whole iteration" in found.words
    preempted = job("PREEMPTED", flags=frozenset({"REQUEUED"}))
    assert standing(preempted).phase is Phase.WAITING


def test_a_state_that_is_not_known_is_never_taken_for_an_end():
    found = standing(job("TELEPORTING"))
    assert found.may_run
    assert "TELEPORTING" in found.words


def test_nothing_is_concluded_while_a_job_may_run_or_its_files_may_be_on_their_way():
    assert end_without_word(job("RUNNING"), has_started=True, silent_s=1e6) is None
    assert end_without_word(job("PENDING"), has_started=False, silent_s=1e6) is None
    assert end_without_word(None, has_started=True, silent_s=59.9) is None
    assert end_without_word(job("COMPLETED"), has_started=True, silent_s=59.9) is None


@pytest.mark.parametrize(
    ("found", "has_started", "state"),
    [
        (None, True, AttemptState.LOST),
        (None, False, AttemptState.NOT_STARTED),
        (job("COMPLETED"), True, AttemptState.LOST),
        (job("COMPLETED"), False, AttemptState.FAILED),
        (job("CANCELLED"), True, AttemptState.ABORTED),
        (job("CANCELLED"), False, AttemptState.ABORTED),
        (job("TIMEOUT"), True, AttemptState.FAILED),
        (job("NODE_FAIL"), True, AttemptState.FAILED),
        (job("FAILED", "BadConstraints"), False, AttemptState.FAILED),
    ],
)
def test_a_job_that_ended_without_a_word_has_the_end_that_slurm_tells(found, has_started, state):
    end = end_without_word(found, has_started, silent_s=60)
    assert end is not None
    assert end[0] is state


def test_no_end_that_only_slurm_tells_is_taken_for_success():
    ends = [end_without_word(job(state), started, 1e6) for state in STATES for started in (True, False)]
    assert AttemptState.FINISHED not in [end[0] for end in ends if end]


def test_a_shims_word_of_failure_counts_once_slurm_has_let_go_and_its_word_of_success_at_once():
    running, waiting, ended, unseen = map(standing, (job("RUNNING"), job("PENDING"), job("FAILED"), None))
    assert counts(0, running)
    assert not counts(143, running)
    assert not counts(None, waiting)
    assert counts(143, ended)
    assert counts(None, unseen)


def test_slurm_explains_an_end_only_where_it_knows_more_than_an_exit_code():
    assert "more memory" in explanation(job("OUT_OF_MEMORY"))
    assert "time limit" in explanation(job("TIMEOUT"))
    assert explanation(job("FAILED", "NonZeroExitCode")) == explanation(job("COMPLETED")) == explanation(None) == ""
