"""Which colour each role has in each theme. Colour is never the only carrier: states are words, curves have letters."""

from collections.abc import Mapping

from rich.style import Style

from halfmap.tui.charts.plot import Role

# Okabe and Ito's eight colours are told apart by nearly everybody
_COLOUR_BLIND = {
    "first": "#56b4e9",
    "second": "#e69f00",
    "third": "#009e73",
    "fourth": "#cc79a7",
    "final": "#f0e442",
    "overlay": "#a0a0a0",
    "faded": "#5a6a78",
    "level": "#8a8a8a",
    "mark": "#8a8a8a",
    "cursor": "#ffffff",
    "axis": "#909090",
    "title": "bold",
    "note": "#c0c0c0",
    "alarm": "bold #d55e00",
}
_DARK = _COLOUR_BLIND | {
    "first": "#5fd7ff",
    "second": "#ffaf5f",
    "third": "#87d787",
    "fourth": "#d7afff",
    "final": "#ffff87",
    "alarm": "bold #ff5f5f",
}
_LIGHT = {
    "first": "#005fd7",
    "second": "#af5f00",
    "third": "#008700",
    "fourth": "#8700af",
    "final": "#d70000",
    "overlay": "#808080",
    "faded": "#a8b8c8",
    "level": "#767676",
    "mark": "#767676",
    "cursor": "#000000",
    "axis": "#585858",
    "title": "bold",
    "note": "#444444",
    "alarm": "bold #d70000",
}
_ANSI = {
    "first": "bright_cyan",
    "second": "bright_yellow",
    "third": "bright_green",
    "fourth": "bright_magenta",
    "final": "bold bright_white",
    "overlay": "white",
    "faded": "bright_blue",
    "level": "white",
    "mark": "white",
    "cursor": "bold",
    "axis": "default",
    "title": "bold",
    "note": "default",
    "alarm": "bold bright_red",
}

PALETTES: Mapping[str, Mapping[str, str]] = {
    "dark": _DARK,
    "light": _LIGHT,
    "colour-blind": _COLOUR_BLIND,
    "ansi": _ANSI,
}

STATE_ROLES: Mapping[str, Role] = {
    "running": "third",
    "starting": "third",
    "finished": "first",
    "failed": "alarm",
    "lost": "alarm",
    "held": "second",
    "stopping": "second",
    "aborted": "second",
}
"""The role of a job's state; the others have none."""


def style_of(role: str, theme: str) -> Style:
    """Give the style of a role in a theme; a role that is not known has none."""
    return Style.parse(PALETTES.get(theme, _DARK).get(role, ""))
