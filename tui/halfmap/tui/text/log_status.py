"""Where one is in a log, in a line."""

from dataclasses import dataclass

from rich.cells import cell_len

from halfmap.tui.text.log_text import size_text
from halfmap.tui.text.plain import cut, in_ascii, plain


@dataclass(frozen=True, slots=True)
class Place:
    """What is seen of a log.

    Attributes
    ----------
    name
        Of the file.
    first, last, lines
        Numbers of the first and last line in sight, from 1 on, and how many lines there are.
    size, to_count
        Of the file, and of what is not counted yet (bytes).
    """

    name: str
    first: int
    last: int
    lines: int
    size: int
    to_count: int = 0
    follows: bool = True


def status_text(place: Place, message: str, width: int, ascii_only: bool = False) -> str:
    """Write it in a width (cells); what matters least is left out first. A message stands in front."""
    parts = [plain(message or place.name), _lines(place)]
    if place.size:
        following = "following" if place.follows else "not following (f)"
        parts += [size_text(place.size)] if message else [following, size_text(place.size)]
    parts = [in_ascii(part) if ascii_only else part for part in parts if part]
    between = " . " if ascii_only else " · "
    while len(parts) > 1 and cell_len(between.join(parts)) > width:
        parts.pop()
    text = cut(between.join(parts), width)
    return in_ascii(text) if ascii_only else text


def _lines(place: Place) -> str:
    if place.to_count:
        return f"{100 * (place.size - place.to_count) // max(1, place.size)} % of the lines counted"
    if not place.lines:
        return ""
    return f"lines {place.first:,}–{place.last:,} of {place.lines:,}"
