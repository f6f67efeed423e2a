"""Keys one by one: what is typed quickly goes where it would go if it were typed slowly.

Textual hands each key to what is in focus at once, and acts on keys of bindings a little later. Of ``/ab`` typed in one
go the ``a`` would reach the list, and begin a new job, before ``/`` has opened the line to type in.
"""

import asyncio
from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message import Message
from textual.widget import Widget

PATIENCE_S = 0.5
"""The longest that a key holds back the next (s); so long takes only what waits for something else."""


class KeyTaken(Message):
    """Follows a key on its way from what is in focus up to the application, and arrives when the key was acted on."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class TypeAheadApp(App[None]):
    """An application that takes a key only when the one before was acted on and the focus has settled."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._typed = deque[events.Key | events.Paste]()
        self._number = 0
        self._is_taking = False

    async def on_event(self, event: events.Event) -> None:
        """Queue what is typed; everything else goes its way."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self._typed.append(event)
        if not self._is_taking:
            await self._take_next()

    async def _take_next(self) -> None:
        self._is_taking = bool(self._typed)
        if self._typed:
            target = self.focused or self.screen
            await super().on_event(self._typed.popleft())
            self._follow(target)

    def _follow(self, target: Widget) -> None:
        """Send a message after the key; whatever becomes of it, the next key is not held back for long."""
        self._number += 1
        asyncio.get_running_loop().call_later(PATIENCE_S, self._go_on, self._number)
        if not target.post_message(KeyTaken(self._number)):
            self._go_on(self._number)

    def on_key_taken(self, message: KeyTaken) -> None:
        """Go on, once what the key has caused is done."""
        screen = self.screen
        if message.number == self._number and screen.focused is None:
            # a screen that is only just shown: its messages come first
            self.call_later(self._go_on_behind, screen, message.number)
        else:
            self.call_later(self._go_on, message.number)

    def _go_on_behind(self, screen: Widget, number: int) -> None:
        screen.call_later(self.call_later, self._go_on, number)

    def _go_on(self, number: int) -> None:
        if number == self._number:
            self._number += 1
            self.call_later(self._take_next)
