"""Scroll bars of ASCII signs."""

import math

from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBar, ScrollBarRender


class AsciiScrollBar(ScrollBarRender):
    """Draws a bar of ``#`` on ``|`` (upright) or ``-`` (lying)."""

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: object = None,  # noqa: ARG003
        bar_color: object = None,  # noqa: ARG003
    ) -> Segments:
        """Draw it."""
        first, last = _thumb(size, virtual_size, window_size, position)
        empty = "|" if vertical else "-"
        cells = ["#" if first <= place < last else empty for place in range(size)]
        if not vertical:
            return Segments([Segment("".join(cells), Style.null())] * thickness, new_lines=True)
        return Segments([Segment(cell * thickness, Style.null()) for cell in cells], new_lines=True)


def _thumb(size: int, virtual_size: float, window_size: float, position: float) -> tuple[int, int]:
    """Give the first cell of the bar and the one after its last."""
    if not (size and virtual_size and window_size and size != virtual_size):
        return 0, 0
    length = max(1, math.ceil(window_size / virtual_size * size))
    room = max(1.0, virtual_size - window_size)
    first = round((size - length) * min(1.0, position / room))
    return first, first + length


def choose_scroll_bars(is_ascii: bool) -> None:
    """Draw all scroll bars so, or as Textual does, from now on."""
    ScrollBar.renderer = AsciiScrollBar if is_ascii else ScrollBarRender
