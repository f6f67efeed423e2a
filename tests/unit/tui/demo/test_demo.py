import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from halfmap.daemon.client import FormDraft, JobQuery, JobState, Submission
from halfmap.daemon.fake import FakeService
from halfmap.tui.demo import STEP_S, Demo, many_jobs

NOW = 1_800_000_000.0
FOLLOWED, FINISHED, FAILED, STALLED, RUNNING, WAITING, HELD = range(1, 8)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with Demo(NOW, tmp_path / "demo") as made:
        yield made


def play(demo: Demo, steps: int) -> None:
    for _ in range(steps):
        demo.step()


def test_it_begins_with_jobs_in_all_the_states_that_a_person_meets(demo: Demo) -> None:
    rows = {row.job: row for row in demo.service.rows()}
    assert [row.state.value for row in rows.values()] == [
        "finished", "finished", "failed", "running", "running", "queued", "held",
    ]  # fmt: skip
    assert rows[FOLLOWED].followed
    assert "used by anna" in rows[WAITING].reason
    assert rows[STALLED].alarm.startswith("no progress for 14 min")
    assert rows[RUNNING].iteration == 2
    cards = asyncio.run(demo.service.cards())
    assert [card.state for card in cards] == ["leased", "leased", "busy", "quarantined"]
    assert [card.leased_to for card in cards] == [RUNNING, STALLED, None, None]


def test_times_are_in_order_and_none_lies_ahead(demo: Demo) -> None:
    for row in demo.service.rows():
        times = [time for time in (row.submitted or None, row.started, row.ended) if time is not None]
        assert times == sorted(times)
        assert not times or times[-1] <= NOW
    assert demo.now() == NOW


def test_every_file_that_is_told_of_is_there(demo: Demo) -> None:
    for job in (FOLLOWED, FINISHED, FAILED, RUNNING):
        files = demo.service.job_files[job]
        paths = [files.output, files.error, files.mask]
        for one in files.iterations:
            paths += [*one.half_maps, one.particles, *([one.map] if one.map else [])]
        assert [path for path in paths if not Path(path).is_file()] == []
    assert "no space left" in Path(demo.service.job_files[FAILED].error).read_text()
    assert demo.service.job_files[STALLED].trouble


def test_the_same_time_makes_the_same_demonstration(tmp_path: Path) -> None:
    def told(folder: Path) -> str:
        with Demo(NOW, folder) as demo:
            play(demo, 100)
            said = [demo.service.detail(row.job).model_dump_json() for row in demo.service.rows()]
            return "\n".join(said).replace(str(folder), "")

    assert told(tmp_path / "a") == told(tmp_path / "b")


