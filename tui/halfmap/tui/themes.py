"""Textual's themes in halfmap's palettes."""

from textual.app import App
from textual.theme import Theme

from halfmap.tui.palette import PALETTES
from halfmap.tui.terminal.look import Look


def add_themes(app: App[None], look: Look) -> None:
    """Register the themes and choose one."""
    for name in ("dark", "light", "colour-blind"):
        app.register_theme(_theme(name))
    app.theme = "ansi-dark" if look.theme == "ansi" else f"halfmap-{look.theme}"


def pane_colours(theme: str) -> dict[str, str]:
    """Give the colours of the borders of panes, as style sheets name them: of most, and of the one in focus."""
    if theme == "ansi":
        return {"pane-border": "ansi_default", "pane-focus": "ansi_bright_cyan"}
    return {"pane-border": PALETTES[theme]["axis"], "pane-focus": PALETTES[theme]["first"]}


def _theme(name: str) -> Theme:
    palette = PALETTES[name]
    is_dark = name != "light"
    return Theme(
        name=f"halfmap-{name}",
        primary=palette["first"],
        secondary=palette["fourth"],
        accent=palette["second"],
        success=palette["third"],
        warning=palette["second"],
        error=palette["alarm"].removeprefix("bold "),
        foreground="#d8d8d8" if is_dark else "#1c1c1c",
        background="#101418" if is_dark else "#ffffff",
        surface="#181d22" if is_dark else "#f2f4f6",
        panel="#20272e" if is_dark else "#e4e8ec",
        dark=is_dark,
    )
