"""Having a person edit a text with the editor of their choice."""

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

MOST_BYTES = 2**19
"""A longer text is not taken back."""


class EditorFailed(Exception):
    """The text could not be edited; the message says why, and that nothing was changed."""


def editor_argv(environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """Tell which editor to start: ``$VISUAL``, else ``$EDITOR``, else vi or nano if they are there.

    Raises
    ------
    EditorFailed
        If there is none, or what the variable holds is no command.
    """
    for name in ("VISUAL", "EDITOR"):
        if command := environ.get(name, "").strip():
            try:
                return shlex.split(command)
            except ValueError as error:
                raise EditorFailed(
                    f"{name} is {command!r}, which is no command ({error}); nothing was changed."
                ) from None
    found = next((path for name in ("vi", "nano") if (path := which(name))), None)
    if found is None:
        raise EditorFailed("there is no vi and no nano here; set EDITOR to an editor. Nothing was changed.")
    return [found]


def edited(argv: Sequence[str], text: str, name: str) -> str:
    """Have a text edited in a file of its own, which is gone afterwards, and give what became of it.

    Raises
    ------
    EditorFailed
        If the editor does not start, ends with an error, or leaves no text.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="halfmap-") as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8", errors="replace")
            _run(argv, path)
            return _read(path)
    except OSError as error:
        raise EditorFailed(f"no file can be made for the editor ({_reason(error)}); nothing was changed.") from None


def _run(argv: Sequence[str], path: Path) -> None:
    try:
        code = subprocess.run([*argv, str(path)], check=False).returncode
    except (OSError, ValueError) as error:
        raise EditorFailed(f"{argv[0]} did not start ({_reason(error)}); nothing was changed.") from None
    if code != 0:
        raise EditorFailed(f"{argv[0]} ended with {code}; nothing was changed.")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise EditorFailed(f"the edited file cannot be read ({_reason(error)}); nothing was changed.") from None
    if len(content) > MOST_BYTES:
        raise EditorFailed(f"the edited file has more than {MOST_BYTES // 1024} KiB; nothing was changed.")
    return content.decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or f"{error}"
