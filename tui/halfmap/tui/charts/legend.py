"""What a plot is and which curve is which, in a row."""

import itertools

from rich.cells import cell_len

from halfmap.tui.charts.plot import Plot, Series
from halfmap.tui.charts.runs import Row, Run
from halfmap.tui.text.plain import cut, in_ascii

_LONGEST = 28
_APART = "  "


def title_row(plot: Plot, width: int, ascii_only: bool) -> Row:
    """Write the title, the unit of y and the names of the curves, those on top first.

    With little room the title is left out if that helps, else names of curves that lie below.
    """
    unit = f"({plot.y.label})" if plot.y.label and plot.y.label not in plot.title else ""
    title = [Run(plot.title, "title"), *([Run(f" {unit}", "axis")] if unit else [])]
    named = [series for series in reversed(plot.series) if series.name]
    short = [Run(unit, "axis")] if unit else []
    for heading, longest in itertools.product((title, short), (_LONGEST, _LONGEST // 2)):
        entries = [_entry(series, longest, ascii_only) for series in named]
        if _size([*heading, *entries]) <= width:
            return _without_gap([*heading, *entries])
    return _without_gap(_as_many_as_fit(title, named, width, ascii_only))


def _without_gap(row: list[Run]) -> Row:
    return (Run(row[0].text.lstrip(), row[0].role), *row[1:]) if row else ()


def _entry(series: Series, longest: int, ascii_only: bool) -> Run:
    sample = series.glyph[:1] or ("-" if ascii_only else "─")
    name = cut(series.name, longest)
    return Run(f"{_APART}{sample} {in_ascii(name) if ascii_only else name}", series.role)


def _as_many_as_fit(heading: list[Run], named: list[Series], width: int, ascii_only: bool) -> list[Run]:
    """Write some curves with short names, then a sign that there are more."""
    row = heading
    for series in named:
        entry = _entry(series, _LONGEST // 2, ascii_only)
        if _size(row) + cell_len(entry.text) > width - 2:
            return [*row, Run("~" if ascii_only else "…", "axis")]
        row = [*row, entry]
    return row


def _size(runs: list[Run]) -> int:
    return sum(cell_len(run.text) for run in runs)
