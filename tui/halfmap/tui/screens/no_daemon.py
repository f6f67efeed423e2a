"""Where there is no daemon: what is said, and how it is started from here."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.text.plain import plain_lines

_COMMAND = ("-m", "halfmap.commands", "daemon", "start")
_PATIENCE_S = 30.0
_LONGEST = 2000


def no_daemon(reason: str, may_start: bool) -> tuple[str, ...]:
    """Say in lines that there is no daemon, and what to do."""
    offer = "S starts it." if may_start else "This session is read-only, so it is not started from here."
    return (
        "The daemon does not run.",
        "",
        "It watches your projects, queues and runs jobs; this screen only shows what it tells.",
        f"It is a process of your own, and goes on when you leave. {offer}",
        "",
        plain_lines(reason),
    )


async def start_daemon() -> tuple[bool, str]:
    """Start the daemon as ``halfmap daemon start`` does.

    Returns
    -------
    bool, str
        Whether it was started, and what was said.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *_COMMAND, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
        )
    except OSError as error:
        return False, f"it could not be started: {error.strerror}."
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _PATIENCE_S)
    except TimeoutError:
        process.kill()
        return (
            False,
            f"`halfmap daemon start` has not ended within {_PATIENCE_S:.0f} s; `halfmap daemon logs` may tell why.",
        )
    words = plain_lines(said.decode("utf-8", "replace").strip())[-_LONGEST:]
    return process.returncode == 0, words or f"`halfmap daemon start` said nothing, exit code {process.returncode}."


class StartingScreen(HalfmapScreen):
    """A screen from which the daemon can be started."""

    # in a terminal of a few cells a scroll bar that comes and goes would lay everything out again and again
    DEFAULT_CSS = """
    StartingScreen {
        overflow: hidden;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S", "start_daemon", "start the daemon", tooltip="Start the daemon, where none answers"),
    ]

    @property
    def is_seen(self) -> bool:
        """Whether nothing but dialogs lies over this screen; Textual's `is_current` is true beneath any one screen."""
        stack = self.app.screen_stack
        return self in stack and all(isinstance(one, ModalScreen) for one in stack[stack.index(self) + 1 :])

    def on_screen_resume(self) -> None:
        """Tell at once if the daemon is away."""
        if self.halfmap.link.away:
            self.away(self.halfmap.link.away)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start a daemon only where none answers."""
        if action == "start_daemon":
            return bool(self.halfmap.link.away)
        return super().check_action(action, parameters)

    def action_start_daemon(self) -> None:
        """Start the daemon, if it is away."""
        if self.look.read_only:
            self.tell("this session is read-only; the daemon is not started from here.", "warning")
        elif not any(worker.group == "start" for worker in self.app.workers):
            self.tell("Starting the daemon …")
            self.run_worker(self._start_daemon(), group="start")

    async def _start_daemon(self) -> None:
        was_started, words = await start_daemon()
        self.tell(words, "information" if was_started else "error")
