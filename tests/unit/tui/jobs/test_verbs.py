import pytest

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.screens.stop import mode_of
from halfmap.tui.verbs import BY_NAME, HOLD, NEXT, RAISE, RELEASE, RESUME, STOP, VERBS, allowed, named


def row(**fields: object) -> JobRow:
    given = {"job": 7, "project": "/data/hiv", "name": "Refine3D/job012/", "state": JobState.RUNNING}
    return JobRow.model_validate(given | fields)


@pytest.mark.parametrize(
    ("verb", "states"),
    [
        (HOLD, "queued"),
        (RELEASE, "held"),
        (RAISE, "preparing queued held"),
        (STOP, "queued held starting running stopping"),
        (RESUME, "failed aborted lost"),
        (NEXT, "finished"),
    ],
)
def test_a_verb_is_for_its_states_and_refused_in_words_in_all_others(verb: object, states: str) -> None:
    for state in JobState:
        refusal = verb.refusal(row(state=state))  # type: ignore[attr-defined]
        if state.value in states.split():
            assert refusal == ""
        else:
            assert refusal.startswith(f"Refine3D/job012 is {state}; ")


def test_what_others_started_is_never_changed_but_may_be_copied() -> None:
    theirs = row(followed=True, state=JobState.QUEUED)
    for verb in VERBS:
        assert bool(verb.refusal(theirs)) == (verb.name not in ("edit",)), verb.name


def test_a_job_that_stalls_can_go_on_though_it_runs() -> None:
    assert RESUME.refusal(row())
    assert not RESUME.refusal(row(alarm="rank 2 is silent"))


def test_jobs_are_parted_into_those_that_a_verb_is_for_and_reasons_why_not() -> None:
    able, refusals = allowed(HOLD, [row(job=1, state=JobState.QUEUED), row(job=2)])
    assert [one.job for one in able] == [1]
    assert refusals == ("Refine3D/job012 is running; only a queued job can be held.",)


def test_keys_and_names_are_those_of_one_verb_each() -> None:
    assert len({verb.key for verb in VERBS}) == len(BY_NAME) == len(VERBS)


def test_several_jobs_are_counted_and_a_very_long_name_is_cut() -> None:
    assert named([row(), row()]) == "2 jobs"
    assert named([row(alias="x" * 300)]).endswith("…")
    assert len(named([row(alias="x" * 300)])) == 60


def test_the_letters_of_the_ladder_are_its_rungs() -> None:
    assert [mode_of(letter) for letter in "iatk"] == ["after_iteration", "abort", "terminate", "kill"]
