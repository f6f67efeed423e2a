"""A log with its search and a line that tells where one is."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widgets import Input, Static
from textual.worker import Worker

from halfmap.tui.files.text_feed import TextFeed
from halfmap.tui.text.log_match import ERROR_LINES, BadExpression, Expression, Marks, expression_of
from halfmap.tui.text.log_status import Place, status_text
from halfmap.tui.widgets.log.log_search import Progress, Sought, find, start_of
from halfmap.tui.widgets.log.log_view import LogView


class LogPanel(Vertical):
    """Shows a log, searches it, and tells where one is.

    Parameters
    ----------
    ascii_only, theme
        How things are drawn.
    """

    DEFAULT_CSS: ClassVar[str] = """
    LogPanel { height: 1fr; }
    LogPanel > .log-status { height: 1; width: 1fr; color: $text-muted; }
    LogPanel > .log-question { display: none; height: 1; }
    LogPanel .log-question > Static { width: auto; }
    LogPanel .log-question > Input { width: 1fr; }
    LogPanel.-asks > .log-question { display: block; }
    LogPanel.-asks > .log-status { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask", "search", tooltip="Search (a regular expression; capitals matter if there are any)"),
        Binding("E", "error", "next error", tooltip="Next line that tells of an error"),
        Binding("n", "again(False)", "Next match", show=False),
        Binding("N", "again(True)", "Match before", show=False),
        Binding("escape", "leave", "end search", tooltip="End the search, take its marks away"),
    ]
    TITLE: ClassVar[str] = "Output: search"

    def __init__(self, ascii_only: bool = False, theme: str = "dark") -> None:
        super().__init__()
        self._ascii, self._theme = ascii_only, theme
        self._expression: Expression | None = None
        self._search: Worker[None] | None = None
        self._message = ""
        self._could_leave = False

    def compose(self) -> ComposeResult:
        """The log; below it where one is, or what to search for."""
        yield LogView(self._ascii, self._theme)
        yield Static("", classes="log-status", markup=False)
        with Horizontal(classes="log-question"):
            yield Static("search: ", markup=False)
            yield Input(placeholder="a regular expression", compact=True)

    @property
    def view(self) -> LogView:
        """The log itself."""
        return self.query_one(LogView)

    def show_feed(self, feed: TextFeed | None) -> None:
        """Show another file."""
        self._stop()
        self._tell("")
        self.view.show_feed(feed)

    # --- events ------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Let the line for the search not blink: nothing is drawn while nothing happens."""
        self.query_one(Input).cursor_blink = False

    def on_log_window_changed(self, event: LogView.Changed) -> None:
        """Tell where one is."""
        event.stop()
        self._show_status()

    def on_log_view_moved(self, event: LogView.Moved) -> None:
        """What was said belongs to another place."""
        event.stop()
        if self._message and not self._is_searching:
            self._tell("")

    def on_resize(self, _: Resize) -> None:
        """Fit the line."""
        self._show_status()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search for what was typed; for the same again if nothing was."""
        event.stop()
        typed = event.value
        self._close_question()
        if not typed:
            self.action_again(False)
            return
        try:
            self._expression = expression_of(typed)
        except BadExpression as error:
            self._tell(f"{error}.")
            return
        self._begin(self._expression, False)

    def on_input_blurred(self, event: Input.Blurred) -> None:
        """Ask no more."""
        event.stop()
        self.remove_class("-asks")
        self._renew_keys()

    # --- actions -----------------------------------------------------------------------------------------------------

    def action_ask(self) -> None:
        """Ask what to search for."""
        asked = self.query_one(Input)
        asked.value = ""
        self.add_class("-asks")
        asked.focus()
        self._renew_keys()

    def action_again(self, is_backward: bool) -> None:
        """Go to the next match, or the one before."""
        if self._expression is None:
            self._tell("nothing was searched for yet: / searches, E finds errors.")
        elif not self._is_searching:
            self._begin(self._expression, is_backward)

    def action_error(self) -> None:
        """Go to the next line that tells of an error."""
        if self._expression is ERROR_LINES:
            self.action_again(False)
        else:
            self._expression = ERROR_LINES
            self._begin(ERROR_LINES, False)

    def action_leave(self) -> None:
        """End what was begun last: the question, the search, the marks."""
        if self.has_class("-asks"):
            self._close_question()
        elif self._is_searching:
            self._stop()
            self._tell("the search was ended.")
        else:
            self.view.mark(None)
            self._tell("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Esc to the screen while there is nothing to end."""
        if action == "leave":
            return self.is_mounted and (self.has_class("-asks") or self._is_searching or self.view.is_marked)
        return super().check_action(action, parameters)

    def _close_question(self) -> None:
        self.remove_class("-asks")
        self.view.focus()
        self._renew_keys()

    # --- searching ---------------------------------------------------------------------------------------------------

    def _begin(self, expression: Expression, is_backward: bool) -> None:
        self._stop()
        feed = self.view.feed
        if feed is None:
            self._tell("there is no file to search.")
            return
        self._tell("")
        self.view.mark(Marks(expression))
        self._search = self.run_worker(self._find(feed, expression, is_backward), group="search", exclusive=True)
        self._renew_keys()

    async def _find(self, feed: TextFeed, expression: Expression, is_backward: bool) -> None:
        wanted = Sought(expression, start_of(self.view, is_backward), self.view.state.size, is_backward, self._ascii)
        told = await find(feed, wanted, Progress(self._tell))
        self._tell(told.message)
        if told.number is not None:
            self.view.go_to(told.number)

    @property
    def _is_searching(self) -> bool:
        return self._search is not None and self._search.is_running

    def _stop(self) -> None:
        if self._search is not None:
            self._search.cancel()
            self._search = None

    # --- status ------------------------------------------------------------------------------------------------------

    def _tell(self, message: str) -> None:
        self._message = message
        self._show_status()
        self._renew_keys()

    def _renew_keys(self) -> None:
        can_leave = bool(self.check_action("leave", ()))
        if can_leave != self._could_leave:
            self._could_leave = can_leave
            self.refresh_bindings()

    def _show_status(self) -> None:
        view, shown = self.view, self.query_one(".log-status", Static)
        # its own width is none while it makes room for the question
        width = self.size.width
        text = status_text(self._place(view), self._trouble(view), width, self._ascii) if view.feed else ""
        if text != shown.content:
            shown.update(text, layout=False)

    def _trouble(self, view: LogView) -> str:
        if not view.answers:
            return "the file system does not answer."
        return self._message or (view.state.trouble if view.state.lines else "")

    def _place(self, view: LogView) -> Place:
        state = view.state
        first = view.top - state.first
        last = min(state.lines, first + view.height)
        name = view.feed.path.name if view.feed else ""
        return Place(name, first + 1, last, state.lines, state.size, state.to_count, view.follows)
