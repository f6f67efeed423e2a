"""Pilot tests of the panes Map and Orientations."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from halfmap.daemon.client import IterationFiles, JobFiles
from halfmap.tui.files import catalogue as of_catalogue
from halfmap.tui.files import gallery as of_gallery
from halfmap.tui.files.patient import Patience
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.terminal.look import Look
from halfmap.tui.widgets.panes.map_pane import MapPane
from halfmap.tui.widgets.panes.orientations_pane import OrientationsPane
from halfmap.tui.widgets.panes.pane import Pane
from halfmap.tui.widgets.panes.rows_view import RowsView


class Shown(App[None]):
    """An application with one pane."""

    CSS = "Pane { border: round white; height: 100%; }"

    def __init__(self, pane: Pane, look: Look) -> None:
        super().__init__()
        self.pane, self.look = pane, look
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def notify(self, message: str, **_: object) -> None:
        self.told.append(message)


def rows(pane: Pane) -> list[str]:
    return [strip.text.rstrip() for strip in pane.query_one(RowsView).strips]


def title(pane: Pane) -> str:
    return f"{pane.border_title}"


async def settled(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def with_pane(
    pane: Pane,
    test: Callable[[Shown, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
    look: Look = Look(colours="256"),  # noqa: B008 - it is frozen
) -> None:
    async def run() -> None:
        app = Shown(pane, look)
        async with app.run_test(size=size) as pilot:
            pane.query_one(RowsView).focus()
            await test(app, pilot)

    asyncio.run(run())


def test_the_map_follows_the_cursor_and_says_what_it_shows(relion_job):
    pane = MapPane()

    async def test(app, pilot):
        pane.show(relion_job)
        await settled(pilot)
        assert title(pane) == "7 Map: joined, iteration 7, 17.15 Å"
        latest = rows(pane)
        assert "[XY] z centre" in latest[0]
        assert any("▀" in row for row in latest)
        assert "above the mask's centre along z" in f"{pane.border_subtitle}"
        pane.show(replace(relion_job, cursor=2))
        await settled(pilot)
        assert title(pane) == "7 Map: half 1, iteration 2, 17.15 Å"
        assert rows(pane) != latest

    with_pane(pane, test)


def test_b_goes_through_the_halves_and_the_joined_map(relion_job):
    pane = MapPane()

    async def test(app, pilot):
        pane.show(relion_job)
        await settled(pilot)
        seen = []
        for _ in range(3):
            await pilot.press("b")
            await settled(pilot)
            seen.append(title(pane).split(",")[0])
        assert seen == ["7 Map: half 1 unfiltered", "7 Map: half 2 unfiltered", "7 Map: joined"]

    with_pane(pane, test)


def test_brackets_move_the_chosen_slice_and_v_chooses_it(relion_job):
    pane = MapPane()

    async def test(app, pilot):
        pane.show(relion_job)
        await settled(pilot)
        centre = rows(pane)
        await pilot.press("right_square_bracket", "right_square_bracket")
        await settled(pilot)
        assert "[XY] z +2" in rows(pane)[0]
        assert rows(pane)[1:] != centre[1:]
        await pilot.press("v", "left_square_bracket")
        await settled(pilot)
        assert " XY  z +2" in rows(pane)[0]
        assert "[XZ] y -1" in rows(pane)[0]
        pane._offset[1] = -17
        await pilot.press(*["left_square_bracket"] * 3)
        await settled(pilot)
        assert "[XZ] y -18" in rows(pane)[0]

    with_pane(pane, test, size=(120, 30))


def test_m_in_capital_takes_the_outline_away_and_brings_it_back(relion_job):
    pane = MapPane()

    async def test(app, pilot):
        pane.show(relion_job)
        await settled(pilot)
        with_outline = rows(pane)
        assert any("o" in row for row in with_outline[1:-1])
        await pilot.press("M")
        assert not any("o" in row for row in rows(pane)[1:])
        await pilot.press("M")
        assert rows(pane) == with_outline

    with_pane(pane, test, look=Look(ascii=True))


def test_in_ascii_nothing_else_is_drawn(relion_job):
    for pane in (MapPane(), OrientationsPane()):

        async def test(app, pilot, pane=pane):
            pane.show(relion_job)
            await settled(pilot)
            words = [*rows(pane), title(pane), f"{pane.border_subtitle}"]
            assert all(word.isascii() for word in words)
            assert any("#" in row for row in rows(pane))

        with_pane(pane, test, look=Look(ascii=True, colours="16"))


def test_scrubbing_back_draws_what_was_drawn_without_reading(relion_job, monkeypatch):
    pane, reads = MapPane(), []
    read = of_gallery.read_slices
    monkeypatch.setattr(of_gallery, "read_slices", lambda *given: (reads.append(1), read(*given))[1])

    async def test(app, pilot):
        for cursor in (3, 4, 5):
            pane.show(replace(relion_job, cursor=cursor))
            await settled(pilot)
        after = len(reads)
        view = pane.query_one(RowsView)
        frames = list(view._frames.values())
        for cursor in (4, 3, 4, 5):
            pane.show(replace(relion_job, cursor=cursor))
            await settled(pilot)
            assert any(view.strips is frame for frame in frames)
        assert len(reads) == after

    with_pane(pane, test)


def test_hidden_panes_read_nothing_until_they_are_shown(relion_job, monkeypatch):
    reads = []
    for module, name in ((of_gallery, "read_slices"), (of_catalogue, "read_directions")):
        read = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, read=read: (reads.append(1), read(*given))[1])
    for pane in (MapPane(), OrientationsPane()):
        reads.clear()

        async def test(app, pilot, pane=pane):
            pane.display = False
            await pilot.pause()
            pane.show(relion_job)
            await settled(pilot)
            assert not reads
            pane.display = True
            await pilot.pause()
            await settled(pilot)
            assert reads
            assert "iteration 7" in title(pane)

        with_pane(pane, test)


def test_equal_pictures_draw_nothing(relion_job):
    for pane in (MapPane(), OrientationsPane()):

        async def test(app, pilot, pane=pane):
            pane.show(relion_job)
            await settled(pilot)
            drawn = []
            view = pane.query_one(RowsView)
            view.refresh = lambda *given, **_: drawn.append(given)  # type: ignore[method-assign]
            pane.refresh = lambda *given, **_: drawn.append(given)  # type: ignore[method-assign]
            pane.show(replace(relion_job, samples=()))
            await settled(pilot)
            assert not drawn

        with_pane(pane, test)


def test_a_file_system_that_hangs_is_told_and_what_it_answers_later_is_shown(relion_job, monkeypatch):
    for pane, module, name in (
        (MapPane(), of_gallery, "read_slices"),
        (OrientationsPane(), of_catalogue, "read_directions"),
    ):
        awake, read = threading.Event(), getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, read=read, awake=awake: (awake.wait(30), read(*given))[1])
        pane.patience, pane.retry_s = Patience(0.4), 0.1

        async def test(app, pilot, pane=pane, awake=awake):
            pane.show(relion_job)
            await pilot.pause(0.35)
            assert "reading" in f"{pane.border_subtitle}"
            await settled(pilot)
            assert "the file system has not answered for 0.4 s." in " ".join(rows(pane))
            awake.set()
            await pilot.pause(0.2)
            await settled(pilot)
            assert "iteration 7" in title(pane)
            assert "reading" not in f"{pane.border_subtitle}"
            assert len(rows(pane)) > 5

        with_pane(pane, test)


def test_what_cannot_be_read_is_a_sentence(tmp_path):
    (tmp_path / "torn.mrc").write_bytes(b"short")
    (tmp_path / "torn.star").write_text("data_optics\n")
    torn = IterationFiles(
        iteration=3, half_maps=(f"{tmp_path}/torn.mrc", f"{tmp_path}/gone.mrc"), particles=f"{tmp_path}/torn.star"
    )
    picture = JobPicture(files=JobFiles(iterations=(torn,), mask=f"{tmp_path}/mask.mrc"))
    maps, orientations = MapPane(), OrientationsPane()

    async def of_map(app, pilot):
        maps.show(JobPicture())
        await settled(pilot)
        assert rows(maps) == ["No map has been written yet."]
        maps.show(picture)
        await settled(pilot)
        assert rows(maps) == ["torn.mrc is no MRC file, or still being written (5 bytes)."]
        await pilot.press("b", "i", "right_square_bracket")
        await settled(pilot)
        assert rows(maps) == ["gone.mrc does not exist."]
        assert app.told == ["no map is shown yet."]

    async def of_orientations(app, pilot):
        orientations.show(JobPicture())
        await settled(pilot)
        assert rows(orientations) == ["No particles have been written yet."]
        orientations.show(picture)
        await settled(pilot)
        assert rows(orientations)[0].startswith("torn.star has no table of particles")

    with_pane(maps, of_map)
    with_pane(orientations, of_orientations)


def test_orientations_are_drawn_with_their_number_and_spread(relion_job):
    pane = OrientationsPane()

    async def test(app, pilot):
        pane.show(replace(relion_job, cursor=4))
        await settled(pilot)
        assert title(pane) == "6 Orientations: iteration 4, 200 particles"
        assert "fullest tenth of all directions holds" in f"{pane.border_subtitle}"
        assert "subtomogram frame" in rows(pane)[-1]
        drawn = [segment for strip in pane.query_one(RowsView).strips[:-2] for segment in strip]
        assert len({segment.style.bgcolor for segment in drawn}) > 4

    with_pane(pane, test)


def test_panes_survive_every_size(relion_job):
    for pane in (MapPane(), OrientationsPane()):

        async def test(app, pilot, pane=pane):
            pane.show(relion_job)
            await settled(pilot)
            for size in ((1, 1), (3, 3), (7, 40), (200, 4), (200, 60)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
            assert len(rows(pane)) <= 58

        with_pane(pane, test)
