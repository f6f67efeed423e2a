"""The charts of a refinement by their names."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from halfmap.tui.charts import accuracy, changes, fsc, resolution, time
from halfmap.tui.charts.plot import Plot
from halfmap.tui.job.course import Course


class Builder(Protocol):
    """Makes the plots of a chart, most important first."""

    def __call__(self, course: Course, cursor: int | None = None, overlays: Sequence[Course] = ()) -> tuple[Plot, ...]:
        """Draw a course, looked at in an iteration (None: the latest), with other courses behind it."""
        ...


CHARTS: Mapping[str, Builder] = {
    "resolution": resolution.plots,
    "accuracy": accuracy.plots,
    "fsc": fsc.plots,
    "changes": changes.plots,
    "time": time.plots,
}
