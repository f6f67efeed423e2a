"""What panes have in common that read large files: in threads, while they are seen, and with a limit of patience."""

import asyncio
from abc import abstractmethod
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.timer import Timer
from textual.worker import Worker

from halfmap.tui.charts.words import wrapped
from halfmap.tui.files.patient import Beat, Patience, Unanswered
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.text.map_words import longest
from halfmap.tui.text.plain import plain
from halfmap.tui.widgets.panes.borders import room_in_border, write_in_border
from halfmap.tui.widgets.panes.pane import Pane
from halfmap.tui.widgets.panes.rows_view import RowsView

_SAY_READING_S = 0.3

Choice = TypeVar("Choice")
Found = TypeVar("Found")


class ReadingPane(Pane, Generic[Choice, Found]):
    """Reads what a picture makes it choose, and draws what it found.

    A subclass chooses (`choose`), reads in a thread (`read`), and draws (`draw`, `names`, `remarks`).

    Attributes
    ----------
    picture
        As it was last shown.
    has_picture
        Whether anything was shown.
    seen
        What was chosen, and what was found; None before the first answer.
    retry_s
        When to read again what did not answer (s).
    """

    retry_s = 10.0

    DEFAULT_CSS: ClassVar[str] = """
    ReadingPane {
        border-subtitle-align: left;
        border-subtitle-color: $text-muted;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.picture = JobPicture()
        self.has_picture = False
        self.patience = Patience()
        self.seen: tuple[Choice, Found] | None = None
        self._asked: Choice | None = None
        self._worker: Worker[None] | None = None
        self._retry: Timer | None = None

    def compose(self) -> ComposeResult:
        """One view."""
        yield RowsView()

    def on_mount(self) -> None:
        """Draw as this terminal can."""
        super().on_mount()
        self.view.is_ascii = self.look.ascii

    def on_show(self) -> None:
        """Read what was told while the pane was hidden."""
        self.look_again()

    def on_resize(self) -> None:
        """Say as much as fits."""
        self.write_borders()

    def show(self, picture: JobPicture) -> None:
        """Show the iteration that is looked at."""
        self.picture, self.has_picture = picture, True
        self.look_again()

    @property
    def view(self) -> RowsView:
        """Where it is drawn."""
        return self.query_one(RowsView)

    def look_again(self) -> None:
        """Read what is to be shown, unless that is being read."""
        if not (self.has_picture and self.display and self.is_mounted):
            return
        choice = self.choose()
        if self._worker is not None and self._worker.is_running and choice == self._asked:
            return
        self._asked = choice
        self._worker = self.run_worker(self._read(choice), group="reading", exclusive=True)

    def tell(self, text: str) -> None:
        """Show a sentence instead of a picture."""
        told = plain(text)
        self.view.show(told, lambda width, height: wrapped(told, width, height))

    def write_borders(self, reading: str = "") -> None:
        """Write what is shown, and what is to be said of it, as far as there is room."""
        title, under, room = f"{self.KEY} {self.TITLE}", "", room_in_border(self)
        if self.seen is not None:
            title = longest([f"{title}: {name}" for name in self.names(*self.seen)], room) or title
            under = longest(self.remarks(self.seen[1]), room)
        write_in_border(self, title, reading or under, is_ascii=self.look.ascii)

    async def _read(self, choice: Choice) -> None:
        reading = asyncio.ensure_future(self.patience.do(lambda beat: self.read(choice, beat)))
        try:
            done, _ = await asyncio.wait({reading}, timeout=_SAY_READING_S)
            if not done:
                self.write_borders("reading …")
            found = await reading
        except Unanswered as error:
            found = self.unread(f"{self.TITLE}: {error}")
            self._read_later()
        finally:
            reading.cancel()
        if not self.query(RowsView):
            return  # the pane was left while it was read
        self.seen = choice, found
        self.write_borders()
        self.draw(choice, found)

    def _read_later(self) -> None:
        if self._retry is not None:
            self._retry.stop()
        self._retry = self.set_timer(self.retry_s, self.look_again)

    @abstractmethod
    def choose(self) -> Choice:
        """Choose what the picture is to show."""

    @abstractmethod
    def read(self, choice: Choice, beat: Beat) -> Found:
        """Read it; called in a thread. What cannot be read is a value."""

    @abstractmethod
    def unread(self, trouble: str) -> Found:
        """Give what is found where reading was given up."""

    @abstractmethod
    def draw(self, choice: Choice, found: Found) -> None:
        """Draw what was found."""

    @abstractmethod
    def names(self, choice: Choice, found: Found) -> tuple[str, ...]:
        """Say what is shown, the longest way first."""

    @abstractmethod
    def remarks(self, found: Found) -> tuple[str, ...]:
        """Say something of it, the longest way first."""
