"""Where the particles point at an iteration: rot and tilt."""

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.worker import Worker

from halfmap.tui.charts.heat import draw_heat
from halfmap.tui.charts.pixels import HEAT, Paint
from halfmap.tui.charts.words import wrapped
from halfmap.tui.files.catalogue import Catalogue, Found, ParticleChoice, choose_particles
from halfmap.tui.files.patient import Patience, Unanswered
from halfmap.tui.picture import JobPicture
from halfmap.tui.text.direction_words import spread, whose
from halfmap.tui.text.map_words import longest
from halfmap.tui.text.plain import plain
from halfmap.tui.widgets.borders import room_in_border, write_in_border
from halfmap.tui.widgets.pane import Pane
from halfmap.tui.widgets.rows_view import RowsView

_SAY_READING_S = 0.3


class OrientationsPane(Pane):
    """Shows a heat map of rot and tilt of all particles; reads only while it is seen."""

    TITLE = "Orientations"
    KEY = "6"
    DEFAULT_CSS: ClassVar[str] = """
    OrientationsPane {
        border-subtitle-align: left;
        border-subtitle-color: $text-muted;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._picture = JobPicture()
        self._catalogue, self._patience = Catalogue(), Patience()
        self._asked: ParticleChoice | None = None
        self._worker: Worker[None] | None = None
        self._seen: tuple[ParticleChoice, Found] | None = None

    def compose(self) -> ComposeResult:
        """One view."""
        yield RowsView()

    def on_mount(self) -> None:
        """Draw as this terminal can."""
        super().on_mount()
        self._view.is_ascii = self.look.ascii

    def on_show(self) -> None:
        """Read what was told while the pane was hidden."""
        self._look()

    def on_resize(self) -> None:
        """Say as much as fits."""
        self._write_borders()

    def show(self, picture: JobPicture) -> None:
        """Show the particles of the iteration that is looked at."""
        self._picture = picture
        self._look()

    # --- reading -----------------------------------------------------------------------------------------------------

    @property
    def _view(self) -> RowsView:
        return self.query_one(RowsView)

    def _look(self) -> None:
        if not (self.display and self.is_mounted):
            return
        choice = choose_particles(self._picture.files, self._picture.cursor)
        if self._worker is not None and self._worker.is_running and choice == self._asked:
            return
        self._asked = choice
        self._worker = self.run_worker(self._read(choice), group="orientations", exclusive=True)

    async def _read(self, choice: ParticleChoice) -> None:
        if not choice.path:
            self._see(choice, Found(trouble=choice.trouble))
            return
        reading = asyncio.ensure_future(self._patience.do(lambda beat: self._catalogue.look(choice.path, beat)))
        try:
            done, _ = await asyncio.wait({reading}, timeout=_SAY_READING_S)
            if not done:
                self._write_borders(f"reading iteration {choice.iteration} …")
            self._see(choice, await reading)
        except Unanswered as error:
            self._see(choice, Found(trouble=f"The particles cannot be read: {error}"))
        finally:
            reading.cancel()

    def _see(self, choice: ParticleChoice, found: Found) -> None:
        self._seen = choice, found
        self._draw()

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._write_borders()
        if self._seen is None:
            return
        directions, told = self._seen[1].directions, plain(self._seen[1].trouble)
        if directions is None:
            self._view.show(told, lambda width, height: wrapped(told, width, height))
            return
        paint = self._paint()
        self._view.show((directions, paint), lambda width, height: draw_heat(directions, width, height, paint))

    def _paint(self) -> Paint:
        has_colours = self.look.colours in ("full", "256") and not self.look.ascii
        return Paint(HEAT if has_colours else ())

    def _write_borders(self, reading: str = "") -> None:
        title, under = f"{self.KEY} {self.TITLE}", ""
        if self._seen is not None:
            choice, found = self._seen
            room = room_in_border(self)
            ways = whose(choice.iteration, found.directions)
            title = longest([f"{title}: {way}" for way in ways], room) or title
            under = longest(spread(found.directions), room)
        write_in_border(self, title, reading or under, is_ascii=self.look.ascii)
