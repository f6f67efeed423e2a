"""A ladder climbed in the daemon in memory: what is queued when, what ends it, and how it goes on."""

import asyncio

import pytest

from halfmap.daemon.ladder_records import LadderDraft, LadderName
from halfmap.daemon.service import Refused
from halfmap.daemon.state import JobState
from tests.unit.daemon.climber import TEXT, Climber

LATER = ["center", "extract", "reconstruct", "refine"]


@pytest.fixture
def climber() -> Climber:
    return Climber()


def test_all_steps_of_a_rung_are_queued_at_once_and_wait_for_each_other(climber):
    assert climber.queued(4) == ["extract", "refine"]
    assert climber.queued(2) == []
    details = [asyncio.run(climber.service.job(row.job)) for row in climber.jobs()]
    assert [(one.row.name, one.after) for one in details] == [
        ("Extract/job001/", ()),
        ("Refine3D/job002/", ("Extract/job001/",)),
    ]
    climber.run("bin4.extract")
    climber.run("bin4.refine", resolution_angstrom=20.0)
    assert (climber.queued(4), climber.queued(2)) == (["postprocess"], LATER)


def test_a_ladder_is_climbed_to_its_last_rung_each_from_what_the_one_before_came_to(climber):
    detail = climber.climb(4, 20.0, 3.0)
    assert climber.queued(2) == LATER
    assert (climber.value("bin2.refine", "ini_high"), climber.value("bin2.refine", "offset_range")) == ("20", "3.75")
    assert (detail.row.state, detail.row.binning, detail.row.resolution_angstrom) == ("running", 2, 20.0)
    climber.climb(2, 10.0)
    assert climber.value("bin1.refine", "ini_high") == "10"
    detail = climber.climb(1, 5.5)
    assert (detail.row.state, detail.row.reason) == ("finished", "bin 1 is refined: 5.50 Å")
    assert detail.row.steps_done == detail.row.steps == 13 == len(climber.jobs())
    assert [step.resolution_angstrom for step in detail.steps if step.does == "refine"] == [20.0, 10.0, 5.5]


def test_it_ends_where_finer_pixels_cannot_help_and_says_so(climber):
    detail = climber.climb(4, 24.5)  # 1.5 times the Nyquist limit of 16 Å are 24 Å
    assert detail.row.state == "finished"
    assert "finer pixels cannot help" in detail.row.reason
    assert {step.state for step in detail.steps if step.binning != 4} == {"not needed"}
    assert detail.row.steps == 3 == len(climber.jobs())


def test_it_waits_with_the_end_for_the_last_post_processing(climber):
    climber.run("bin4.extract")
    climber.run("bin4.refine", resolution_angstrom=24.5)
    assert climber.show().row.state == "running"
    climber.run("bin4.postprocess")
    assert climber.show().row.state == "finished"


def test_a_step_that_failed_stops_it_with_the_reason_until_the_job_is_resumed(climber):
    climber.run("bin4.extract", JobState.FAILED, "exit code 3: the disk is full")
    row = climber.show().row
    assert row.state == "trouble"
    assert "Extract/job001/ (bin4.extract) failed (exit code 3: the disk is full)" in row.reason
    asyncio.run(climber.service.resume(1, "by hand"))
    assert climber.show().row.state == "running"
    assert climber.climb(4, 20.0).row.binning == 2


def test_continuing_resumes_the_job_that_failed_and_no_other(climber):
    climber.run("bin4.extract", JobState.FAILED)
    assert climber.go_on().row.state == "running"
    assert [row.state for row in climber.jobs()] == [JobState.QUEUED] * 2


def test_a_failed_post_processing_holds_up_nothing_but_the_end(climber):
    climber.run("bin4.extract")
    climber.run("bin4.refine", resolution_angstrom=20.0)
    climber.run("bin4.postprocess", JobState.FAILED, "no such mask")
    assert climber.queued(2) == LATER
    climber.climb(2, 10.0)
    detail = climber.climb(1, 5.0)
    assert (detail.row.state, "PostProcess/job003/" in detail.row.reason) == ("trouble", True)


def test_a_failed_post_processing_of_an_earlier_rung_is_made_anew_with_other_options(climber):
    climber.run("bin4.extract")
    climber.run("bin4.refine", resolution_angstrom=20.0)
    climber.run("bin4.postprocess", JobState.FAILED, "no such mask")
    climber.begin(TEXT + '[postprocess]\nfn_mask = "other.mrc"\n')
    assert climber.queued(4) == ["postprocess"]
    assert climber.value("bin4.postprocess", "fn_mask") == "other.mrc"
    climber.run("bin4.postprocess")
    climber.climb(2, 10.0)
    assert climber.climb(1, 5.0).row.state == "finished"


