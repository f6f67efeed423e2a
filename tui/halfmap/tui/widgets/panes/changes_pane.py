"""The pane with what still changes between iterations."""

from collections.abc import Sequence

from halfmap.tui.charts import changes
from halfmap.tui.charts.plot import Plot
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.widgets.panes.chart_pane import ChartPane


class ChangesPane(ChartPane):
    """Shows changes of poses, Pmax, significant samples and log-likelihood."""

    TITLE = "Changes"
    KEY = "4"

    def plots(self, picture: JobPicture) -> Sequence[Plot]:
        """Make the plots of what changes."""
        return changes.plots(picture.course, picture.cursor, picture.overlays)
