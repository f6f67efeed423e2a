from halfmap.daemon.client import EventRow, JobRow, JobState
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
