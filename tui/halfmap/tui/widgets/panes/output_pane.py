"""What a job prints: run.out and run.err."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from halfmap.tui.files.patient import Unanswered
from halfmap.tui.files.text_feed import TextFeed
from halfmap.tui.files.text_file import TextFile
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.text.log_words import missing_of, title_of
from halfmap.tui.text.plain import in_ascii
from halfmap.tui.widgets.log.log_panel import LogPanel
from halfmap.tui.widgets.panes.pane import Pane

_LOOK_S = 2.0


class OutputPane(Pane):
    """Shows what a job prints, as it prints it; `t` changes between what it prints and its errors."""

    TITLE = "Output"
    KEY = "8"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "other", "run.err", tooltip="Change between run.out and run.err")
    ]

    def __init__(self) -> None:
        super().__init__()
        self._paths = ("", "")
        self._feeds: list[TextFeed | None] = [None, None]
        self._shown = 0
        self._errors = 0
        self._title = ""

    def compose(self) -> ComposeResult:
        """What it printed."""
        yield LogPanel(self.look.ascii, self.look.theme)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def show(self, picture: JobPicture) -> None:
        """Show a job's files."""
        panel = self.query_one(LogPanel)
        paths = (picture.files.output, picture.files.error)
        if paths != self._paths:
            self._close()
            self._paths = paths
            self._feeds = [TextFeed(Path(path)) if path else None for path in paths]
            self._show_file(0)
        panel.view.explain(missing_of(picture))

    def _show_file(self, which: int) -> None:
        self._shown = which
        self.query_one(LogPanel).show_feed(self._feeds[which])
        self._show_title()

    def _show_title(self) -> None:
        name, errors = Path(self._paths[1]).name, self._errors if self._shown == 0 else 0
        title = title_of(f"{self.KEY} {self.TITLE}", name if self._shown else "", name, errors)
        title = in_ascii(title) if self.look.ascii else title
        if title != self._title:
            self._title = title
            self.border_title = Content(title)

    # --- events ------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Say what this is, and look now and then whether there are errors."""
        self._show_title()
        self.set_interval(_LOOK_S, self._count_errors)

    def on_unmount(self) -> None:
        """Let go of the files."""
        self._close()

    async def _count_errors(self) -> None:
        feed = self._feeds[1]
        if feed is None or feed.is_busy or self._shown == 1 or not self.query_one(LogPanel).view.is_seen:
            return
        try:
            state = await feed.ask(TextFile.refresh)
        except Unanswered:
            return
        if feed is self._feeds[1] and state.lines != self._errors:
            self._errors = state.lines
            self._show_title()

    def _close(self) -> None:
        for feed in self._feeds:
            if feed is not None:
                feed.close()
        self._feeds, self._errors = [None, None], 0

    # --- actions -----------------------------------------------------------------------------------------------------

    def action_other(self) -> None:
        """Show the other file."""
        self._show_file(1 - self._shown)
