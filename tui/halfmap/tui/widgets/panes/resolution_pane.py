"""The pane with the resolution of every iteration."""

from collections.abc import Sequence

from halfmap.tui.charts import resolution
from halfmap.tui.charts.plot import Plot
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.widgets.panes.chart_pane import ChartPane


class ResolutionPane(ChartPane):
    """Shows what was reached: in the run, at FSC 0.143, and of the joined map."""

    TITLE = "Resolution"
    KEY = "1"

    def plots(self, picture: JobPicture) -> Sequence[Plot]:
        """Make the plot of the resolution."""
        return resolution.plots(picture.course, picture.cursor, picture.overlays)
