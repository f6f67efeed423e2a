"""Where the daemon keeps things: the socket in a runtime folder, the store in a state folder, both the user's own."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class BadPlace(Exception):
    """A folder that cannot be trusted or used; the message says which, why, and what to set."""


@dataclass(frozen=True, slots=True)
class Places:
    """The daemon's folders.

    Attributes
    ----------
    runtime
        Socket and lock; mode 0700. ``$HALFMAP_RUNTIME_DIR``, else ``$XDG_RUNTIME_DIR/halfmap``, else
        ``/tmp/halfmap-UID``.
    state
        Store, logs, backups. ``$HALFMAP_STATE_DIR``, else ``$XDG_STATE_HOME/halfmap``, else ``~/.local/state/halfmap``.
    config
        ``$HALFMAP_CONFIG``, else ``$XDG_CONFIG_HOME/halfmap/daemon.toml``, else ``~/.config/halfmap/daemon.toml``.
    """

    runtime: Path
    state: Path
    config: Path

    @property
    def socket(self) -> Path:
        """The API's Unix socket."""
        return self.runtime / "daemon.sock"

    @property
    def lock(self) -> Path:
        """The file whose lock makes the daemon the only one of its user; beside the store that it guards."""
        return self.state / "daemon.lock"

    @property
    def store(self) -> Path:
        """The database."""
        return self.state / "store.sqlite"

    @property
    def log(self) -> Path:
        """The daemon's log, JSON lines."""
        return self.state / "daemon.log"


def places(environ: Mapping[str, str]) -> Places:
    """Name the folders for an environment; nothing is made."""
    home = Path(environ.get("HOME") or Path.home())
    return Places(
        runtime=_first(
            environ,
            ("HALFMAP_RUNTIME_DIR", ""),
            ("XDG_RUNTIME_DIR", "halfmap"),
            otherwise=Path(f"/tmp/halfmap-{os.getuid()}"),  # noqa: S108 (its owner and mode are checked before use)
        ),
        state=_first(
            environ,
            ("HALFMAP_STATE_DIR", ""),
            ("XDG_STATE_HOME", "halfmap"),
            otherwise=home / ".local/state/halfmap",
        ),
        config=_first(
            environ,
            ("HALFMAP_CONFIG", ""),
            ("XDG_CONFIG_HOME", "halfmap/daemon.toml"),
            otherwise=home / ".config/halfmap/daemon.toml",
        ),
    )


def _first(environ: Mapping[str, str], *variables: tuple[str, str], otherwise: Path) -> Path:
    for name, below in variables:
        if environ.get(name):
            return Path(environ[name]) / below
    return otherwise


def make_private(folder: Path) -> None:
    """Make a folder that only this user can enter, or check that it is one.

    Raises
    ------
    BadPlace
        If it is a link, not a folder, somebody else's, or cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise BadPlace(f"{folder} cannot be made: {error.strerror}.") from None
    if not stat.S_ISDIR(found.st_mode):
        raise BadPlace(f"{folder} is not a folder of its own (a link, or a file); remove it.")
    if found.st_uid != os.getuid():
        raise BadPlace(
            f"{folder} belongs to uid {found.st_uid}, not to you; set HALFMAP_RUNTIME_DIR and HALFMAP_STATE_DIR."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
