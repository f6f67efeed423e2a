"""The pane with Fourier shell correlations."""

from collections.abc import Sequence

from halfmap.tui.charts import fsc
from halfmap.tui.charts.plot import Plot
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.widgets.panes.chart_pane import ChartPane


class FscPane(ChartPane):
    """Shows the curve of an iteration over those before it."""

    TITLE = "FSC"
    KEY = "3"

    def plots(self, picture: JobPicture) -> Sequence[Plot]:
        """Make the plot of the curves."""
        return fsc.plots(picture.course, picture.cursor, picture.overlays)
