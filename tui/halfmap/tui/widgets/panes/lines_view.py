"""Lines that can be scrolled, drawn one by one."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class LinesView(ScrollView):
    """Shows lines of text; only those that are seen are drawn.

    Attributes
    ----------
    lines
        As they were last set with `show_lines`.
    """

    DEFAULT_CSS = """
    LinesView {
        height: 1fr;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("j", "scroll_down", "Down"),
        ("k", "scroll_up", "Up"),
        ("g", "scroll_home", "First"),
        ("G", "scroll_end", "Last"),
    ]

    can_focus = True

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[Text, ...] = ()

    def show_lines(self, lines: Sequence[Text]) -> None:
        """Show these lines; nothing is drawn if they are those that are shown."""
        if tuple(lines) == self.lines:
            return
        self.lines = tuple(lines)
        self.virtual_size = Size(0, len(self.lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen."""
        width, number = self.size.width, self.scroll_offset.y + y
        if number >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        line = self.lines[number].copy()
        line.truncate(width, overflow="ellipsis")
        segments = [segment for segment in line.render(self.app.console) if segment.text]
        filled = [Segment(one.text, self.rich_style + (one.style or Style.null())) for one in segments]
        return Strip(filled).adjust_cell_length(width, self.rich_style)
