"""What this terminal can show, and what its user wants: found once, at the start."""

import codecs
import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Colours = Literal["full", "256", "16", "none"]
THEMES = ("dark", "light", "colour-blind", "ansi")

_FEW = ("linux", "screen", "vt100", "vt220", "ansi", "xterm", "xterm-16color")


class NoTerminal(Exception):
    """This terminal cannot show the interface; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Look:
    """How things are drawn.

    Attributes
    ----------
    ascii
        Only ASCII glyphs.
    colours
        How many colours there are.
    theme
        One of `THEMES`; ``ansi`` takes the terminal's own 16 colours.
    read_only
        Nothing can be changed from here.
    mouse
        Whether the mouse is listened to.
    is_remote
        Whether the terminal is at the other end of SSH.
    """

    ascii: bool = False
    colours: Colours = "full"
    theme: str = "dark"
    read_only: bool = False
    mouse: bool = True
    is_remote: bool = False


def colours_of(environ: Mapping[str, str]) -> Colours:
    """Tell how many colours a terminal has, by what it calls itself."""
    if environ.get("NO_COLOR"):
        return "none"
    term = environ.get("TERM", "")
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "full"
    if "256" in term or "kitty" in term or "alacritty" in term or "foot" in term:
        return "256"
    return "16" if term in _FEW or "color" in term else "256"


def is_utf8(environ: Mapping[str, str]) -> bool:
    """Whether this locale writes UTF-8; without any locale it does not."""
    named = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "C")
    _, _, coding = named.partition(".")
    coding = coding.partition("@")[0] or ("ascii" if named in ("C", "POSIX") else locale.getpreferredencoding(False))
    try:
        return codecs.lookup(coding).name == "utf-8"
    except LookupError:
        return False


def look_of(
    environ: Mapping[str, str],
    *,
    ascii_only: bool = False,
    theme: str = "",
    read_only: bool = False,
    mouse: bool = True,
    is_terminal: bool | None = None,
) -> Look:
    """Find out how to draw.

    Raises
    ------
    NoTerminal
        If this is no terminal, or one that cannot place text.
    """
    if not (os.isatty(0) and os.isatty(2) if is_terminal is None else is_terminal):
        raise NoTerminal("the interface needs a terminal for its input and output; `halfmap list` needs none.")
    if environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        raise NoTerminal(
            f"TERM is {environ.get('TERM') or 'not set'}, a terminal that cannot place text; set TERM to what it is, "
            "such as xterm-256color, or use `halfmap list`, `halfmap show` and `halfmap submit`."
        )
    colours = colours_of(environ)
    return Look(
        ascii=ascii_only or not is_utf8(environ),
        colours=colours,
        theme=theme or ("dark" if colours in ("full", "256") else "ansi"),
        read_only=read_only,
        mouse=mouse,
        is_remote=bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")),
    )
