"""A pane that holds charts of a job's course."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult

from halfmap.tui.charts.plot import Plot
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.widgets.panes.chart import Chart
from halfmap.tui.widgets.panes.pane import Pane


class ChartPane(Pane):
    """Draws the plots that a subclass makes of a picture."""

    DEFAULT_CSS: ClassVar[str] = """
    ChartPane {
        height: 1fr;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.chart = Chart()

    def compose(self) -> ComposeResult:
        """One widget draws all plots, so that Tab has one stop in a pane."""
        yield self.chart

    def plots(self, picture: JobPicture) -> Sequence[Plot]:
        """Make the plots of a picture, most important first."""
        raise NotImplementedError

    def show(self, picture: JobPicture) -> None:
        """Draw a picture."""
        self.chart.plots = tuple(self.plots(picture))
