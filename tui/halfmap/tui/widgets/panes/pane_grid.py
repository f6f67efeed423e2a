"""Panes side by side: which are shown, how they share the room, one alone."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual.containers import VerticalScroll
from textual.events import Resize

from halfmap.tui.job.picture import JobPicture
from halfmap.tui.widgets.panes.pane import Pane

_LEAST_HEIGHT = 8
_WIDE = 120
_NARROW = 60


def columns_for(panes: int, width: int) -> int:
    """Tell how many columns so many panes take in a width."""
    if panes <= 1 or width < _NARROW:
        return 1
    return 3 if panes > 4 and width >= _WIDE else 2


class PaneGrid(VerticalScroll):
    """Holds the panes of a job; a pane is made when it is first shown.

    Parameters
    ----------
    kinds
        Makes each pane, by its key.
    shown
        Keys of those that are shown at first.
    """

    DEFAULT_CSS: ClassVar[str] = """
    PaneGrid {
        layout: grid;
        grid-gutter: 0;
        height: 1fr;
        scrollbar-size-vertical: 1;
    }
    """
    can_focus = False

    def __init__(self, kinds: Mapping[str, Callable[[], Pane]], shown: str) -> None:
        super().__init__()
        self._kinds = kinds
        self.shown = "".join(key for key in kinds if key in shown)
        self.maximised = ""
        self._panes: dict[str, Pane] = {}
        self._picture = JobPicture()

    async def on_mount(self) -> None:
        """Make the first panes."""
        await self._arrange()

    def on_resize(self, _: Resize) -> None:
        """Share the room anew."""
        self._share_room()

    def show(self, picture: JobPicture) -> None:
        """Draw a picture in all panes; those that are hidden draw it when they are shown."""
        self._picture = picture
        for pane in self._panes.values():
            if pane.display and pane.is_mounted:
                pane.show(picture)

    async def toggle(self, key: str) -> None:
        """Show a pane and go there; hide it if one is there already. The last one stays."""
        if key in self.shown and not self.maximised and self._panes[key].has_focus_within:
            self.shown = self.shown.replace(key, "") or self.shown
        else:
            self.shown = "".join(one for one in self._kinds if one in self.shown or one == key)
        self.maximised = ""
        await self._arrange()
        self._focus_on(key if key in self.shown else self.shown[0])

    async def put(self, shown: str) -> None:
        """Show these panes and no others."""
        self.shown = "".join(key for key in self._kinds if key in shown)
        self.maximised = ""
        await self._arrange()

    async def maximise(self) -> None:
        """Show the pane in focus alone, or all of them again."""
        if self.maximised:
            self.maximised = ""
        else:
            self.maximised = next((key for key, pane in self._panes.items() if pane.has_focus_within), self.shown[0])
        await self._arrange()

    async def _arrange(self) -> None:
        visible = self.maximised or self.shown
        missing = [key for key in visible if key not in self._panes]
        for key in missing:
            self._panes[key] = self._kinds[key]()
        for key in sorted(missing):
            later = [
                self._panes[other] for other in sorted(self._panes) if other > key and self._panes[other].is_attached
            ]
            await self.mount(self._panes[key], before=later[0] if later else None)
        for key, pane in self._panes.items():
            pane.display = key in visible
        self._share_room()
        self.show(self._picture)

    def _share_room(self) -> None:
        panes = len(self.maximised or self.shown)
        columns = columns_for(panes, self.size.width)
        rows = -(-panes // columns)
        height = max(_LEAST_HEIGHT, self.size.height // rows) if rows else 0
        spare = self.size.height - height * rows
        heights = [height + (1 if row < spare else 0) for row in range(rows)]
        self.styles.grid_size_columns = columns
        self.styles.grid_rows = " ".join(f"{one}" for one in heights) or "1fr"
        left = panes % columns
        for number, key in enumerate(self.maximised or self.shown):
            if key in self._panes:
                # the last pane takes what is left of its row
                is_last = number == panes - 1 and left
                self._panes[key].styles.column_span = columns - left + 1 if is_last else 1

    def _focus_on(self, key: str) -> None:
        inner = [widget for widget in self._panes[key].query("*") if widget.can_focus]
        if inner:
            inner[0].focus()
