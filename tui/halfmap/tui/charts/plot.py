"""What a chart shows, said once; a terminal, a pipe and an SVG file draw the same description."""

from dataclasses import dataclass
from typing import Literal

Scale = Literal["linear", "log", "reciprocal"]
"""How an axis runs. ``reciprocal``: values are distances d (Å) and lie at 1/d, so that finer is further."""

Line = Literal["line", "stairs", "points", "bars"]
"""How the points of a series are joined; ``stairs`` holds each value until the next point."""

Role = Literal[
    "first",
    "second",
    "third",
    "fourth",
    "overlay",
    "faded",
    "level",
    "mark",
    "cursor",
    "axis",
    "title",
    "note",
    "final",
    "alarm",
]
"""What something is in a chart; `halfmap.tui.palette` gives each role its colour in each theme."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis.

    Attributes
    ----------
    label
        Short, with the unit: ``iteration``, ``Å``, ``1/Å``, ``°``.
    scale
        See `Scale`.
    low, high
        Ends in the values of the data; None to follow the data. For ``reciprocal`` `low` is the coarser end (larger Å).
    whole
        Ticks only at whole numbers.
    """

    label: str = ""
    scale: Scale = "linear"
    low: float | None = None
    high: float | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A curve.

    Attributes
    ----------
    name
        For the legend; empty for none.
    x, y
        Values; NaN (or None) leaves a gap.
    role, line
        What it is, and how its points are joined.
    glyph
        A letter that marks its points where colours are not told apart; empty for none.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    role: Role = "first"
    line: Line = "line"
    glyph: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line, such as FSC 0.143."""

    y: float
    name: str
    role: Role = "level"


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line, such as Nyquist or the begin of local searches."""

    x: float
    name: str
    role: Role = "mark"


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart.

    Attributes
    ----------
    title
        A few words.
    series
        Painted in this order: later ones lie on top.
    levels, marks
        Lines across, with their names.
    cursor_x
        Where the cursor stands, in values of x; None for nowhere.
    notes
        Sentences under the chart: crossings, values at the cursor. Colour is never the only carrier.
    empty
        What to say where there is nothing to draw.
    """

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    levels: tuple[Level, ...] = ()
    marks: tuple[Mark, ...] = ()
    cursor_x: float | None = None
    notes: tuple[str, ...] = ()
    empty: str = "nothing to draw yet"
