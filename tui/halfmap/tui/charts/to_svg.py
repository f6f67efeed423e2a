"""A plot as a picture for a page of HTML: one piece of SVG that needs nothing else, on a light ground."""

import textwrap
from collections.abc import Iterator

from halfmap.tui.charts.frame import Frame, frame_of
from halfmap.tui.charts.plot import Plot
from halfmap.tui.charts.svg_curves import curves, dashes_of, rules
from halfmap.tui.charts.svg_parts import Area, colour_of, harmless, line_at, text_at
from halfmap.tui.charts.ticks import ticks_across, ticks_up
from halfmap.tui.text.plain import cut

_LETTER_PX = 7.0
_LINE_PX = 16.0
_LEFT, _RIGHT, _BELOW = 52.0, 14.0, 34.0
_SAMPLE_PX = 22.0
_LONGEST = 40


def as_svg(plot: Plot, width_px: int, height_px: int) -> str:
    """Draw a plot.

    Texts of the plot may be anybody's: they are escaped, and what cannot be seen is replaced.

    Parameters
    ----------
    plot
        What to show.
    width_px, height_px
        Of the picture; at least 160 by 120 are taken.
    """
    width, height = max(width_px, 160), max(height_px, 120)
    legend, rows = _legend(plot, width)
    lines = [line for note in plot.notes for line in textwrap.wrap(note, int((width - 16) / _LETTER_PX))]
    area = Area(_LEFT, _LINE_PX * (rows + 1.7), width - _RIGHT, height - _BELOW - _LINE_PX * len(lines))
    frame = frame_of(plot)
    if frame is None or area.bottom - area.top < _LINE_PX:
        inside = [text_at(width / 2, height / 2, plot.empty if frame is None else "", "note", "middle")]
    else:
        inside = [*_axes(plot, frame, area), *rules(plot, frame, area), *curves(plot, frame, area)]
    notes = [text_at(8, height - 6 - _LINE_PX * nth, note, "note") for nth, note in enumerate(reversed(lines))]
    title = f"{plot.title} ({plot.y.label})" if plot.y.label else plot.title
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{harmless(title)}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{text_at(8, _LINE_PX, title, "title")}'
        f"{''.join([*legend, *inside, *notes])}</svg>"
    )


def _legend(plot: Plot, width: float) -> tuple[list[str], int]:
    """Name the curves under the title, in as many rows as they take."""
    parts: list[str] = []
    x, row = 8.0, 1
    for series in reversed(plot.series):
        if not series.name:
            continue
        text = f"{series.glyph[:1]} {cut(series.name, _LONGEST)}".strip()
        size = _SAMPLE_PX + 6 + _LETTER_PX * len(text) + 12
        if x > 8 and x + size > width - 8:
            x, row = 8.0, row + 1
        y = _LINE_PX * (row + 1)
        stroke = f'stroke="{colour_of(series.role)}" stroke-width="{8 if series.line == "bars" else 2}"'
        dashes = f'stroke-dasharray="{dashes_of(series)}"'
        parts.append(f'<path d="M{x:.1f} {y - 4:.1f}h{_SAMPLE_PX:.1f}" {stroke} {dashes}/>')
        parts.append(text_at(x + _SAMPLE_PX + 6, y, text, "note"))
        x += size
    return parts, row if parts else 0


def _axes(plot: Plot, frame: Frame, area: Area) -> Iterator[str]:
    """Draw the axes with their values, and faint lines across at those of y."""
    for tick in ticks_up(frame.y, max(int((area.bottom - area.top) / _LINE_PX), 1), plot.y.whole):
        y = area.y(tick.place)
        yield f'<path d="M{area.left:.1f} {y:.1f}H{area.right:.1f}" stroke="#e8e8e8"/>'
        yield text_at(area.left - 6, y + 4, tick.text, "axis", "end")
    for tick in ticks_across(frame.x, int((area.right - area.left) / _LETTER_PX), plot.x.whole):
        x = area.x(tick.place)
        yield line_at(x, area.bottom, x, area.bottom + 4, "axis")
        yield text_at(x, area.bottom + 16, tick.text, "axis", "middle")
    yield line_at(area.left, area.top, area.left, area.bottom, "axis")
    yield line_at(area.left, area.bottom, area.right, area.bottom, "axis")
    yield text_at(area.right, area.bottom + 28, plot.x.label, "axis", "end")
