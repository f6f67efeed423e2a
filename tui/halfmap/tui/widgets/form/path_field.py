"""A file of the form, completed among the project's files."""

from collections.abc import Awaitable, Callable, Sequence
from os.path import commonprefix
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Input

from halfmap.daemon.client import PathRow
from halfmap.tui.widgets.form.line_field import LineField
from halfmap.tui.widgets.form.pick_list import list_of

Complete = Callable[[str, str], Awaitable[Sequence[PathRow]]]
"""Gives what completes a text among the files of a pattern."""

_PAGE = 8
_PAUSE_S = 0.05
_GROUP = "completion"
_MOVES = {"up": -1, "down": 1, "pageup": -_PAGE, "pagedown": _PAGE}


class PathField(LineField):
    """A path; a list of what completes it comes with typing and with Ctrl+Space. Tab or Enter takes one.

    Parameters
    ----------
    key, pattern
        The option, and which names it takes.
    complete
        Asks for completions.
    """

    KEY = ("^Space", "files")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+@,ctrl+space", "complete", "Complete the path"),
    ]

    def __init__(self, key: str, pattern: str, complete: Complete) -> None:
        super().__init__(key)
        self._pattern = pattern
        self._complete = complete
        self._goes_on = False
        self._is_asking = False
        self._is_whole = False
        self._waiting: Timer | None = None

    @on(Input.Changed)
    def _go_on(self) -> None:
        """List what completes the text."""
        if self.has_focus:
            chosen = 0 if self._goes_on else None
            self._goes_on = False
            self._begin(chosen, is_asked=False)

    def on_blur(self) -> None:
        """Close the list."""
        self._stop()
        list_of(self).close()

    def action_complete(self) -> None:
        """Open the list."""
        self._begin(0, is_asked=True)

    def _begin(self, chosen: int | None, is_asked: bool) -> None:
        self._stop()
        self._is_asking = True
        self._waiting = self.set_timer(_PAUSE_S, lambda: self._ask(chosen, is_asked))

    def _ask(self, chosen: int | None, is_asked: bool) -> None:
        self.run_worker(self._list(chosen, is_asked), group=_GROUP, exclusive=True)

    def _stop(self) -> None:
        """Ask for nothing more."""
        self._is_asking = False
        if self._waiting is not None:
            self._waiting.stop()
        self.workers.cancel_group(self, _GROUP)

    async def on_key(self, event: events.Key) -> None:
        """Move in the open list, take from it, or close it."""
        picking = list_of(self)
        if event.key == "escape" and self._is_asking and not picking.is_open:
            self._stop()
            event.stop()
            return
        if not picking.is_open or event.key not in (*_MOVES, "tab", "enter", "escape"):
            return
        if event.key in _MOVES:
            picking.move(_MOVES[event.key])
        elif event.key == "escape":
            picking.close()
        elif not self._take(picking.picked, picking.texts, event.key == "tab"):
            picking.close()
            return
        event.stop()
        event.prevent_default()

    async def _list(self, chosen: int | None, is_asked: bool) -> None:
        """List what completes the text, or what stands beside a file; that nothing does is told to who has asked."""
        text = self.value
        found = await self._found(text)
        others, self._is_whole = tuple(one for one in found if one != text), text in found
        if is_asked and found and not others:
            others = await self._found(text.rpartition("/")[0] + "/" * ("/" in text))
            chosen = others.index(text) if text in others else 0
        self._is_asking = False
        if not self.has_focus or self.value != text:
            return
        if others:
            list_of(self).open(others, self.region, chosen)
            return
        list_of(self).close()
        if is_asked:
            self.notify(f"no file or folder of the project begins with this and fits {self._pattern}", markup=False)

    async def _found(self, text: str) -> tuple[str, ...]:
        return tuple(row.path for row in await self._complete(text, self._pattern))

    def _take(self, picked: str | None, texts: tuple[str, ...], is_tab: bool) -> bool:
        """Take the highlighted path, or with Tab as much as all have in common; tell whether the key is done with."""
        if picked is None and is_tab and not self._is_whole:
            common = commonprefix(texts)  # noqa: RUF071 (letters are meant, not folders)
            if len(common) <= len(self.value) or not common.startswith(self.value):
                list_of(self).move(1)
                return True
            picked = common
        if picked is None:
            return False
        self._goes_on = picked.endswith("/")
        if not self._goes_on:
            list_of(self).close()
        self.value = picked
        self.cursor_position = len(picked)
        return True
