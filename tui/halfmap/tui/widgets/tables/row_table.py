"""A table that draws only the cells that differ from those that are seen."""

from collections.abc import Hashable, Sequence
from itertools import zip_longest
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from halfmap.tui.terminal.look import Look
from halfmap.tui.text.cells import GUTTER, Cell, Column
from halfmap.tui.widgets.tables.row_lines import Line, difference, strip

Item = TypeVar("Item")
_WHEEL = 3


class RowTable(Widget, Generic[Item], can_focus=True):
    """Shows items as rows under a head that stays; a subclass says what an item's columns, cells and key are.

    Attributes
    ----------
    KEEPS_CURSOR
        Whether the cursor is shown without the focus, too.
    items
        As they were last given to `show`.
    cursor
        The row that keys act on.
    marked
        Items that are marked, by their keys; also those that are not shown at the moment.
    """

    TITLE = "List"
    KEEPS_CURSOR = False
    DEFAULT_CSS = """
    RowTable {
        height: 1fr;
    }
    RowTable > .row-table--head {
        color: $text-muted;
        text-style: underline;
    }
    RowTable > .row-table--cursor {
        background: $foreground 20%;
        text-style: bold;
    }
    RowTable:ansi > .row-table--cursor {
        background: transparent;
        text-style: reverse;
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-table--head", "row-table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "turn(1)", "A page down; at the end: the next page", show=False),
        Binding("pageup,ctrl+b", "turn(-1)", "A page up", show=False),
        Binding("g,home", "first", "First", show=False),
        Binding("G,end", "last", "Last", show=False),
        Binding("enter", "open", "open"),
    ]

    class Moved(Message):
        """The cursor stands on another item, or its item has changed."""

    class Opened(Message):
        """The item at the cursor is to be opened."""

        def __init__(self, table: "RowTable[Item]") -> None:
            super().__init__()
            self.table = table

    class Beyond(Message):
        """Somebody wants to go beyond an end: -1 before the first row, 1 behind the last, or to the very ends (±2)."""

        def __init__(self, way: int) -> None:
            super().__init__()
            self.way = way

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.items: tuple[Item, ...] = ()
        self.cursor = 0
        self.marked = dict[Hashable, Item]()
        self._top = 0
        self._columns: tuple[Column, ...] = ()
        self._seen = list[Line]()

    # --- what a subclass says ----------------------------------------------------------------------------------------

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Choose the columns for a width."""
        raise NotImplementedError

    def cells_of(self, item: Item, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
        """Write an item into these columns."""
        raise NotImplementedError

    def key_of(self, item: Item) -> Hashable:
        """Tell by what an item is known again when it has changed."""
        raise NotImplementedError

    # --- what others ask and say -------------------------------------------------------------------------------------

    @property
    def current(self) -> Item | None:
        """The item at the cursor."""
        return self.items[self.cursor] if self.items else None

    @property
    def rows_seen(self) -> range:
        """Which items are seen."""
        return range(self._top, min(len(self.items), self._top + self._height))

    def show(self, items: Sequence[Item], cursor: int | None = None) -> None:
        """Show these items. The cursor stays on its item, or at its place if that is gone, or goes to `cursor`."""
        before = None if self.current is None else self.key_of(self.current)
        self.items = tuple(items)
        self.marked.update({key: item for item in self.items if (key := self.key_of(item)) in self.marked})
        places = (place for place, item in enumerate(self.items) if self.key_of(item) == before)
        self.cursor = next(places, self.cursor) if cursor is None else cursor
        self._settle()
        self.post_message(self.Moved())

    def refresh_cells(self) -> None:
        """Draw what has come to differ, such as times."""
        self._draw()

    def mark(self, items: Sequence[Item]) -> None:
        """Mark these too."""
        self.marked.update({self.key_of(item): item for item in items})
        self._draw()

    def unmark(self, items: Sequence[Item] | None = None) -> None:
        """Take the marks of these away, or all."""
        for key in list(self.marked) if items is None else [self.key_of(item) for item in items]:
            self.marked.pop(key, None)
        self._draw()

    # --- drawing -----------------------------------------------------------------------------------------------------

    @property
    def _height(self) -> int:
        return max(0, self.size.height - 1)

    def on_resize(self) -> None:
        """Choose the columns anew."""
        self._columns = self.columns_for(self.size.width)
        self._settle()
        self.refresh()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor only where keys act."""
        super().watch_has_focus(has_focus)
        self._draw()

    def _settle(self) -> None:
        """Keep the cursor within the items, and in sight."""
        self.cursor = max(0, min(self.cursor, len(self.items) - 1))
        highest = max(0, len(self.items) - self._height)
        self._top = min(highest, max(min(self._top, self.cursor), self.cursor - self._height + 1, 0))
        self._draw()

    def _draw(self) -> None:
        lines = [self._line(place) for place in self.rows_seen]
        regions = [
            Region(x, y + 1, width, 1)
            for y, (old, new) in enumerate(zip_longest(self._seen, lines, fillvalue=Line()))
            if old != new
            for x, width in (difference(old, new, self._columns, self.size.width),)
        ]
        self._seen = lines
        if regions:
            self.refresh(*regions)

    def _line(self, place: int) -> Line:
        item, is_cursor = self.items[place], place == self.cursor and (self.has_focus or self.KEEPS_CURSOR)
        gutter = (">" if is_cursor else " ") + ("*" if self.key_of(item) in self.marked else " ")
        return Line(self.cells_of(item, self._columns), gutter, is_cursor)

    def render_line(self, y: int) -> Strip:
        """Draw a line: the head, a row, or nothing."""
        base, width = self.rich_style, self.size.width
        if y == 0:
            head = Line(tuple(Cell(column.title) for column in self._columns), " " * GUTTER)
            style = self.get_component_rich_style("row-table--head")
            return strip(head, self._columns, style, None).adjust_cell_length(width, style)
        if y > len(self._seen):
            return Strip.blank(width, base)
        line = self._seen[y - 1]
        style = self.get_component_rich_style("row-table--cursor") if line.is_cursor else base
        theme = None if line.is_cursor and style.reverse else self._theme
        return strip(line, self._columns, style, theme).adjust_cell_length(width, style)

    @property
    def _theme(self) -> str:
        look = getattr(self.app, "look", None)
        return look.theme if isinstance(look, Look) else Look().theme

    # --- events ------------------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Go to the row under the mouse; open it with the second click."""
        place = self._top + event.y - 1
        if event.y > 0 and place < len(self.items):
            self._go(place)
            if event.chain > 1:
                self.action_open()

    def on_mouse_scroll_down(self) -> None:
        """Go down a few rows."""
        self._go(min(len(self.items) - 1, self.cursor + _WHEEL))

    def on_mouse_scroll_up(self) -> None:
        """Go up a few rows."""
        self._go(max(0, self.cursor - _WHEEL))

    # --- actions -----------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Go a row up or down."""
        if 0 <= self.cursor + by < len(self.items):
            self._go(self.cursor + by)
        else:
            self.post_message(self.Beyond(by))

    def action_turn(self, way: int) -> None:
        """Go a page up or down."""
        last = len(self.items) - 1
        if self.cursor == (last if way > 0 else 0):
            self.post_message(self.Beyond(way))
        else:
            self._go(max(0, min(last, self.cursor + way * max(1, self._height - 1))))

    def action_first(self) -> None:
        """Go to the first row."""
        self._go(0)
        self.post_message(self.Beyond(-2))

    def action_last(self) -> None:
        """Go to the last row."""
        self._go(len(self.items) - 1)
        self.post_message(self.Beyond(2))

    def action_open(self) -> None:
        """Open the item at the cursor."""
        if self.items:
            self.post_message(self.Opened(self))

    def _go(self, place: int) -> None:
        if self.items and place != self.cursor:
            self.cursor = place
            self._settle()
            self.post_message(self.Moved())
