"""Records on the terminal, or as JSON."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from halfmap.tui.text.plain import plain

_WIDE = 10_000
_STYLES = {
    "running": "green",
    "free": "green",
    "failed": "red",
    "lost": "red",
    "dirty": "red",
    "quarantined": "red",
    "gone": "red",
    "held": "yellow",
    "stopping": "yellow",
    "busy": "yellow",
}


def as_json(value: BaseModel | Iterable[BaseModel] | None) -> str:
    """Write records as JSON in ASCII, so that nothing in them can move the terminal."""
    return json.dumps(_jsonable(value))


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return None if value is None else [_jsonable(one) for one in value]


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], styled: str = "state") -> None:
    """Print a table; lines are cut at a terminal's edge, and nowhere when they go into a file.

    Parameters
    ----------
    headings, rows
        Texts; control characters in them are replaced.
    styled
        The heading whose words have colours.
    """
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="ellipsis", justify="left")
    for row in rows:
        table.add_row(
            *(
                Text(plain(text), style=_STYLES.get(text, "") if heading == styled else "")
                for heading, text in zip(headings, row, strict=True)
            )
        )
    console.print(table)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values, a line each; those that are empty are left out."""
    told = [(name, value) for name, value in facts if value]
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        print(f"{name:<{width}}  {plain(value)}")


def print_error(text: str) -> None:
    """Print what is wrong, a line for each sentence."""
    first, *more = text.splitlines() or [""]
    print("\n".join((f"ERROR: {plain(first)}", *(f"  {plain(line)}" for line in more))), file=sys.stderr)


def print_note(text: str) -> None:
    """Print something that people should know beside the answer."""
    print(f"NOTE: {plain(text)}", file=sys.stderr)
