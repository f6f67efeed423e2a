"""Plots in a terminal. Only the rows that changed are drawn anew."""

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from halfmap.tui.charts.arrange import draw_all
from halfmap.tui.charts.plot import Plot
from halfmap.tui.charts.runs import Row
from halfmap.tui.palette import style_of
from halfmap.tui.terminal.look import Look

_FURTHER = 1.5
_MOST = 64.0

_style = lru_cache(maxsize=256)(style_of)


class Chart(Widget):
    """Shows plots, as many as there is room for; with the keys ``+``, ``-`` and ``0`` a part of x."""

    DEFAULT_CSS: ClassVar[str] = """
    Chart {
        width: 1fr;
        height: 1fr;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom_in", "Zoom in", show=False),
        Binding("minus", "zoom_out", "Zoom out", show=False),
        Binding("0", "zoom_reset", "Whole range", show=False),
    ]
    can_focus = True
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, *plots: Plot, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._plots = plots
        self._zoom = 1.0
        self._rows: tuple[Row, ...] = ()

    @property
    def plot(self) -> Plot | None:
        """The first plot."""
        return self._plots[0] if self._plots else None

    @plot.setter
    def plot(self, plot: Plot) -> None:
        self.plots = (plot,)

    @property
    def plots(self) -> tuple[Plot, ...]:
        """What is shown, most important first; nothing is drawn where they are set to what they were."""
        return self._plots

    @plots.setter
    def plots(self, plots: Sequence[Plot]) -> None:
        if tuple(plots) != self._plots:
            self._plots = tuple(plots)
            self._draw()

    @property
    def zoom(self) -> float:
        """How many times less of x is shown."""
        return self._zoom

    @zoom.setter
    def zoom(self, zoom: float) -> None:
        chosen = min(max(zoom, 1.0), _MOST)
        if chosen != self._zoom:
            self._zoom = chosen
            self._draw()

    def render_line(self, y: int) -> Strip:
        """Give a row."""
        width = self.size.width
        if not self._rows or y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        look = self._look
        base = self.rich_style
        segments = [Segment(run.text, _over(base, run.role, look.theme)) for run in self._rows[y]]
        return Strip(segments, width)

    def on_resize(self, _: Resize) -> None:
        """Draw for another size."""
        self._draw()

    def action_zoom_in(self) -> None:
        """Show less of x."""
        self.zoom *= _FURTHER

    def action_zoom_out(self) -> None:
        """Show more of x."""
        self.zoom /= _FURTHER

    def action_zoom_reset(self) -> None:
        """Show all of x."""
        self.zoom = 1.0

    @property
    def _look(self) -> Look:
        found = getattr(self.app, "look", None)
        return found if isinstance(found, Look) else Look()

    def _draw(self) -> None:
        """Draw, and have the terminal show the rows that are different now."""
        if not self.is_mounted:
            return
        before, (width, height) = self._rows, self.size
        self._rows = draw_all(self._plots, width, height, self._look.ascii, self._zoom)
        if len(before) != len(self._rows):
            self.refresh()
            return
        changed = [Region(0, y, width, 1) for y, row in enumerate(self._rows) if row != before[y]]
        if changed:
            self.refresh(*changed)


def _over(base: Style, role: str, theme: str) -> Style:
    return base + _style(role, theme) if role else base
