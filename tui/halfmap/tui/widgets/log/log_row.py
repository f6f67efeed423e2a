"""A line of a log as a row of the screen."""

from dataclasses import dataclass
from math import ceil

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from halfmap.tui.palette import style_of
from halfmap.tui.text.log_match import Marks
from halfmap.tui.text.log_text import RawLine, is_error, is_warning, shown, size_text

_PLAIN = Style.null()
_MARKED = Style(reverse=True)
_HIT = Style(reverse=True, bold=True, underline=True)


@dataclass(frozen=True, slots=True)
class RowLook:
    """How rows are drawn.

    Attributes
    ----------
    column
        How many cells are left out at the left.
    """

    width: int = 0
    column: int = 0
    ascii: bool = False
    theme: str = "dark"


def row(line: RawLine, look: RowLook, marks: Marks | None, is_hit: bool) -> Strip:
    """Draw a line, cut to its place; what is missing at either side has a sign there."""
    text = shown(line.kept, look.ascii, look.column + look.width + 1)
    whole = Strip(_segments(text, _style(text, look.theme), marks.spans(text) if marks else (), is_hit))
    if line.missing and whole.cell_length <= look.column + look.width:
        note = f"{'...' if look.ascii else '…'} {size_text(line.missing)} more in this line"
        whole = Strip([*whole, Segment(note, style_of("note", look.theme))])
    return _cut(whole, look)


def column_of(line: RawLine, look: RowLook, marks: Marks) -> int:
    """Tell how far to the side to go so that the first match of a line is seen."""
    text = shown(line.kept, look.ascii)
    spans = marks.spans(text)
    if not spans:
        return look.column
    low, high = (Strip([Segment(text[:place])]).cell_length for place in spans[0])
    if look.column < low and high < look.column + look.width:
        return look.column
    return 0 if high < look.width else max(0, low - look.width // 2)


def thumb_of(lines: int, height: int, top: float) -> tuple[int, int]:
    """Tell where a scroll bar's thumb begins and ends, in eighths of a row: as finely as it is drawn."""
    if lines <= height or height < 1:
        return (0, 0)
    length = max(1.0, height * height / lines)
    begin = int((height - length) * top / (lines - height) * 8)
    return begin, begin + ceil(length * 8)


def _style(text: str, theme: str) -> Style:
    if is_error(text):
        return style_of("alarm", theme)
    return style_of("second", theme) if is_warning(text) else _PLAIN


def _segments(text: str, style: Style, spans: tuple[tuple[int, int], ...], is_hit: bool) -> list[Segment]:
    segments = []
    place = 0
    for low, high in spans:
        segments += [Segment(text[place:low], style), Segment(text[low:high], style + (_HIT if is_hit else _MARKED))]
        place = high
    return [one for one in (*segments, Segment(text[place:], style)) if one.text]


def _cut(whole: Strip, look: RowLook) -> Strip:
    end = look.column + look.width
    if look.width < 1:
        return Strip([])
    after = (">" if look.ascii else "…") if whole.cell_length > end else ""
    is_cut = look.column > 0 and whole.cell_length > 0 and len(after) < look.width
    before = ("<" if look.ascii else "…") if is_cut else ""
    if not before and not after:
        return whole
    low = look.column + len(before)
    seen = list(whole.crop(low, max(low, end - len(after))))
    # in the style of what stands beside it: another one would have to be sent for every row
    style = seen[-1].style if seen and not (seen[-1].style or _PLAIN).reverse else _PLAIN
    return Strip([*([Segment(before)] if before else []), *seen, *([Segment(after, style)] if after else [])])
