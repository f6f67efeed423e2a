import pytest

from halfmap.daemon.client import JobRow, JobState
from halfmap.daemon.following import all_iterations
from halfmap.tui.job.course import Course, Iteration, iterations_from
from halfmap.tui.text.story import doing, is_fine_enough, missing_for_convergence, why_not_finer

NOW = 1_000_000.0


def row(**fields) -> JobRow:
    return JobRow.model_validate(
        {"job": 1, "project": "/p", "name": "Refine3D/job001/", "state": JobState.RUNNING} | fields
    )


def course(**fields) -> Course:
    values = {
        "angular_step_deg": 3.75,
        "accuracy_rotation_deg": 3.0,
        "iterations_without_resolution_gain": 0,
        "iterations_without_assignment_changes": 0,
    }
    return Course("one", (Iteration(4, **(values | fields)),))


def test_a_running_job_tells_iteration_phase_share_and_when_it_may_end():
    told = doing(row(iteration=5, phase="expectation", fraction=0.43, ends_about=NOW + 187), NOW)
    assert told == "Iteration 5: aligning particles, 43 %; about 3 min to its end."


def test_an_iteration_that_takes_longer_than_those_before_says_so_instead_of_a_time_in_the_past():
    told = doing(row(iteration=5, phase="fsc", ends_about=NOW - 10), NOW)
    assert "longer than the ones before" in told


def test_a_job_that_has_told_nothing_yet_reads_its_input():
    assert doing(row(), NOW) == "Reading its input."


def test_a_job_that_waits_tells_its_reason():
    assert doing(row(state=JobState.QUEUED, reason="card 2 used by anna"), NOW) == "Waiting: card 2 used by anna"
    assert doing(row(state=JobState.HELD), NOW) == "Held."


def test_a_job_that_stops_tells_how_and_what_it_still_does():
    told = doing(row(state=JobState.STOPPING, reason="after this iteration", iteration=2, phase="write"), NOW)
    assert told == "Stopping: after this iteration. Iteration 2: writing files."


def test_an_end_is_told_with_its_reason():
    assert doing(row(state=JobState.FAILED, reason="the disk is full"), NOW) == "Failed: the disk is full"


@pytest.mark.parametrize(("step", "accuracy", "enough"), [(2.24, 3.0, True), (2.25, 3.0, False), (2.0, None, False)])
def test_a_step_below_three_quarters_of_the_accuracy_is_fine_enough(step, accuracy, enough):
    assert is_fine_enough(Iteration(1, angular_step_deg=step, accuracy_rotation_deg=accuracy)) is enough


@pytest.mark.parametrize(
    ("counters", "words"),
    [
        ((0, 0), "the resolution and poses are still improving"),
        ((0, 1), "the resolution is still improving"),
        ((1, 0), "poses are still improving"),
        ((1, 1), "becomes finer than 3.75° next"),
    ],
)
def test_what_keeps_the_sampling_is_told(counters, words):
    told = why_not_finer(
        course(iterations_without_resolution_gain=counters[0], iterations_without_assignment_changes=counters[1])
    )
    assert words in told


def test_a_hurried_job_does_not_wait_for_poses():
    told = why_not_finer(course(iterations_without_resolution_gain=1), ignores_poses=True)
    assert "becomes finer" in told
    assert "poses" not in missing_for_convergence(course(), ignores_poses=True)


def test_a_step_that_is_fine_enough_is_told_with_the_accuracy():
    told = why_not_finer(course(angular_step_deg=1.875, accuracy_rotation_deg=2.6))
    assert told == "Sampling stays at 1.88°: it is below 75 % of the accuracy of 2.6°, so a finer one would not help."


def test_convergence_names_everything_that_is_missing():
    told = missing_for_convergence(course())
    assert told == (
        "For convergence: a finer sampling than 3.75° (below 2.2°); an iteration without gain in resolution; "
        "an iteration in which poses come to rest."
    )


def test_nothing_is_missing_once_all_conditions_hold():
    told = missing_for_convergence(
        course(angular_step_deg=1.0, iterations_without_resolution_gain=1, iterations_without_assignment_changes=2)
    )
    assert "Nothing is missing" in told


def test_before_the_first_iteration_nothing_is_told():
    assert why_not_finer(Course()) == ""
    assert missing_for_convergence(Course()) == ""


def test_a_recorded_run_of_relion_ends_when_nothing_is_missing(hiv_twin):
    iterations = iterations_from(all_iterations(hiv_twin / "Refine3D" / "job009"))
    before_last = Course("job009", iterations[:-1])
    assert "Nothing is missing" in missing_for_convergence(before_last)
    earlier = [missing_for_convergence(Course("job009", iterations[:n])) for n in range(1, len(iterations) - 2)]
    assert all(told.startswith("For convergence:") for told in earlier)
    assert missing_for_convergence(Course("job009", iterations)).startswith("Converged")
