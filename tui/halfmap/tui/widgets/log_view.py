"""A window on a log of any size: only the lines that are seen, and some around them, are ever read."""

from functools import partial
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import MouseScrollUp, Resize, Show
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollTo, ScrollUp
from textual.strip import Strip

from halfmap.tui.files.patient import Unanswered
from halfmap.tui.files.text_feed import TextFeed
from halfmap.tui.files.text_file import TextState
from halfmap.tui.files.text_lines import Lines
from halfmap.tui.files.text_page import Page, Wanted, page_of
from halfmap.tui.palette import style_of
from halfmap.tui.text.log_match import Marks
from halfmap.tui.text.log_text import RawLine
from halfmap.tui.text.log_words import notice_of
from halfmap.tui.text.plain import in_ascii
from halfmap.tui.widgets.log_row import RowLook, column_of, row, thumb_of

LOOK_S = 0.5
"""How often a log that is seen is looked at (s)."""
_SOON_S = 0.1
_PAGES_AROUND = 2
# further back than any line; the first one, once it is known
_FIRST = -(1 << 62)


class LogView(ScrollView, inherit_bindings=False):
    """Shows a log, from its end on, and follows it as it grows.

    Attributes
    ----------
    feed
        The file; None for none.
    state
        How the file was.
    follows
        Whether the last line stays in sight.
    hit
        Number of the line that was found; None if none was.
    answers
        Whether the file system does.
    """

    DEFAULT_CSS: ClassVar[str] = """
    LogView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next line", show=False),
        Binding("k,up", "move(-1)", "Line before", show=False),
        Binding("pagedown", "turn(1)", "Next page", show=False),
        Binding("pageup", "turn(-1)", "Page before", show=False),
        Binding("g,home", "first", "First line", show=False),
        Binding("G,end", "last", "Last line, and follow", show=False),
        Binding("f", "follow", "follow", tooltip="Follow the growing output, or stay"),
        Binding("shift+right,right_parenthesis", "sideways(1)", "Long lines: to the right", show=False),
        Binding("shift+left,left_parenthesis", "sideways(-1)", "Long lines: to the left", show=False),
        Binding("0", "sideways(0)", "Long lines: to the beginning", show=False),
    ]
    TITLE: ClassVar[str] = "Output: lines"
    can_focus = True

    class Changed(Message):
        """What is seen, or what is known of the file, is another."""

    class Moved(Message):
        """Somebody has gone elsewhere in the log."""

    def __init__(self, ascii_only: bool = False, theme: str = "dark") -> None:
        super().__init__()
        self.feed: TextFeed | None = None
        self.state = TextState()
        self.follows = True
        self.hit: int | None = None
        self.answers = True
        self._absence = ""
        self._lines = Lines()
        self._marks: Marks | None = None
        self._look = RowLook(0, 0, ascii_only, theme)
        # the line that is to be the first in sight, while it is being read
        self._wanted: int | None = None
        # whether the match in the line that was found is still to be brought in sight
        self._reveals = False
        self._is_looking = False
        self._is_placing = False
        self._thumb = (0, 0)
        self._drawn: list[tuple[RawLine | None, bool]] = []
        self._said = ""
        self._told: tuple[object, ...] = ()

    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen."""
        line, is_hit = self._row_at(y)
        look = self._look
        drawn = row(line, look, self._marks, is_hit) if line is not None else Strip(self._notice_at(y))
        return drawn.adjust_cell_length(look.width).apply_style(self.rich_style)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def show_feed(self, feed: TextFeed | None) -> None:
        """Show a file, from its end on; None for none."""
        self.feed = feed
        self.state, self._lines = TextState(), Lines()
        self.hit, self._wanted, self.follows, self.answers = None, None, True, True
        self._shift_to(0)
        self._set_length(0)
        self._redraw()
        self._tick()

    def explain(self, absence: str) -> None:
        """Tell why there is nothing, if there is nothing; empty for what the file itself tells."""
        if absence != self._absence:
            self._absence = absence
            self._redraw()

    def mark(self, marks: Marks | None) -> None:
        """Mark what matches; None for nothing."""
        if marks is self._marks:
            return
        self._marks = marks
        self.hit = self.hit if marks else None
        self._redraw_all()

    def go_to(self, number: int) -> None:
        """Show a line that was found, with what stands before it."""
        self.follows, self.hit, self._reveals = False, number, True
        self._want(self.top if self.is_in_sight(number) else number - self.height // 3)

    @property
    def is_marked(self) -> bool:
        """Whether anything is marked."""
        return self._marks is not None

    @property
    def height(self) -> int:
        """How many lines fit."""
        return max(1, self.size.height)

    @property
    def top(self) -> int:
        """Number of the first line in sight."""
        shown = self.state.first + self.scroll_offset.y
        return shown if self._wanted is None else self._within(self._wanted)

    def is_in_sight(self, number: int) -> bool:
        """Whether a line is seen."""
        return self.top <= number < self.top + self.height

    # --- reading -----------------------------------------------------------------------------------------------------

    @property
    def is_seen(self) -> bool:
        """Whether it is on the screen, and no other screen lies over it."""
        return self.is_attached and self.screen.is_active and bool(self.size) and self.is_on_screen

    def _tick(self) -> None:
        if self.feed is None or self._is_looking or self.feed.is_busy or not self.is_seen:
            return
        self._is_looking = True
        self.run_worker(self._read(self.feed), group="log", exit_on_error=True)

    async def _read(self, feed: TextFeed) -> None:
        try:
            is_done = False
            while not is_done and feed is self.feed:
                page = await feed.ask(partial(page_of, wanted=self._question()))
                is_done = feed is not self.feed or self._take(page)
        except Unanswered:
            self._wanted, self.answers = None, False
            self._tell()
        finally:
            self._is_looking = False
        if feed is not self.feed:
            self._tick()

    def _question(self) -> Wanted:
        around = _PAGES_AROUND * self.height
        is_at_end = self.follows and self._wanted is None
        return Wanted(None if is_at_end else self.top - around, self.height + 2 * around, self.state, self._lines)

    def _take(self, page: Page) -> bool:
        """Show what was read; false if other lines are wanted by now."""
        is_another = page.state.generation != self.state.generation
        if is_another:
            self.follows, self._wanted, self.hit = True, None, None
            # its lines are counted in a moment
            self.set_timer(_SOON_S, self._tick)
        top = self.top
        self.state, self.answers = page.state, True
        self._lines = page.lines if page.lines is not None else self._lines
        self._set_length(self.state.lines)
        if self._wanted is not None:
            top = self._within(self._wanted)
            if not self._is_read(top):
                return False
            self._wanted = self._wanted if self._wanted < self.state.first and self.state.to_count else None
        self._place(self.state.end if self.follows else top)
        return True

    # --- where -------------------------------------------------------------------------------------------------------

    def _within(self, number: int) -> int:
        return max(self.state.first, min(number, self.state.end - self.height))

    def _is_read(self, top: int, around: int = 0) -> bool:
        low, high = max(top - around, self.state.first), min(top + self.height + around, self.state.end)
        return self._lines.first <= low and high <= self._lines.end

    def _want(self, number: int) -> None:
        """Show lines from a number on, as soon as they are read."""
        top = self._within(number)
        self._wanted = None
        if self._is_read(top):
            self._place(top)
        if number < self.state.first or not self._is_read(top, self.height):
            self._wanted = number if number < self.state.first or not self._is_read(top) else None
            self._tick()

    def _place(self, top: int) -> None:
        self._is_placing = True
        self.scroll_to(y=self._within(top) - self.state.first, animate=False, force=True)
        self._is_placing = False
        found = None if self.hit is None else self._lines.get(self.hit)
        if self._reveals and found is not None and self._marks is not None:
            self._reveals = False
            self._shift_to(column_of(found, self._look, self._marks))
        self._redraw()
        self._tell()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw what is in sight; read it first if the mouse went far."""
        self._move_bar()
        if not self._is_placing and round(old_value) != round(new_value):
            self._redraw()
            self._tell()
            if not self._is_read(self.top, self.height):
                self._tick()

    def _set_length(self, lines: int) -> None:
        # Textual would lay the whole screen out anew and draw all rows
        self.set_reactive(LogView.virtual_size, Size(0, lines))
        self._move_bar()

    def _move_bar(self) -> None:
        """Draw the scroll bar if its thumb is elsewhere than before."""
        bar, lines, height = self.vertical_scrollbar, self.virtual_size.height, self.size.height
        thumb = thumb_of(lines, height, self.scroll_y)
        bar.set_reactive(ScrollBar.window_virtual_size, lines)
        bar.set_reactive(ScrollBar.window_size, height)
        bar.set_reactive(ScrollBar.position, self.scroll_y)
        if thumb != self._thumb:
            self._thumb = thumb
            bar.refresh()

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _row_at(self, y: int) -> tuple[RawLine | None, bool]:
        number = self.state.first + self.scroll_offset.y + y
        return self._lines.get(number), number == self.hit

    @property
    def notice(self) -> str:
        """What is said where there are no lines."""
        if self.state.lines or self._absence:
            return "" if self.state.lines else self._absence
        return "" if self.feed is None else notice_of(self.state, self.feed.path.name)

    def _notice_at(self, y: int) -> list[Segment]:
        text = in_ascii(self.notice) if self._look.ascii else self.notice
        rows = wrap(text, self._look.width) if text and self._look.width > 0 else []
        return [Segment(rows[y], style_of("note", self._look.theme))] if y < len(rows) else []

    def _redraw(self) -> None:
        """Draw those rows that are others than before."""
        rows = [self._row_at(y) for y in range(self.size.height)]
        before, self._drawn = self._drawn, rows
        said, self._said = self._said, self.notice
        if len(before) != len(rows) or said != self._said:
            self.refresh()
            return
        changed = [Region(0, y, self._look.width, 1) for y, one in enumerate(rows) if one != before[y]]
        if changed:
            self.refresh(*changed)

    def _redraw_all(self) -> None:
        self._drawn = []
        self._redraw()

    def _tell(self) -> None:
        told = (self.state, self.top, self.height, self.follows, self.answers)
        if told != self._told:
            self._told = told
            self.post_message(self.Changed())

    # --- events ------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Look twice a second, if seen."""
        self.set_interval(LOOK_S, self._tick)

    def on_show(self, _: Show) -> None:
        """Look at once."""
        self._tick()

    def on_resize(self, _: Resize) -> None:
        """Fit the rows; the end stays in sight if it is followed."""
        self._look = RowLook(
            self.scrollable_content_region.width, self._look.column, self._look.ascii, self._look.theme
        )
        if self.follows:
            self._place(self.state.end)
        self._redraw_all()
        self._tell()
        self._tick()

    def on_mouse_scroll_up(self, _: MouseScrollUp) -> None:
        """Stop following."""
        self._stay()

    def on_scroll_up(self, _: ScrollUp) -> None:
        """Stop following."""
        self._stay()

    def on_scroll_to(self, _: ScrollTo) -> None:
        """Stop following."""
        self._stay()

    def _stay(self) -> None:
        self.post_message(self.Moved())
        self.follows = False
        self._tell()

    # --- actions -----------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Go some lines on."""
        self.post_message(self.Moved())
        self.follows = self.follows and by > 0
        self._want(self.top + by)

    def action_turn(self, pages: int) -> None:
        """Go some pages on; a line of the one before stays."""
        self.action_move(pages * max(1, self.height - 1))

    def action_first(self) -> None:
        """Go to the first line, as soon as it is known."""
        self.post_message(self.Moved())
        self.follows = False
        self._want(_FIRST)

    def action_last(self) -> None:
        """Go to the last line, and follow."""
        self.post_message(self.Moved())
        self.follows = True
        self._want(self.state.end)

    def action_follow(self) -> None:
        """Follow, or stay."""
        if self.follows:
            self._stay()
        else:
            self.action_last()

    def action_sideways(self, by: int) -> None:
        """Go half a width to the side, or to the beginning of the lines for 0."""
        step = by * max(1, self._look.width // 2)
        self._shift_to(max(0, self._look.column + step) if by else 0)

    def _shift_to(self, column: int) -> None:
        if column != self._look.column:
            self._look = RowLook(self._look.width, column, self._look.ascii, self._look.theme)
            self._redraw_all()
