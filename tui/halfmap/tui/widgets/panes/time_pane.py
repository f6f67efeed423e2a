"""The pane with times, memory and cards."""

from collections.abc import Sequence

from halfmap.tui.charts import time
from halfmap.tui.charts.plot import Plot
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.widgets.panes.chart_pane import ChartPane


class TimePane(ChartPane):
    """Shows seconds by phase, memory of ranks, and what the cards did."""

    TITLE = "Time"
    KEY = "5"

    def plots(self, picture: JobPicture) -> Sequence[Plot]:
        """Make the plots of time, memory and cards."""
        return time.plots(picture.course, picture.cursor, picture.overlays, picture.samples)
