"""A plot drawn in characters: rows of runs that a terminal's widget and a pipe both show."""

from dataclasses import replace

from rich.cells import cell_len

from halfmap.tui.charts.axes import LeftAxis, bottom_row
from halfmap.tui.charts.frame import Frame, frame_of
from halfmap.tui.charts.legend import title_row
from halfmap.tui.charts.notes import note_rows
from halfmap.tui.charts.paint import paint
from halfmap.tui.charts.plot import Axis, Plot
from halfmap.tui.charts.raster import ASCII, BRAILLE, Canvas
from halfmap.tui.charts.runs import Row, Run, fitted, merged
from halfmap.tui.text.plain import in_ascii, plain

__all__ = ["Row", "Run", "draw"]

_LEAST_FOR_VALUES_OF_X = 4
_LEAST_FOR_NOTES = 7


def draw(plot: Plot, width: int, height: int, ascii_only: bool, zoom: float = 1.0) -> tuple[Row, ...]:
    """Draw a plot into `height` rows; the texts of each add up to `width` cells.

    What has no room is left out: notes below 7 rows, values of x below 4. A single row holds the first note.

    Parameters
    ----------
    plot
        What to show. Its texts may be anybody's.
    width, height
        In cells; 0 and less give nothing.
    ascii_only
        With ASCII characters only.
    zoom
        Show so many times less of x, about the cursor or the last point.
    """
    if width < 1 or height < 1:
        return ((),) * max(height, 0)
    written = _made_harmless(plot, ascii_only)
    if height == 1 and (first := note_rows(written.notes[:1], width, 1, ascii_only)):
        return (fitted(first[0], width),)
    frame = frame_of(written, zoom)
    notes = note_rows(written.notes, width, _rows_for_notes(height), ascii_only)
    left = height - 1 - len(notes)
    size = width, left
    middle = _nothing(written, size, ascii_only) if frame is None else _curves(written, frame, size, ascii_only)
    return tuple(merged(fitted(row, width)) for row in (title_row(written, width, ascii_only), *middle, *notes))


def _rows_for_notes(height: int) -> int:
    return 0 if height < _LEAST_FOR_NOTES else 1 + (height - _LEAST_FOR_NOTES) // 4


def _nothing(plot: Plot, size: tuple[int, int], ascii_only: bool) -> list[Row]:
    width, height = size
    said = note_rows((plot.empty,), width, height, ascii_only)
    above = (height - len(said)) // 2
    return [*[()] * above, *said, *[()] * (height - len(said) - above)]


def _curves(plot: Plot, frame: Frame, size: tuple[int, int], ascii_only: bool) -> list[Row]:
    width, height = size
    if height < 1:
        return []
    below = 1 if height >= _LEAST_FOR_VALUES_OF_X - 1 else 0
    rows = height - below
    left = LeftAxis(frame, plot.y.whole, rows, width)
    canvas = Canvas(width - left.margin, rows, ASCII if ascii_only else BRAILLE)
    paint(canvas, plot, frame)
    drawn: list[Row] = [(*left.run(row, ascii_only), *runs) for row, runs in enumerate(canvas.rows())]
    if below:
        values = bottom_row(frame, plot.x.whole, plot.x.label, canvas.width)
        drawn.append((Run(" " * left.margin + values, "axis"),))
    return drawn


def _made_harmless(plot: Plot, ascii_only: bool) -> Plot:
    """Replace what a terminal would obey or cannot show, in every text; names on the canvas are narrow too."""

    def clean(text: str) -> str:
        return in_ascii(plain(text)) if ascii_only else plain(text)

    def narrow(text: str) -> str:
        return "".join(one if cell_len(one) == 1 else "?" for one in clean(text))

    def labelled(axis: Axis) -> Axis:
        return replace(axis, label=narrow(axis.label))

    return replace(
        plot,
        title=clean(plot.title),
        x=labelled(plot.x),
        y=labelled(plot.y),
        series=tuple(replace(one, name=clean(one.name), glyph=narrow(one.glyph)) for one in plot.series),
        levels=tuple(replace(one, name=narrow(one.name)) for one in plot.levels),
        marks=tuple(replace(one, name=narrow(one.name)) for one in plot.marks),
        notes=tuple(map(clean, plot.notes)),
        empty=clean(plot.empty),
    )
