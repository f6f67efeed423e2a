"""The curves of a report, as SVG within the page; on a dark screen their colours are those of the dark theme."""

from collections.abc import Iterator, Sequence
from typing import get_args

from halfmap.daemon.client import CardSample
from halfmap.tui.charts import time
from halfmap.tui.charts.all import CHARTS
from halfmap.tui.charts.plot import Plot, Role
from halfmap.tui.charts.svg_parts import colour_of
from halfmap.tui.charts.to_svg import as_svg
from halfmap.tui.job.course import Course
from halfmap.tui.palette import style_of
from halfmap.tui.report.elements import Markup, element, section

_WIDTH_PX, _HEIGHT_PX = 560, 320
# not of a role: the ground, and the lines across
_GROUND, _ACROSS = "#ffffff", "#e8e8e8"


def plots_of(
    name: str, course: Course, cursor: int | None = None, samples: Sequence[CardSample] = ()
) -> tuple[Plot, ...]:
    """Make a chart's plots; `samples` tell what the job's cards did."""
    return time.plots(course, cursor, (), samples) if name == "time" else CHARTS[name](course, cursor)


def curves_section(course: Course, samples: Sequence[CardSample]) -> Markup:
    """Draw all charts of a course; nothing before the first iteration."""
    if not course.iterations:
        return Markup()
    plots = [plot for name in CHARTS for plot in plots_of(name, course, samples=samples)]
    drawn = (element("figure", Markup(as_svg(plot, _WIDTH_PX, _HEIGHT_PX))) for plot in plots)
    return section("Curves", element("div", *drawn, class_="curves"))


def dark_colours() -> str:
    """Give the style that turns the pictures' colours into those of the dark theme."""
    rules = "\n".join(f"  {rule}" for rule in _rules())
    return f"@media screen and (prefers-color-scheme: dark) {{\n{rules}\n}}\n"


def _rules() -> Iterator[str]:
    yield f'.curves [fill="{_GROUND}"] {{ fill: var(--paper); }}'
    yield f'.curves [stroke="{_ACROSS}"] {{ stroke: var(--line); }}'
    told = set[str]()
    for role in get_args(Role):
        light, dark = colour_of(role), style_of(role, "dark").color
        if light in told:
            continue
        told.add(light)
        colour = dark.name if dark is not None else "var(--ink)"
        yield f'.curves [fill="{light}"] {{ fill: {colour}; }} .curves [stroke="{light}"] {{ stroke: {colour}; }}'
