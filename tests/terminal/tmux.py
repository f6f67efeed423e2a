"""A program in a real tmux, in a server of its own: driven by keys, read as a person reads it."""

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.terminal.pty import NotShown

WHERE = shutil.which("tmux")
WHY_NOT = "tmux is not installed"
_LOOK_S = 0.05


class Tmux:
    """A program in a pane that fills a terminal of a given size. Use it with ``with``.

    Parameters
    ----------
    argv
        The program.
    environ
        All that it finds in its environment, ``TERM`` among it.
    columns, rows
        The pane's size.
    folder
        Where it is started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        folder: Path | None = None,
    ) -> None:
        self.columns, self.rows = columns, rows
        self._folder = Path(tempfile.mkdtemp(prefix="hm-tmux-"))
        self._server = [WHERE or "tmux", "-S", str(self._folder / "s"), "-f", os.devnull]
        # tmux itself does not always come to know how a program ended
        self._code = self._folder / "code"
        words = ["env", "-i", *(f"{name}={value}" for name, value in environ.items()), *argv]
        command = f"{shlex.join(words)}; echo $? > {self._code}"
        self._tmux("new-session", "-d", "-s", "t", "-x", f"{columns}", "-y", f"{rows}", "-c", str(folder or "/"),
                   "cat")  # fmt: skip
        self._tmux("set-option", "-g", "status", "off")
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("set-option", "-g", "default-terminal", environ["TERM"])
        self._tmux("set-option", "-s", "escape-time", "10")
        self._tmux("respawn-pane", "-k", "-t", "t", "-c", str(folder or "/"), command)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def lines(self) -> list[str]:
        """The screen's lines, without blanks at their ends."""
        found = self._tmux("capture-pane", "-p", "-t", "t").splitlines()
        return [line.rstrip() for line in found]

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.lines)

    def until(self, shown: str | Callable[[str], object], seconds: float = 10.0) -> str:
        """Wait until a text is on the screen, or a condition of the screen's text holds; give the screen's text.

        Raises
        ------
        NotShown
            If that does not happen in time.
        """
        happens = (lambda text: shown in text) if isinstance(shown, str) else shown
        end = time.monotonic() + seconds
        while not happens(text := self.text):
            if time.monotonic() > end:
                what = repr(shown) if isinstance(shown, str) else "what was waited for"
                raise NotShown(f"{what} is not on the screen after {seconds} s:\n{self.framed()}")
            time.sleep(_LOOK_S)
        return text

    def press(self, *keys: str) -> None:
        """Press keys, by tmux' names."""
        self._tmux("send-keys", "-t", "t", *keys)

    def type(self, text: str) -> None:
        """Type a text, letter by letter."""
        self._tmux("send-keys", "-t", "t", "-l", text)

    def paste(self, text: str) -> None:
        """Paste, in brackets if the program has asked for them."""
        self._tmux("set-buffer", "-b", "p", text)
        self._tmux("paste-buffer", "-p", "-b", "p", "-t", "t")

    def exit_code(self, seconds: float = 10.0) -> int:
        """Wait until the program has ended, and give its exit code.

        Raises
        ------
        NotShown
            If it does not end in time.
        """
        end = time.monotonic() + seconds
        while not (found := self._code.read_text() if self._code.exists() else ""):
            if time.monotonic() > end:
                raise NotShown(f"the program has not ended after {seconds} s:\n{self.framed()}")
            time.sleep(_LOOK_S)
        return int(found)

    def framed(self) -> str:
        """Give the screen in a frame, to be printed."""
        edge = "+" + "-" * self.columns + "+"
        return "\n".join([edge, *(f"|{line:<{self.columns}}|" for line in self.lines), edge])

    def close(self) -> None:
        """End the server, and the program with it."""
        subprocess.run([*self._server, "kill-server"], check=False, capture_output=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _tmux(self, *words: str) -> str:
        environ = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(self._folder)}
        done = subprocess.run([*self._server, *words], check=True, capture_output=True, text=True, env=environ)
        return done.stdout
