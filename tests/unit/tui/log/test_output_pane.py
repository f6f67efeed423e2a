import asyncio

import pytest
from textual.app import App, ComposeResult

from halfmap.daemon.client import JobDetail, JobFiles, JobRow, JobState
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.terminal.look import Look
from halfmap.tui.text.log_words import missing_of
from halfmap.tui.widgets.log.log_view import LogView
from halfmap.tui.widgets.panes import output_pane
from halfmap.tui.widgets.panes.output_pane import OutputPane
from tests.unit.tui.log.conftest import until


class PaneApp(App[None]):
    def __init__(self, look=None):
        super().__init__()
        self.look = look or Look()

    def compose(self) -> ComposeResult:
        yield OutputPane()

    @property
    def pane(self):
        return self.query_one(OutputPane)

    @property
    def view(self):
        return self.query_one(LogView)

    @property
    def rows(self):
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]

    @property
    def status(self):
        return f"{self.query_one('.log-status').content}"

    @property
    def title_text(self):
        return f"{self.pane.border_title}"


@pytest.fixture(autouse=True)
def quick_errors(monkeypatch):
    monkeypatch.setattr(output_pane, "_LOOK_S", 0.05)


def picture(folder=None, state=JobState.RUNNING, reason="", **row):
    detail = JobDetail(row=JobRow(job=1, project="/p", name="Refine3D/job001/", state=state, reason=reason, **row))
    files = (
        JobFiles(folder=f"{folder}", output=f"{folder}/run.out", error=f"{folder}/run.err") if folder else JobFiles()
    )
    return JobPicture(detail=detail, files=files)


def told(story, look=None, size=(70, 14)):
    async def main():
        app = PaneApp(look)
        async with app.run_test(size=size) as pilot:
            app.view.focus()
            await story(app, pilot)

    asyncio.run(main())


def test_a_relion_job_shows_the_end_of_its_output(hiv_twin):
    async def story(app, pilot):
        app.pane.show(picture(hiv_twin / "Refine3D/job009", JobState.FINISHED))
        await until(lambda: app.rows[-1].startswith(" Auto-refine: + But you may want to run"), pilot)
        assert app.status.startswith("run.out · lines 174–185 of 185")
        assert app.title_text == "8 Output"
        # the mouse has run over the screen; its last step is seen
        assert any(row.startswith("2.42/2.37 min ....") for row in app.rows)

    told(story, size=(70, 13))


def test_errors_are_announced_and_t_shows_them_and_goes_back(tmp_path):
    (tmp_path / "run.out").write_bytes(b"output\n")
    (tmp_path / "run.err").write_bytes(b"ERROR: one\ntwo\nthree\n")

    async def story(app, pilot):
        app.pane.show(picture(tmp_path))
        await until(lambda: app.title_text == "8 Output · run.err 3 lines (t)", pilot)
        await pilot.press("t")
        await until(lambda: app.rows[0] == "ERROR: one", pilot)
        assert app.title_text == "8 Output: run.err"
        assert app.status.startswith("run.err · lines 1–3 of 3")
        await pilot.press("t")
        await until(lambda: app.rows[0] == "output", pilot)
        assert app.title_text == "8 Output · run.err 3 lines (t)"

    told(story)


def test_a_picture_that_is_shown_again_leaves_the_reader_where_he_is(tmp_path):
    (tmp_path / "run.out").write_bytes(b"".join(b"%d\n" % n for n in range(100)))

    async def story(app, pilot):
        app.pane.show(picture(tmp_path))
        await until(lambda: app.rows[-1] == "99", pilot)
        await pilot.press("g")
        await until(lambda: app.rows[0] == "0", pilot)
        app.pane.show(picture(tmp_path))
        await pilot.pause(0.1)
        assert app.rows[0] == "0"
        assert not app.view.follows

    told(story)


def test_another_jobs_files_are_shown_instead_and_the_first_ones_let_go(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.out").write_bytes(name.encode() + b"\n")

    async def story(app, pilot):
        app.pane.show(picture(tmp_path / "one"))
        await until(lambda: app.rows[0] == "one", pilot)
        thread = app.view.feed._thread
        app.pane.show(picture(tmp_path / "two"))
        await until(lambda: app.rows[0] == "two", pilot)
        await until(lambda: not thread.is_alive(), pilot)

    told(story)


def test_a_job_without_files_tells_why_and_shows_them_when_they_come(tmp_path):
    async def story(app, pilot):
        app.pane.show(JobPicture())
        assert app.rows[0] == ""
        app.pane.show(picture(None, JobState.QUEUED, "waits for a card"))
        assert app.rows[0] == "nothing was printed yet: the job is queued: waits for a card."
        app.pane.show(picture(tmp_path))
        await until(lambda: app.rows[0].startswith("run.out is not there:"), pilot)
        (tmp_path / "run.out").write_bytes(b"begins\n")
        await until(lambda: app.rows[0] == "begins", pilot)

    told(story)


def test_a_failed_job_that_printed_nothing_tells_the_reason_harmlessly(tmp_path):
    async def story(app, pilot):
        app.pane.show(picture(tmp_path, JobState.FAILED, "rank 1 ended\x1b[2J [red]."))
        await until(lambda: app.rows[0] == "nothing was printed: the job has failed: rank 1 ended�[2J [red].", pilot)

    told(story)


def test_ascii_mode_writes_ascii_only(tmp_path):
    (tmp_path / "run.out").write_bytes("Å\n".encode())
    (tmp_path / "run.err").write_bytes(b"one\n")

    async def story(app, pilot):
        app.pane.show(picture(tmp_path, JobState.FAILED, "resolution 3 Å …"))
        await until(lambda: "run.err 1 line" in app.title_text, pilot)
        assert (app.title_text + app.status).isascii()

    told(story, Look(ascii=True))


@pytest.mark.parametrize("size", [(1, 1), (4, 3), (12, 4)])
def test_the_smallest_panes_are_survived(tmp_path, size):
    (tmp_path / "run.out").write_bytes(b"output\n" * 50)

    async def story(app, pilot):
        app.pane.show(picture(tmp_path, JobState.FAILED, "reason " * 50))
        await pilot.press("k", "t", "slash", "escape", "E")
        await pilot.pause(0.1)

    told(story, size=size)


def test_why_nothing_was_printed_is_a_sentence():
    no_folder = picture()
    assert missing_of(no_folder) == "nothing was printed yet: the job has no folder."
    assert missing_of(picture("/p/job")) == ""
    assert missing_of(picture(None, JobState.HELD)) == "nothing was printed yet: the job is held."
    unread = JobPicture(detail=no_folder.detail, files=JobFiles(trouble="the project's file system hangs."))
    assert missing_of(unread) == "the project's file system hangs."
    lost = picture("/p/job", JobState.LOST, "its processes are gone.")
    assert missing_of(lost) == "nothing was printed: the job is lost: its processes are gone."
    assert missing_of(JobPicture(trouble="no such job.")) == "no such job."


def test_every_key_of_the_pane_says_what_it_does():
    assert all(binding.description for binding in OutputPane.BINDINGS)