def test_a_failed_step_is_made_anew_with_what_waits_for_it_if_its_options_have_changed(climber):
    climber.run("bin4.extract", JobState.FAILED, "boxes leave the images")
    detail = climber.begin(TEXT.replace("box_px = 96", "box_px = 64"))
    assert detail.row.state == "running"
    assert [(row.name, row.state.value) for row in climber.jobs()] == [
        ("Extract/job001/", "failed"),
        ("Refine3D/job002/", "aborted"),
        ("Extract/job003/", "queued"),
        ("Refine3D/job004/", "queued"),
    ]
    assert climber.value("bin4.extract", "crop_size") == "16"
    assert climber.value("bin4.refine", "in_optimisation") == "Extract/job003/optimisation_set.star"


def test_a_stop_stops_what_runs_and_holds_what_waits_and_continuing_undoes_both(climber):
    climber.service.start(1)
    row = climber.stop().row
    assert (row.state, [one.state.value for one in climber.jobs()]) == ("stopped", ["stopping", "held"])
    climber.service.finish(1, JobState.ABORTED, "stopped on request")
    assert climber.show().row.state == "stopped"
    assert climber.go_on().row.state == "running"
    assert [one.state.value for one in climber.jobs()] == ["queued"] * 2


def test_nothing_is_queued_while_it_is_stopped(climber):
    climber.run("bin4.extract")
    climber.service.start(2)
    climber.service.progress(2, resolution_angstrom=20.0)
    climber.stop()
    climber.service.finish(2)
    assert climber.queued(2) == []
    climber.go_on()
    assert climber.queued(2) == LATER


def test_beginning_it_again_changes_nothing_that_is_queued_and_tells_what_differs(climber):
    detail = climber.begin(TEXT + "[extract]\nmin_frames = 3\n")
    assert len(climber.jobs()) == 2
    assert detail.warnings == ("bin4.extract was queued with min_frames = its default; the file says 3",)
    climber.climb(4, 20.0)
    assert climber.value("bin2.extract", "min_frames") == "3"


def test_a_job_that_is_gone_is_made_anew_but_not_one_that_is_needed_no_more(climber):
    climber.climb(4, 20.0)
    del climber.service._jobs[1]
    assert climber.show().row.state == "running"
    del climber.service._jobs[climber.step("bin2.center").job]
    assert "External/job004/ (bin2.center) is gone" in climber.show().row.reason
    climber.go_on()
    assert climber.queued(2) == LATER
    assert climber.step("bin2.center").job_name != "External/job004/"


def test_a_refinement_that_did_not_converge_is_not_built_upon(climber):
    climber.run("bin4.extract")
    climber.run("bin4.refine")
    row = climber.show().row
    assert (row.state, "without having converged" in row.reason) == ("trouble", True)


def test_a_held_step_is_trouble_and_continuing_releases_it(climber):
    asyncio.run(climber.service.hold(1, "h"))
    assert "Extract/job001/ (bin4.extract) is held" in climber.show().row.reason
    assert climber.go_on().row.state == "running"


def test_options_of_a_step_to_come_are_set_in_the_file_and_those_of_a_queued_one_stay(climber):
    assert "[bin.2.refine]" in climber.set("bin2.refine", ini_high="30", nr_pool="16").text
    with pytest.raises(Refused, match=r"queued already, as Refine3D/job002/"):
        climber.set("bin4.refine", ini_high="30")
    with pytest.raises(Refused, match="no such option"):
        climber.set("bin2.refine", ini_hihg="30")
    with pytest.raises(Refused, match="no step"):
        climber.set("bin3.refine", ini_high="30")
    climber.climb(4, 20.0)
    assert climber.value("bin2.refine", "ini_high") == "30"
    row = climber.service._jobs[climber.step("bin2.refine").job]
    assert (row.options["ini_high"], row.options["nr_pool"]) == ("30", "16")


def test_only_a_whole_ladder_of_a_watched_project_is_begun(climber):
    with pytest.raises(Refused, match="mask_diameter: is missing"):
        climber.begin(TEXT.replace("mask_diameter = 230", ""))
    with pytest.raises(Refused, match="not a watched project"):
        asyncio.run(climber.service.begin_ladder(LadderDraft(project="/q", name="x", text=TEXT), "k"))
    with pytest.raises(Refused, match="no ladder second"):
        asyncio.run(climber.service.ladder(LadderName(project="/p", name="second")))
