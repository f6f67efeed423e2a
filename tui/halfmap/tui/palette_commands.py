"""What the command palette offers: every key of the screen by its words, jobs by their names, themes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.fuzzy import Matcher
from textual.screen import Screen

from halfmap.daemon.client import JobRow
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.terminal.look import THEMES
from halfmap.tui.text.figures import known_as
from halfmap.tui.text.keys import key_name
from halfmap.tui.text.plain import plain

if TYPE_CHECKING:
    from halfmap.tui.app import HalfmapApp

_NOT_OFFERED = ("command_palette", "help_quit", "app.focus_next", "app.focus_previous", "screen.copy_text")


@dataclass(frozen=True, slots=True)
class Command:
    """Something that the palette offers.

    Attributes
    ----------
    words
        What it does.
    key
        How it is done without the palette, or what else there is to know.
    action
        Textual's action, on `node`; empty for the others.
    node
        The part of the screen that has the action.
    job
        A job to go to.
    theme
        A theme to change to.
    """

    words: str
    key: str = ""
    action: str = ""
    node: Any = None
    job: int | None = None
    theme: str = ""


def commands_of(screen: Screen[Any]) -> tuple[Command, ...]:
    """Give the commands of a screen: its own first, then those of its part in focus, those of the program, themes."""
    bindings = list(screen.active_bindings.values())
    places = (
        [one for one in bindings if one.node is screen],
        [one for one in bindings if one.node is not screen and not isinstance(one.node, App) and one.binding.show],
        [one for one in bindings if isinstance(one.node, App)],
    )
    found = [
        Command(
            _capital(one.binding.tooltip or one.binding.description),
            key_name(one.binding.key),
            one.binding.action,
            one.node,
        )
        for place in places
        for one in place
        if one.binding.description and not one.binding.system and one.binding.action not in _NOT_OFFERED
    ]
    return (*_once(found), *(Command(f"Theme: {theme}", theme=theme) for theme in THEMES))


def matching(commands: Iterable[Command], typed: str) -> tuple[Command, ...]:
    """Give the commands that fit to what is typed, the best first; all if nothing is."""
    if not typed.strip():
        return tuple(commands)
    matcher = Matcher(typed.strip())
    scored = [(matcher.match(command.words), command) for command in commands]
    return tuple(command for score, command in sorted(scored, key=lambda pair: -pair[0]) if score > 0)


def going_to(rows: Sequence[JobRow]) -> tuple[Command, ...]:
    """Offer to go to jobs."""
    return tuple(
        Command(
            f"Go to {known_as(row)}", f"{row.state} in {plain(row.project.rstrip('/').rpartition('/')[2])}", job=row.job
        )
        for row in rows
    )


async def run_command(app: "HalfmapApp", command: Command | None) -> None:
    """Do what was chosen."""
    if command is None:
        return
    if command.job is not None:
        app.open_job(command.job)
    elif command.theme:
        choose_theme(app, command.theme)
    else:
        await app.run_action(command.action, command.node)


def choose_theme(app: "HalfmapApp", theme: str) -> None:
    """Draw in other colours from now on."""
    app.look = replace(app.look, theme=theme)
    app.theme = "ansi-dark" if theme == "ansi" else f"halfmap-{theme}"
    for screen in app.screen_stack:
        if isinstance(screen, HalfmapScreen):
            screen.call_later(screen.changed, frozenset[int]())


def _once(commands: Iterable[Command]) -> Iterator[Command]:
    """Leave out further keys of the same action."""
    seen = set[tuple[str, int]]()
    for command in commands:
        if (known := (command.action, id(command.node))) not in seen:
            seen.add(known)
            yield command


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"
