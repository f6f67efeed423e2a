"""The daemon as a service of systemd's user manager: its unit, how to enable it, and its signs of life."""

import contextlib
import os
import pwd
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.whole_file import write_whole

NAME = "halfmap.service"
WATCHDOG_S = 30
"""Without a sign of life for so long the daemon is started anew; it gives one three times as often."""

_LINGER = Path("/var/lib/systemd/linger")
_UNIT = """\
[Unit]
Description=halfmap: watches projects, leases cards, runs refinements

[Service]
Type=notify
ExecStart={command}
{environment}Restart=on-failure
RestartSec=2
WatchdogSec={watchdog_s}
# the refinements are children of the daemon's and outlive it: only the daemon itself is ever stopped
KillMode=process
OOMPolicy=continue
TasksMax=infinity
TimeoutStopSec=30

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """A unit that was written, and the commands that a person runs next."""

    unit: Path
    commands: tuple[tuple[str, ...], ...]


def unit_text(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Write the unit that runs a command, the first word an absolute path, with these variables.

    Raises
    ------
    ValueError
        If a word holds a line end, which no unit can.
    """
    return _UNIT.format(
        command=" ".join(_quoted(word).replace("$", "$$") for word in command),
        environment="".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in environment.items()),
        watchdog_s=WATCHDOG_S,
    )


def install(text: str, environ: Mapping[str, str], linger: Path = _LINGER) -> Installed:
    """Write the unit where systemd's user manager looks for it.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    home = Path(environ.get("HOME") or Path.home())
    unit = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "systemd/user" / NAME
    unit.parent.mkdir(parents=True, exist_ok=True)
    write_whole(unit, text)
    commands = [("systemctl", "--user", "daemon-reload"), ("systemctl", "--user", "enable", "--now", NAME)]
    user = _user()
    if not (linger / user).exists():  # else it ends when its user logs out
        commands.append(("loginctl", "enable-linger", user))
    return Installed(unit, tuple(commands))


def has_user_systemd(environ: Mapping[str, str], booted: Path = Path("/run/systemd/system")) -> bool:
    """Whether systemd manages this machine, and services of this user."""
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return booted.is_dir() and (runtime / "systemd/private").is_socket()


def notify(message: str, environ: Mapping[str, str]) -> bool:
    """Tell systemd something, such as ``READY=1`` or ``WATCHDOG=1``; False if nobody listens. Never raises."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # in the abstract namespace, which has no files
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.setblocking(False)
        line.connect(address)
        return line.send(message.encode()) > 0
    return False


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _quoted(word: str) -> str:
    """Write a word as systemd reads it."""
    if re.search(r"[\x00-\x1f\x7f]", word):
        raise ValueError(f"{word!r} cannot stand in a unit of systemd: it holds a line end or a control character.")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if re.search(r"[^\w/.:=@,+%-]", word) or not word else escaped
