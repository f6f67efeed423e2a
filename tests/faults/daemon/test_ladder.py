"""A ladder in a real daemon: unattended to its end, over deaths of the daemon, failed steps and lost files."""

from collections import Counter

import pytest

from halfmap.daemon.client import JobQuery, LadderDetail
from tests.faults.daemon.harness import Bench
from tests.faults.daemon.ladder_bench import TEXT, begin, broken, climbed, which, with_relion

STEPS = [
    "bin2.extract", "bin2.refine", "bin2.postprocess",
    "bin1.extract", "bin1.reconstruct", "bin1.refine", "bin1.postprocess",
]  # fmt: skip

ONE_RUNG = TEXT.replace("[2, 1]", "[2]")


@pytest.fixture
def climbing(bench: Bench) -> Bench:
    with_relion(bench)
    bench.start()
    bench.watch()
    return bench


def jobs_by_folder(bench: Bench) -> Counter[str]:
    query = JobQuery(project=str(bench.project), refinements_only=False)
    rows = bench.ask(lambda client: client.jobs(query)).jobs
    return Counter(row.name.partition("/")[0] for row in rows if not row.followed)


def value(detail: LadderDetail, step: str, key: str) -> str | None:
    found = next(one for one in detail.steps if one.step == step)
    return next(option.value for option in found.options if option.key == key)


def test_it_climbs_to_its_end_by_itself_and_each_step_is_one_job(climbing):
    begin(climbing)
    detail = climbed(climbing)
    assert [(step.step, step.state) for step in detail.steps] == [(step, "finished") for step in STEPS]
    assert jobs_by_folder(climbing) == {"Extract": 2, "Refine3D": 2, "PostProcess": 2, "Reconstruct": 1}
    assert [step.resolution_angstrom for step in detail.steps if step.does == "refine"] == [40.0, 30.0]
    # pixels of 12 Å: 40 Å are less than 1.5 times the Nyquist limit of 48 Å
    assert value(detail, "bin1.refine", "ini_high") == "40"
    assert (value(detail, "bin1.extract", "crop_size"), value(detail, "bin2.extract", "crop_size")) == ("16", "8")
    assert "run.out" in {path.name for path in (climbing.project / "Refine3D/job003").iterdir()}
    assert (climbing.project / "Ladder/climb/ladder.toml").read_text() == TEXT
    assert climbing.violations() == []


@pytest.mark.slow
@pytest.mark.parametrize("point", ["ladder.queued#5", "ladder.noted#3"])
def test_a_daemon_that_dies_between_queueing_and_noting_makes_no_step_twice(bench, point):
    with_relion(bench)
    bench.start(crash_at=point)
    bench.watch()
    begin(bench)
    detail = climbed(bench)
    assert bench.kills == 1
    assert [(step.step, step.state) for step in detail.steps] == [(step, "finished") for step in STEPS]
    assert sum(jobs_by_folder(bench).values()) == len(STEPS)
    assert bench.violations() == []


def test_a_step_that_fails_stops_it_and_it_goes_on_when_that_is_repaired_and_the_ladder_begun_again(climbing):
    broken(climbing, "relion_tomo_reconstruct_particle").touch()
    begin(climbing)
    detail = climbed(climbing, "trouble")
    assert "(bin1.reconstruct) failed" in detail.row.reason
    broken(climbing, "relion_tomo_reconstruct_particle").unlink()
    begin(climbing)
    detail = climbed(climbing)
    assert {step.state for step in detail.steps} == {"finished"}
    assert sum(jobs_by_folder(climbing).values()) == len(STEPS)
    # what was done was not done again: one attempt more than there are steps
    assert len(climbing.starts()) == len(STEPS) + 1


def test_a_step_that_the_queue_refuses_is_told_with_the_reason(climbing):
    begin(climbing, f"{TEXT}gpu = true\ncards = 0\n")
    row = climbed(climbing, "trouble").row
    assert row.reason.startswith("bin2.refine was not queued: the job cannot be started:")
    begin(climbing, ONE_RUNG)
    assert climbed(climbing).row.state == "finished"


def test_a_file_that_is_spoilt_by_hand_is_told_and_mended_by_hand_it_goes_on(climbing):
    path = climbing.project / "Ladder/climb/ladder.toml"
    begin(climbing)
    path.write_text(TEXT.replace("symmetry", "symetry"))
    detail = climbed(climbing, "trouble")
    assert "symetry: there is no such entry; did you mean symmetry?" in detail.row.reason
    path.write_text(TEXT + "[bin.1.refine]\nini_high = 44\n")
    assert value(climbed(climbing), "bin1.refine", "ini_high") == "44"


def test_a_stopped_ladder_rests_over_a_new_start_of_the_daemon_and_is_continued(climbing):
    begin(climbing, ONE_RUNG)
    climbing.ask(lambda client: client.stop_ladder(which(climbing), "stop"))
    climbing.kill()
    climbing.start()
    assert climbed(climbing, "stopped").row.reason == "stopped by a person; continue it to go on"
    assert climbing.ask(lambda client: client.ladders(None))[0].state == "stopped"
    climbing.ask(lambda client: client.continue_ladder(which(climbing), "on"))
    assert {step.state for step in climbed(climbing).steps} == {"finished"}
