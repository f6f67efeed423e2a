"""The keys and the mouse of a log."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import MouseScrollUp
from textual.message import Message
from textual.scrollbar import ScrollTo, ScrollUp

from halfmap.tui.widgets.log.log_window import FIRST, LogWindow


class LogView(LogWindow):
    """Shows a log and goes where one wants; who goes back is not carried on to the end any more."""

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

    class Moved(Message):
        """Somebody has gone elsewhere in the log."""

    # --- events ------------------------------------------------------------------------------------------------------

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
        self.tell_change()

    # --- actions -----------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Go some lines on."""
        self.post_message(self.Moved())
        self.follows = self.follows and by > 0
        self.want(self.top + by)

    def action_turn(self, pages: int) -> None:
        """Go some pages on; a line of the one before stays."""
        self.action_move(pages * max(1, self.height - 1))

    def action_first(self) -> None:
        """Go to the first line, as soon as it is known."""
        self.post_message(self.Moved())
        self.follows = False
        self.want(FIRST)

    def action_last(self) -> None:
        """Go to the last line, and follow."""
        self.post_message(self.Moved())
        self.follows = True
        self.want(self.state.end)

    def action_follow(self) -> None:
        """Follow, or stay."""
        if self.follows:
            self._stay()
        else:
            self.action_last()

    def action_sideways(self, by: int) -> None:
        """Go half a width to the side, or to the beginning of the lines for 0."""
        step = by * max(1, self.look.width // 2)
        self.shift_to(max(0, self.look.column + step) if by else 0)
