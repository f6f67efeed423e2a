"""The pane with the accuracy of alignment and the sampling steps."""

from collections.abc import Sequence

from halfmap.tui.charts import accuracy
from halfmap.tui.charts.plot import Plot
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.widgets.panes.chart_pane import ChartPane


class AccuracyPane(ChartPane):
    """Shows why sampling became finer, or stopped."""

    TITLE = "Accuracy"
    KEY = "2"

    def plots(self, picture: JobPicture) -> Sequence[Plot]:
        """Make the plots of angles and offsets."""
        return accuracy.plots(picture.course, picture.cursor, picture.overlays)
