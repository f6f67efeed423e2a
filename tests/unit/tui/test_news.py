import asyncio
from pathlib import Path

from halfmap.daemon.client import EventRow, JobRow, JobState
from halfmap.daemon.fake import FakeService
from halfmap.tui import app
from halfmap.tui.app import HalfmapApp
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.terminal.look import Look
from halfmap.tui.text.news import is_news, news

ROW = JobRow(job=3, project="/p", name="Refine3D/job003/", state=JobState.FINISHED, resolution_angstrom=17.15)


def event(kind: str, text: str = "", job: int | None = 3) -> EventRow:
    return EventRow(rev=9, time=0.0, kind=kind, job=job, text=text)


def test_ends_and_stalls_are_news_and_iterations_are_not():
    assert all(is_news(event(kind)) for kind in ("finished", "failed", "lost", "aborted", "stalled", "refused"))
    assert not any(is_news(event(kind)) for kind in ("iteration", "queued", "waits", "priority"))
    assert not is_news(event("finished", job=None))


def test_a_job_that_finished_is_told_with_its_resolution():
    assert news(event("finished"), ROW) == ("job003 has finished at 17.15 Å.", "information")


def test_a_job_that_failed_is_told_with_its_reason_made_harmless_and_short():
    told = news(event("failed", "disk full\x1b[31m" + "x" * 500), ROW)
    assert told.severity == "error"
    assert told.text.startswith("job003 has failed: disk full")
    assert "\x1b" not in told.text
    assert len(told.text) == 160


def test_of_a_hundred_jobs_that_end_at_once_a_few_are_told_and_how_many_more(monkeypatch):
    monkeypatch.setattr(app, "NEWS_S", 0.1)
    service, told = FakeService(), list[str]()
    for _ in range(100):
        service.start(service.add_job("/data/hiv").job)

    class Listens(HalfmapApp):
        CSS_PATH = Path(app.__file__).with_name("app.tcss")

        def notify(self, message, **how):
            told.append(message)

    async def story() -> None:
        shown = Listens(service, Look(), HalfmapScreen)
        async with shown.run_test() as pilot:
            await pilot.pause(0.1)
            for job in range(1, 101):
                service.finish(job)
            await pilot.pause(0.5)
            service.finish(service.start(service.add_job("/data/hiv").job).job)
            await pilot.pause(0.5)

    asyncio.run(story())
    ended, counted = [one for one in told if "has finished" in one], [one for one in told if "more jobs" in one]
    assert len(ended) <= 7
    assert len(ended) + sum(int(one.split()[0]) for one in counted) == 101
    assert "job101" in ended[-1]
