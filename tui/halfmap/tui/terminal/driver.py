"""Textual's driver, sparing of bytes."""

import re
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from halfmap.tui.terminal.screen_memory import ScreenMemory

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
"""Around a frame, for terminals that show whole ones only."""
_FRAME = re.compile(r"\x1b\[\d+;\d+H")
_CHANGES_NO_CELL = re.compile(
    r"(?:\x07|\x1b\[\?(?!1049)[\d;]+[hl]|\x1b\[\?\d+\$p|\x1b\[[<>]\d*u|\x1b\][^\x07\x1b]*\x07)*"
)
"""Bells, modes, questions, keyboard protocols, titles and the clipboard; not the change to the other screen."""


class SparingDriver(LinuxDriver):
    """Writes only what differs from what the terminal shows."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._memory = ScreenMemory()
        self._is_framed = False

    def write(self, data: str) -> None:
        """Write a frame, or anything else."""
        if data in (_BEGIN, _END):
            self._is_framed = data == _BEGIN
        elif _FRAME.match(data):
            if spared := self._memory.spare(data, *self._get_terminal_size()):
                super().write(f"{_BEGIN}{spared}{_END}" if self._is_framed else spared)
        else:
            if not _CHANGES_NO_CELL.fullmatch(data):
                self._memory.forget()
            super().write(data)

    def forget(self) -> None:
        """Take nothing for known of what the terminal shows."""
        self._memory.forget()
