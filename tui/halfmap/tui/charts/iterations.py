"""The axis of iterations. While a job runs, its end stays for some iterations, so that little is drawn anew."""

from collections.abc import Sequence

from halfmap.tui.charts.plot import Axis
from halfmap.tui.job.course import Course

_FEW = 30


def iteration_axis(course: Course, overlays: Sequence[Course] = ()) -> Axis:
    """Give an axis from the first iteration to the last; to a round number beyond it while more may come."""
    ends = [one.iterations[-1].iteration for one in (course, *overlays) if one.iterations]
    if not course.iterations or course.iterations[-1].converged:
        return Axis("iteration", whole=True)
    step = 5 if ends[0] <= _FEW else 10
    return Axis("iteration", whole=True, high=float(max(-(-ends[0] // step) * step, *ends)))
