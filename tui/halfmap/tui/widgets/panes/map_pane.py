"""The map at an iteration: three slices, with the mask's outline."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType

from halfmap.tui.charts.pixels import GREYS, Paint
from halfmap.tui.charts.planes import normal_place
from halfmap.tui.charts.slices import SlicesPicture, draw_slices
from halfmap.tui.files.gallery import Exhibit, Gallery, Wish
from halfmap.tui.files.map_choice import MapChoice, choose_map
from halfmap.tui.files.patient import Beat
from halfmap.tui.palette import style_of
from halfmap.tui.text.map_words import laid_over, lies, names_of
from halfmap.tui.widgets.panes.reading_pane import ReadingPane
from halfmap.tui.widgets.panes.terminal_picture import show_in_terminal


@dataclass(frozen=True, slots=True)
class _Asked:
    """A map, and where it is cut."""

    choice: MapChoice
    wish: Wish


class MapPane(ReadingPane[_Asked, Exhibit]):
    """Shows three slices of a half map or the joined map; reads only while it is seen."""

    TITLE = "Map"
    KEY = "7"
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
        self._gallery = Gallery()
        self._kind, self._chosen, self._has_mask = "", 0, True
        self._offset = [0, 0, 0]

    # --- reading and drawing -----------------------------------------------------------------------------------------

    def choose(self) -> _Asked:
        """Choose the map of the iteration that is looked at."""
        choice = choose_map(self.picture.files, self.picture.cursor, self._kind)
        x, y, z = self._offset
        return _Asked(choice, Wish(choice.path, choice.newest, self.picture.files.mask, (x, y, z)))

    def read(self, choice: _Asked, beat: Beat) -> Exhibit:
        """Read slices of the map and its mask."""
        return self._gallery.look(choice.wish, beat) if choice.wish.path else Exhibit()

    def unread(self, trouble: str) -> Exhibit:
        """Keep the reason."""
        return Exhibit(trouble=trouble)

    def draw(self, choice: _Asked, found: Exhibit) -> None:
        """Draw the slices, or say why there are none."""
        if found.slices is None:
            self.tell(" ".join(part for part in (choice.choice.trouble, found.trouble) if part))
            return
        picture, paint = self._slices_picture(choice, found), self._paint()
        title = style_of("title", self.look.theme)
        self.view.show((picture, paint), lambda width, height: draw_slices(picture, width, height, paint, title))

    def names(self, choice: _Asked, _: Exhibit) -> tuple[str, ...]:
        """Name the half, the iteration and its resolution."""
        shown = choice.choice
        if not shown.path:
            return ()
        iteration = self.picture.course.at(shown.iteration)
        return names_of(f"{shown}", shown.iteration, iteration.resolution_angstrom if iteration else None)

    def remarks(self, found: Exhibit) -> tuple[str, ...]:
        """Tell where the map lies in its mask."""
        return () if found.slices is None else lies(found.z_offset_angstrom, found.slices.header.pixel_size_angstrom)

    def _paint(self) -> Paint:
        mark = style_of("second", self.look.theme).color
        has_greys = self.look.colours in ("full", "256") and not self.look.ascii
        return Paint(GREYS if has_greys else (), mark.name if mark else "")

    def _slices_picture(self, choice: _Asked, found: Exhibit) -> SlicesPicture:
        assert found.slices is not None
        own = "Greys of its own: on another scale." if found.has_own_greys else ""
        return SlicesPicture(
            found.slices,
            found.mask if self._has_mask else None,
            found.greys,
            self._chosen,
            " ".join(part for part in (choice.choice.trouble, found.trouble, own) if part),
            laid_over(found.slices, found.mask),
        )

    def _draw_again(self) -> None:
        if self.seen is not None:
            self.draw(*self.seen)

    # --- actions -----------------------------------------------------------------------------------------------------

    def action_next_kind(self) -> None:
        """Show the next of half 1, half 2 and the joined map that this iteration has."""
        choice = self.choose().choice
        if len(choice.kinds) > 1:
            at = choice.kinds.index(choice.kind)
            self._kind = choice.kinds[(at + 1) % len(choice.kinds)]
            self.look_again()
        elif choice.kinds:
            self.app.notify(f"iteration {choice.iteration} has only {choice.kind}.", markup=False)

    def action_next_plane(self) -> None:
        """Choose the plane that is moved."""
        self._chosen = (self._chosen + 1) % 3
        self._draw_again()

    def action_move(self, by: int) -> None:
        """Move the chosen plane along its axis, within the box."""
        slices = None if self.seen is None else self.seen[1].slices
        if slices is None:
            return
        axis, box = normal_place(self._chosen), slices.header.box_px
        centre = box // 2
        self._offset[axis] = min(max(self._offset[axis] + by, -centre), box - 1 - centre)
        self.look_again()

    def action_mask(self) -> None:
        """Show the mask's outline, or hide it."""
        self._has_mask = not self._has_mask
        self._draw_again()

    def action_picture(self) -> None:
        """Show the slices as a picture, if this terminal can."""
        if self.seen is None or self.seen[1].slices is None:
            self.app.notify("no map is shown yet.", markup=False)
            return
        words = "; ".join([*self.names(*self.seen)[:1], *self.remarks(self.seen[1])[:1]])
        told = show_in_terminal(self.app, self._slices_picture(*self.seen), words)
        if told:
            self.app.notify(told, severity="warning", markup=False)
