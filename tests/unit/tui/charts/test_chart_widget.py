"""The widget of charts and the panes that hold it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from halfmap.tui.charts.plot import Axis, Plot, Series
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.terminal.look import Look
from halfmap.tui.widgets.panes.accuracy_pane import AccuracyPane
from halfmap.tui.widgets.panes.changes_pane import ChangesPane
from halfmap.tui.widgets.panes.chart import Chart
from halfmap.tui.widgets.panes.fsc_pane import FscPane
from halfmap.tui.widgets.panes.resolution_pane import ResolutionPane
from halfmap.tui.widgets.panes.time_pane import TimePane

PLOT = Plot("Title", Axis("x"), Axis("y", low=0.0, high=9.0), (Series("a", (1.0, 9.0), (1.0, 8.0)),), notes=("one",))


class OneWidget(App[None]):
    def __init__(self, widget, look: Look | None = None) -> None:
        super().__init__()
        self.look = look or Look()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


def shown(chart: Chart) -> list[str]:
    return ["".join(segment.text for segment in chart.render_line(y)) for y in range(chart.size.height)]


Story = Callable[[Pilot[None]], Awaitable[None]]


def play(widget, story: Story, size: tuple[int, int], look: Look | None = None) -> None:
    """Show a widget alone and let a story happen."""

    async def run() -> None:
        async with OneWidget(widget, look).run_test(size=size) as pilot:
            await story(pilot)

    asyncio.run(run())


def test_a_chart_fills_its_place_and_takes_another_size():
    chart = Chart(PLOT)

    async def story(pilot: Pilot[None]) -> None:
        assert [len(row) for row in shown(chart)] == [40] * 10
        assert "Title" in shown(chart)[0]
        await pilot.resize_terminal(21, 3)
        await pilot.pause()
        assert [len(row) for row in shown(chart)] == [21] * 3

    play(chart, story, (40, 10))


def test_only_rows_that_changed_are_drawn_anew_and_nothing_for_the_same_plot(monkeypatch):
    chart = Chart(PLOT)

    async def story(pilot: Pilot[None]) -> None:
        drawn: list[tuple[Region, ...]] = []
        monkeypatch.setattr(chart, "refresh", lambda *regions, **_: drawn.append(regions))
        chart.plot = replace(PLOT)
        assert drawn == []
        chart.plot = replace(PLOT, notes=("two",))
        assert drawn == [(Region(0, 9, 40, 1),)]

    play(chart, story, (40, 10))


def test_a_plot_that_came_while_the_chart_was_hidden_is_there_when_it_is_shown():
    chart = Chart(PLOT)

    async def story(pilot: Pilot[None]) -> None:
        chart.display = False
        await pilot.pause()
        chart.plot = replace(PLOT, title="Another")
        await pilot.pause()
        chart.display = True
        await pilot.pause()
        assert "Another" in shown(chart)[0]

    play(chart, story, (40, 10))


def test_the_look_decides_about_glyphs_and_colours():
    chart = Chart(PLOT)

    async def story(pilot: Pilot[None]) -> None:
        assert all(row.isascii() for row in shown(chart))
        colours = {
            segment.style.color.name for segment in chart.render_line(4) if segment.style and segment.style.color
        }
        assert "#005fd7" in colours

    play(chart, story, (40, 10), Look(ascii=True, theme="light"))


def test_plus_minus_and_0_choose_how_much_of_x_is_shown():
    chart = Chart(PLOT)

    async def story(pilot: Pilot[None]) -> None:
        chart.focus()
        whole = shown(chart)
        await pilot.press("plus", "plus")
        assert chart.zoom == pytest.approx(2.25)
        assert shown(chart)[8] != whole[8]
        await pilot.press("minus")
        assert chart.zoom == pytest.approx(1.5)
        await pilot.press("0")
        assert shown(chart) == whole
        await pilot.press("minus")
        assert chart.zoom == 1

    play(chart, story, (60, 10))


@pytest.mark.parametrize(
    ("kind", "key", "title", "said"),
    [
        (ResolutionPane, "1", "Resolution", "joined: 17.2 Å since iteration 3"),
        (AccuracyPane, "2", "Accuracy", "fine enough"),
        (FscPane, "3", "FSC", "0.5 at 16.3 Å"),
        (ChangesPane, "4", "Changes", "0.71 steps"),
        (TimePane, "5", "Time", "this program does not tell"),
    ],
)
def test_each_pane_draws_its_part_of_the_picture(kind, key, title, said, recorded):
    pane = kind()

    async def story(pilot: Pilot[None]) -> None:
        pane.show(JobPicture())
        pane.show(JobPicture(course=recorded))
        await pilot.pause()
        assert pane.border_title == f"{key} {title}"
        assert said in "\n".join(shown(pane.chart))
        await pilot.resize_terminal(2, 2)
        await pilot.pause()
        pane.show(JobPicture(course=recorded, cursor=2, overlays=(recorded,)))
        await pilot.pause()

    play(pane, story, (70, 14))
