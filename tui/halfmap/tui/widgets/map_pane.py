"""The map at an iteration: three slices, with the mask's outline."""

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker

from halfmap.tui.charts.pixels import GREYS, Paint
from halfmap.tui.charts.slices import SlicesPicture, draw_slices
from halfmap.tui.charts.words import wrapped
from halfmap.tui.files.gallery import Exhibit, Gallery, Wish
from halfmap.tui.files.map_choice import MapChoice, choose_map
from halfmap.tui.files.patient import Patience, Unanswered
from halfmap.tui.palette import style_of
from halfmap.tui.picture import JobPicture
from halfmap.tui.text.map_words import laid_over, lies, longest, names_of
from halfmap.tui.text.plain import plain
from halfmap.tui.widgets.borders import room_in_border, write_in_border
from halfmap.tui.widgets.pane import Pane
from halfmap.tui.widgets.rows_view import RowsView
from halfmap.tui.widgets.terminal_picture import show_in_terminal

_SAY_READING_S = 0.3
_PLACES = (2, 1, 0)


class MapPane(Pane):
    """Shows three slices of a half map or the joined map; reads only while it is seen."""

    TITLE = "Map"
    KEY = "7"
    DEFAULT_CSS: ClassVar[str] = """
    MapPane {
        border-subtitle-align: left;
        border-subtitle-color: $text-muted;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "next_kind", "Map: half 1, half 2, joined"),
        Binding("v", "next_plane", "Map: choose XY, XZ or YZ"),
        Binding("left_square_bracket", "move(-1)", "Map: slice before, along its axis"),
        Binding("right_square_bracket", "move(1)", "Map: slice after, along its axis"),
        Binding("M", "mask", "Map: mask's outline, on or off"),
        Binding("i", "picture", "Map: picture by kitty or sixel"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._picture = JobPicture()
        self._gallery, self._patience = Gallery(), Patience()
        self._kind, self._chosen, self._has_mask = "", 0, True
        self._offset = [0, 0, 0]
        self._asked: tuple[MapChoice, Wish] | None = None
        self._worker: Worker[None] | None = None
        self._seen: tuple[MapChoice, Exhibit] | None = None

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
        """Show the map of the iteration that is looked at."""
        self._picture = picture
        self._look()

    def action_next_kind(self) -> None:
        """Show the next of half 1, half 2 and the joined map that this iteration has."""
        choice = self._choose()
        if len(choice.kinds) > 1:
            at = choice.kinds.index(choice.kind)
            self._kind = choice.kinds[(at + 1) % len(choice.kinds)]
            self._look()
        elif choice.kinds:
            self.app.notify(f"iteration {choice.iteration} has only {choice.kind}.", markup=False)

    def action_next_plane(self) -> None:
        """Choose the plane that is moved."""
        self._chosen = (self._chosen + 1) % 3
        self._draw()

    def action_move(self, by: int) -> None:
        """Move the chosen plane along its axis, within the box."""
        slices = None if self._seen is None else self._seen[1].slices
        if slices is None:
            return
        axis, box = _PLACES[self._chosen], slices.header.box_px
        centre = box // 2
        self._offset[axis] = min(max(self._offset[axis] + by, -centre), box - 1 - centre)
        self._look()

    def action_mask(self) -> None:
        """Show the mask's outline, or hide it."""
        self._has_mask = not self._has_mask
        self._draw()

    def action_picture(self) -> None:
        """Show the slices as a picture, if this terminal can."""
        if self._seen is None or self._seen[1].slices is None:
            self.app.notify("no map is shown yet.", markup=False)
            return
        told = show_in_terminal(self.app, self._slices_picture(*self._seen), self._words())
        if told:
            self.app.notify(told, severity="warning", markup=False)

    # --- reading -----------------------------------------------------------------------------------------------------

    @property
    def _view(self) -> RowsView:
        return self.query_one(RowsView)

    def _choose(self) -> MapChoice:
        return choose_map(self._picture.files, self._picture.cursor, self._kind)

    def _look(self) -> None:
        if not (self.display and self.is_mounted):
            return
        choice = self._choose()
        x, y, z = self._offset
        asked = choice, Wish(choice.path, choice.newest, self._picture.files.mask, (x, y, z))
        if self._worker is not None and self._worker.is_running and asked == self._asked:
            return
        self._asked = asked
        self._worker = self.run_worker(self._read(*asked), group="map", exclusive=True)

    async def _read(self, choice: MapChoice, wish: Wish) -> None:
        if not choice.path:
            self._see(choice, Exhibit())
            return
        reading = asyncio.ensure_future(self._patience.do(lambda beat: self._gallery.look(wish, beat)))
        try:
            done, _ = await asyncio.wait({reading}, timeout=_SAY_READING_S)
            if not done:
                self._write_borders(f"reading iteration {choice.iteration} …")
            self._see(choice, await reading)
        except Unanswered as error:
            self._see(choice, Exhibit(trouble=f"The map cannot be read: {error}"))
        finally:
            reading.cancel()

    def _see(self, choice: MapChoice, exhibit: Exhibit) -> None:
        self._seen = choice, exhibit
        self._draw()

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._write_borders()
        if self._seen is None:
            return
        choice, exhibit = self._seen
        if exhibit.slices is None:
            told = plain(" ".join(part for part in (choice.trouble, exhibit.trouble) if part))
            self._view.show(told, lambda width, height: wrapped(told, width, height))
            return
        picture, paint = self._slices_picture(choice, exhibit), self._paint()
        title = style_of("title", self.look.theme)
        self._view.show((picture, paint), lambda width, height: draw_slices(picture, width, height, paint, title))

    def _paint(self) -> Paint:
        mark = style_of("second", self.look.theme).color
        has_greys = self.look.colours in ("full", "256") and not self.look.ascii
        return Paint(GREYS if has_greys else (), mark.name if mark else "")

    def _slices_picture(self, choice: MapChoice, exhibit: Exhibit) -> SlicesPicture:
        assert exhibit.slices is not None
        own = "Greys of its own: on another scale." if exhibit.has_own_greys else ""
        return SlicesPicture(
            exhibit.slices,
            exhibit.mask if self._has_mask else None,
            exhibit.greys,
            self._chosen,
            " ".join(part for part in (choice.trouble, exhibit.trouble, own) if part),
            laid_over(exhibit.slices, exhibit.mask),
        )

    def _words(self) -> str:
        if self._seen is None:
            return ""
        choice, exhibit = self._seen
        return "; ".join(part for part in (self._called(choice)[0], *self._lies(exhibit)[:1]) if part)

    def _called(self, choice: MapChoice) -> tuple[str, ...]:
        found = None if choice.iteration is None else self._picture.course.at(choice.iteration)
        return names_of(f"{choice}", choice.iteration, found.resolution_angstrom if found else None)

    def _lies(self, exhibit: Exhibit) -> tuple[str, ...]:
        slices = exhibit.slices
        return () if slices is None else lies(exhibit.z_offset_angstrom, slices.header.pixel_size_angstrom)

    def _write_borders(self, reading: str = "") -> None:
        title, under = f"{self.KEY} {self.TITLE}", ""
        if self._seen is not None:
            choice, exhibit = self._seen
            room = room_in_border(self)
            ways = [f"{title}: {way}" for way in self._called(choice)] if choice.path else []
            title = longest(ways, room) or title
            under = longest(self._lies(exhibit), room)
        write_in_border(self, title, reading or under, is_ascii=self.look.ascii)