def test_the_running_job_goes_on_to_its_end_with_its_files_and_its_output(demo: Demo) -> None:
    output = Path(demo.service.job_files[RUNNING].output)
    size, fractions = output.stat().st_size, []
    for _ in range(5):
        demo.step()
        row = demo.service.row(RUNNING)
        assert (row.iteration, bool(row.phase)) == (3, True)
        fractions.append(row.fraction)
        assert row.ends_about is not None
        assert NOW < row.ends_about <= demo.now() + 8 * STEP_S
    assert output.stat().st_size > size
    play(demo, 75)
    row, files = demo.service.row(RUNNING), demo.service.job_files[RUNNING]
    assert (row.state, row.cards, row.phase) == (JobState.FINISHED, (), "")
    assert files.iterations[-1].is_joined
    recorded = demo.project.parent / "recorded" / "Refine3D" / "job012"
    assert output.read_bytes() == (recorded / "run.out").read_bytes()
    events = [json.loads(line) for line in Path(files.folder, "run_progress.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "run_started"
    assert [event["iteration"] for event in events if event["event"] == "iteration_finished"] == list(
        range(1, demo.service.finished_iterations(RUNNING) + 1)
    )


def test_the_waiting_job_starts_once_the_colleague_is_done(demo: Demo) -> None:
    play(demo, 100)
    row = demo.service.row(WAITING)
    assert (row.state, row.reason) == (JobState.RUNNING, "")
    assert len(row.cards) == 1
    assert demo.service.card(row.cards[0]).utilisation == 94.0


def test_what_a_person_submits_runs_and_can_be_stopped_and_resumed(demo: Demo) -> None:
    options = {"in_optimisation": "PseudoSubtomo/job001/optimisation_set.star", "fn_ref": "a.mrc"}
    row = asyncio.run(demo.service.submit(Submission(project=str(demo.project), options=options), "1"))
    play(demo, 30)
    assert demo.service.row(row.job).state is JobState.RUNNING
    done = demo.service.finished_iterations(row.job)
    assert done == 3
    asyncio.run(demo.service.stop(row.job, "after_iteration", "2"))
    assert demo.service.row(row.job).state is JobState.STOPPING
    play(demo, 9)
    assert demo.service.row(row.job).state is JobState.ABORTED
    assert demo.service.finished_iterations(row.job) == done + 1
    asyncio.run(demo.service.resume(row.job, "3"))
    play(demo, 12)
    assert demo.service.row(row.job).state is JobState.RUNNING
    assert demo.service.finished_iterations(row.job) == done + 2
    asyncio.run(demo.service.stop(row.job, "kill", "4"))
    play(demo, 2)
    assert demo.service.row(row.job).state is JobState.ABORTED


def test_a_stalled_job_can_be_stopped_too(demo: Demo) -> None:
    asyncio.run(demo.service.stop(STALLED, "terminate", "1"))
    play(demo, 1)
    assert demo.service.row(STALLED).state is JobState.ABORTED
    card = asyncio.run(demo.service.cards())[1]
    assert (card.state, card.utilisation) == ("free", 0.0)


def test_a_failed_job_has_nothing_of_what_came_later(demo: Demo) -> None:
    folder = Path(demo.service.job_files[FAILED].folder)
    assert "Iteration= 3" in (folder / "run.out").read_text()
    assert "Iteration= 4" not in (folder / "run.out").read_text()
    events = [json.loads(line) for line in (folder / "run_progress.jsonl").read_text().splitlines()]
    assert (events[-1]["event"], events[-1]["iteration"]) == ("iteration_finished", 3)


def test_paths_are_completed_folder_by_folder_and_a_form_is_told_its_coarsest_step(demo: Demo) -> None:
    service, project = demo.service, str(demo.project)
    first = asyncio.run(service.browse(project, "", "*.star"))
    assert [row.path for row in first if row.is_folder] == ["Mask/", "PseudoSubtomo/", "Reconstruct/", "Refine3D/"]
    assert [row.path for row in first if not row.is_folder] == ["tomograms.star"]
    maps = asyncio.run(service.browse(project, "Reconstruct/job002/m", "*.mrc"))
    assert [row.path for row in maps] == ["Reconstruct/job002/merged.mrc"]
    draft = FormDraft(project=project, options={"ini_high": "100", "particle_diameter": "200"}, looks_at_files=True)
    assert asyncio.run(service.check_form(draft)).coarse_step_deg == pytest.approx(45.0)


def test_time_passes_while_it_is_played_and_nothing_is_left_afterwards() -> None:
    async def story(demo: Demo) -> None:
        playing = asyncio.create_task(demo.play())
        await asyncio.sleep(1.2 * STEP_S)
        playing.cancel()

    with Demo() as demo:
        began = demo.now()
        asyncio.run(story(demo))
        assert demo.now() == began + STEP_S
        assert demo.project.is_dir()
    assert not demo.project.exists()
    assert not demo.project.parent.exists()


def test_thousands_of_jobs_are_made_in_a_moment_and_are_always_the_same() -> None:
    def made() -> FakeService:
        service = FakeService(NOW)
        many_jobs(service, 600)
        return service

    first, second = made(), made()
    page = asyncio.run(first.jobs(JobQuery(limit=500)))
    assert page.total == 600
    assert page == asyncio.run(second.jobs(JobQuery(limit=500)))
    assert {row.state for row in page.jobs} >= {JobState.FINISHED, JobState.FAILED, JobState.RUNNING, JobState.QUEUED}
