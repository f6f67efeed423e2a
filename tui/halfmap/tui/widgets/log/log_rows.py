"""The rows of a log, and its scroll bar: drawn where they are others than before, and nowhere else."""

from dataclasses import replace
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from halfmap.tui.files.text_file import TextState
from halfmap.tui.files.text_lines import Lines
from halfmap.tui.palette import style_of
from halfmap.tui.text.log_match import Marks
from halfmap.tui.text.log_text import RawLine
from halfmap.tui.text.plain import in_ascii
from halfmap.tui.widgets.log.log_row import RowLook, row, thumb_of


class LogRows(ScrollView, inherit_bindings=False):
    """Draws lines of a log; it reads nothing itself.

    Attributes
    ----------
    state
        How the file was.
    lines
        Those that were read.
    hit
        Number of the line that was found; None if none was.
    look
        How rows are drawn.
    """

    DEFAULT_CSS: ClassVar[str] = """
    LogRows {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, ascii_only: bool = False, theme: str = "dark") -> None:
        super().__init__()
        self.state = TextState()
        self.lines = Lines()
        self.hit: int | None = None
        self.look = RowLook(0, 0, ascii_only, theme)
        self._marks: Marks | None = None
        self._absence = ""
        self._drawn: list[tuple[RawLine | None, bool]] = []
        self._said = ""
        self._thumb = (0, 0)

    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen."""
        line, is_hit = self._row_at(y)
        look = self.look
        drawn = row(line, look, self._marks, is_hit) if line is not None else Strip(self._notice_at(y))
        return drawn.adjust_cell_length(look.width).apply_style(self.rich_style)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def explain(self, absence: str) -> None:
        """Tell why there is nothing, if there is nothing; empty for what the file itself tells."""
        if absence != self._absence:
            self._absence = absence
            self.redraw()

    def mark(self, marks: Marks | None) -> None:
        """Mark what matches; None for nothing."""
        if marks is self._marks:
            return
        self._marks = marks
        self.hit = self.hit if marks else None
        self.redraw_all()

    def shift_to(self, column: int) -> None:
        """Leave out so many cells of all lines at the left."""
        if column != self.look.column:
            self.look = replace(self.look, column=column)
            self.redraw_all()

    def set_length(self, lines: int) -> None:
        """Take note of how many lines there are."""
        # Textual would lay the whole screen out anew and draw all rows
        self.set_reactive(LogRows.virtual_size, Size(0, lines))
        self.move_bar()

    @property
    def is_marked(self) -> bool:
        """Whether anything is marked."""
        return self._marks is not None

    @property
    def height(self) -> int:
        """How many lines fit."""
        return max(1, self.size.height)

    @property
    def notice(self) -> str:
        """What is said where there are no lines."""
        return "" if self.state.lines else self._absence

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _row_at(self, y: int) -> tuple[RawLine | None, bool]:
        number = self.state.first + self.scroll_offset.y + y
        return self.lines.get(number), number == self.hit

    def _notice_at(self, y: int) -> list[Segment]:
        text = in_ascii(self.notice) if self.look.ascii else self.notice
        rows = wrap(text, self.look.width) if text and self.look.width > 0 else []
        return [Segment(rows[y], style_of("note", self.look.theme))] if y < len(rows) else []

    def redraw(self) -> None:
        """Draw those rows that are others than before."""
        rows = [self._row_at(y) for y in range(self.size.height)]
        before, self._drawn = self._drawn, rows
        said, self._said = self._said, self.notice
        if len(before) != len(rows) or said != self._said:
            self.refresh()
            return
        changed = [Region(0, y, self.look.width, 1) for y, one in enumerate(rows) if one != before[y]]
        if changed:
            self.refresh(*changed)

    def redraw_all(self) -> None:
        """Draw all rows."""
        self._drawn = []
        self.redraw()

    def move_bar(self) -> None:
        """Draw the scroll bar if its thumb is elsewhere than before."""
        bar, lines, height = self.vertical_scrollbar, self.virtual_size.height, self.size.height
        thumb = thumb_of(lines, height, self.scroll_y)
        bar.set_reactive(ScrollBar.window_virtual_size, lines)
        bar.set_reactive(ScrollBar.window_size, height)
        bar.set_reactive(ScrollBar.position, self.scroll_y)
        if thumb != self._thumb:
            self._thumb = thumb
            bar.refresh()
