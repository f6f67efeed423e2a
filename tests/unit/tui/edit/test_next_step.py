from typing import Any

import pytest

from halfmap.daemon.client import IterationFiles, JobDetail, JobFiles, JobRow, JobState
from halfmap.tui.job.course import Iteration
from halfmap.tui.text.next_step import coarser, next_step

JOINED = IterationFiles(
    iteration=13,
    is_joined=True,
    map="/data/hiv/Refine3D/job009/run_class001.mrc",
    particles="/data/hiv/Refine3D/job009/run_data.star",
)
LAST = Iteration(12, resolution_angstrom=7.8, angular_step_deg=0.9375, local_searches=True)


def detail(resolution: float | None = 7.8, **options: str) -> JobDetail:
    given: dict[str, Any] = {"job": 2, "project": "/data/hiv", "name": "Refine3D/job009/", "state": JobState.FINISHED}
    return JobDetail(row=JobRow.model_validate(given | {"resolution_angstrom": resolution}), options=options)


def test_it_starts_from_the_finished_jobs_particles_and_map() -> None:
    step = next_step(detail(sym_name="C6"), JobFiles(iterations=(JOINED,)), (LAST,))
    assert step.options["in_optimisation"] == "Refine3D/job009/run_optimisation_set.star"
    assert step.options["fn_ref"] == "Refine3D/job009/run_class001.mrc"
    assert step.options["ref_correct_greyscale"] == "Yes"
    assert step.options["sym_name"] == "C6"


def test_direct_entries_and_what_was_gone_on_from_are_taken_back() -> None:
    before = {"use_direct_entries": "Yes", "in_particles": "a.star", "fn_img": "b.star", "fn_cont": "c_optimiser.star"}
    step = next_step(detail(**before), JobFiles(iterations=(JOINED,)), (LAST,))
    assert not before.keys() & step.options.keys()


def test_it_begins_with_local_searches_if_the_run_ended_in_them() -> None:
    files = JobFiles(iterations=(JOINED,))
    assert next_step(detail(), files, (LAST,)).options["sampling"] == "1.8 degrees"
    mine = next_step(detail(auto_local_sampling="3.7 degrees"), files, (LAST,))
    assert mine.options["sampling"] == "3.7 degrees"
    wide = Iteration(12, local_searches=False)
    assert "sampling" not in next_step(detail(), files, (wide,)).options


def test_every_option_that_was_chosen_is_told_in_words() -> None:
    step = next_step(detail(), JobFiles(iterations=(JOINED,)), (LAST,))
    told = "\n".join(step.sentences)
    for text in step.options.values():
        assert text in told
    assert "step of 0.94°" in told


def test_the_last_iteration_tells_the_resolution_where_the_row_does_not() -> None:
    step = next_step(detail(None), JobFiles(iterations=(JOINED,)), (LAST,))
    assert step.options["ini_high"] == "8"
    step = next_step(detail(None), JobFiles(iterations=(JOINED,)), ())
    assert "ini_high" not in step.options


@pytest.mark.parametrize(
    ("reached", "rounded"),
    [
        (2.3, 2.5),
        (4.0, 4.0),
        (4.1, 4.5),
        (5.2, 6.0),
        (7.8, 8.0),
        (10.0, 10.0),
        (17.2, 18.0),
        (20.5, 25.0),
        (61.0, 65.0),
    ],
)
def test_a_resolution_is_rounded_up_to_a_round_one(reached: float, rounded: float) -> None:
    assert coarser(reached) == rounded


def test_missing_final_files_are_told_and_left_empty() -> None:
    bare = JOINED.model_copy(update={"map": "", "particles": ""})
    step = next_step(detail(), JobFiles(iterations=(bare,)), (LAST,))
    assert (step.options["in_optimisation"], step.options["fn_ref"]) == ("", "")
    assert sum("missing" in one for one in step.sentences) == 2


def test_without_final_files_the_options_are_shown_as_they_were() -> None:
    step = next_step(detail(sym_name="C6"), JobFiles(iterations=(IterationFiles(iteration=3),)), ())
    assert step.options == {"sym_name": "C6"}
    assert "no final files" in step.sentences[0]


def test_files_outside_the_project_keep_their_whole_path() -> None:
    away = JOINED.model_copy(update={"map": "/scratch/run_class001.mrc"})
    step = next_step(detail(), JobFiles(iterations=(away,)), (LAST,))
    assert step.options["fn_ref"] == "/scratch/run_class001.mrc"
