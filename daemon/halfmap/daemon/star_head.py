"""Tables of a STAR file that another program may be writing this very moment, taken from the file's beginning.

RELION writes its files in place and ends every table with a line of blanks. A table without that end is not whole yet.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.star_text import StarError, split_words


@dataclass(frozen=True, slots=True)
class WholeTable:
    """A table of texts; a list of single values is a table of one row.

    Attributes
    ----------
    labels
        Without the leading underscore.
    rows
        Values in the order of the labels.
    """

    labels: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, label: str) -> list[str]:
        """Values of a column; empty if there is no such column."""
        if label not in self.labels:
            return []
        place = self.labels.index(label)
        return [row[place] for row in self.rows]

    def values(self) -> dict[str, str]:
        """Value of each label in the first row."""
        return dict(zip(self.labels, self.rows[0], strict=True)) if self.rows else {}


def read_whole_tables(path: Path, names: Iterable[str], most_bytes: int) -> dict[str, WholeTable] | None:
    """Read tables from the beginning of a file.

    Parameters
    ----------
    path
        The file.
    names
        Tables that are wanted, without ``data_``.
    most_bytes
        Bytes to read at most; what is wanted should stand in them.

    Returns
    -------
    dict or None
        Tables by name; None if one of them is not there, not whole or not to be read: look again later.
    """
    try:
        with path.open("rb") as file:
            text = file.read(most_bytes).decode(errors="replace")
        tables = {name: _table(text, name) for name in names}
    except (OSError, StarError):
        return None
    whole = {name: table for name, table in tables.items() if table is not None}
    return whole if len(whole) == len(tables) else None


def number_from(text: str | None) -> float | None:
    """Read a number; None for none, and for nan and inf, which RELION may write and reads back as 0."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _table(text: str, name: str) -> WholeTable | None:
    _, mark, after = text.partition(f"\ndata_{name}\n")
    # what follows the last line feed is the beginning of a line at most
    lines = [line.strip() for line in after.split("\n")[:-1]]
    first = next((place for place, line in enumerate(lines) if line), None)
    if not mark or first is None or "" not in lines[first:]:
        return None
    whole = lines[first : lines.index("", first)]
    return _loop(whole[1:]) if whole[0] == "loop_" else _list(whole)


def _list(lines: list[str]) -> WholeTable:
    pairs = [split_words(0, line) for line in lines if line.startswith("_")]
    if any(len(pair) != 2 for pair in pairs):
        raise StarError(0, "a label without its value")
    return WholeTable(tuple(pair[0][1:] for pair in pairs), (tuple(pair[1] for pair in pairs),))


def _loop(lines: list[str]) -> WholeTable:
    labels = tuple(line.split(maxsplit=1)[0][1:] for line in lines if line.startswith("_"))
    rows = tuple(tuple(split_words(0, line)) for line in lines[len(labels) :])
    if any(len(row) != len(labels) for row in rows):
        raise StarError(0, "a row of another length than the labels")
    return WholeTable(labels, rows)
