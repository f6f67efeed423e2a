"""A window on a log of any size: only the lines that are seen, and some around them, are ever read."""

from dataclasses import replace
from functools import partial

from textual.events import Resize, Show
from textual.message import Message

from halfmap.tui.files.patient import Unanswered
from halfmap.tui.files.text_feed import TextFeed
from halfmap.tui.files.text_file import TextState
from halfmap.tui.files.text_lines import Lines
from halfmap.tui.files.text_page import Page, Wanted, page_of
from halfmap.tui.text.log_words import notice_of
from halfmap.tui.widgets.log.log_row import column_of
from halfmap.tui.widgets.log.log_rows import LogRows

LOOK_S = 0.5
"""How often a log that is seen is looked at (s)."""
_SOON_S = 0.1
_PAGES_AROUND = 2
FIRST = -(1 << 62)
"""Further back than any line: the first one, once it is known."""


class LogWindow(LogRows):
    """Shows some lines of a log, those of its end at first, and follows it as it grows; it has no keys.

    Attributes
    ----------
    feed
        The file; None for none.
    follows
        Whether the last line stays in sight.
    answers
        Whether the file system does.
    """

    can_focus = True

    class Changed(Message):
        """What is seen, or what is known of the file, is another."""

    def __init__(self, ascii_only: bool = False, theme: str = "dark") -> None:
        super().__init__(ascii_only, theme)
        self.feed: TextFeed | None = None
        self.follows = True
        self.answers = True
        # the line that is to be the first in sight, while it is being read
        self._wanted: int | None = None
        # whether the match in the line that was found is still to be brought in sight
        self._reveals = False
        self._is_looking = False
        self._is_placing = False
        self._told: tuple[object, ...] = ()

    @property
    def notice(self) -> str:
        """What is said where there are no lines."""
        by_file = "" if self.feed is None or self.state.lines else notice_of(self.state, self.feed.path.name)
        return super().notice or by_file

    # --- what is shown -----------------------------------------------------------------------------------------------

    def show_feed(self, feed: TextFeed | None) -> None:
        """Show a file, from its end on; None for none."""
        self.feed = feed
        self.state, self.lines = TextState(), Lines()
        self.hit, self._wanted, self.follows, self.answers = None, None, True, True
        self.shift_to(0)
        self.set_length(0)
        self.redraw()
        self._tick()

    def go_to(self, number: int) -> None:
        """Show a line that was found, with what stands before it."""
        self.follows, self.hit, self._reveals = False, number, True
        self.want(self.top if self.is_in_sight(number) else number - self.height // 3)

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
            self.tell_change()
        finally:
            self._is_looking = False
        if feed is not self.feed:
            self._tick()

    def _question(self) -> Wanted:
        around = _PAGES_AROUND * self.height
        is_at_end = self.follows and self._wanted is None
        return Wanted(None if is_at_end else self.top - around, self.height + 2 * around, self.state, self.lines)

    def _take(self, page: Page) -> bool:
        """Show what was read; false if other lines are wanted by now."""
        is_another = page.state.generation != self.state.generation
        if is_another:
            self.follows, self._wanted, self.hit = True, None, None
            # its lines are counted in a moment
            self.set_timer(_SOON_S, self._tick)
        top = self.top
        self.state, self.answers = page.state, True
        self.lines = page.lines if page.lines is not None else self.lines
        self.set_length(self.state.lines)
        if self._wanted is not None:
            top = self._within(self._wanted)
            if not self._is_read(top) and not page.state.trouble:
                return False
            self._wanted = self._wanted if self._wanted < self.state.first and self.state.to_count else None
        self._place(self.state.end if self.follows else top)
        return True

    # --- where -------------------------------------------------------------------------------------------------------

    def _within(self, number: int) -> int:
        return max(self.state.first, min(number, self.state.end - self.height))

    def _is_read(self, top: int, around: int = 0) -> bool:
        low, high = max(top - around, self.state.first), min(top + self.height + around, self.state.end)
        return self.lines.first <= low and high <= self.lines.end

    def want(self, number: int) -> None:
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
        found = None if self.hit is None else self.lines.get(self.hit)
        if self._reveals and found is not None and self._marks is not None:
            self._reveals = False
            self.shift_to(column_of(found, self.look, self._marks))
        self.redraw()
        self.tell_change()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw what is in sight; read it first if the mouse went far."""
        self.move_bar()
        if not self._is_placing and round(old_value) != round(new_value):
            self.redraw()
            self.tell_change()
            if not self._is_read(self.top, self.height):
                self._tick()

    def tell_change(self) -> None:
        """Say that what is seen or known is another, if it is."""
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
        self.look = replace(self.look, width=self.scrollable_content_region.width)
        if self.follows:
            self._place(self.state.end)
        self.redraw_all()
        self.tell_change()
        self._tick()
