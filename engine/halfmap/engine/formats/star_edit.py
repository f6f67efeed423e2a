"""Changing single values of a STAR file and nothing else: comments, layout and all other values stay as they stand."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.star import TOKEN

_TABLE = re.compile(r"data_(\S*)$")


@dataclass(frozen=True)
class _Place:
    """Where the values of a table stand: lines of rows, or of single values."""

    columns: tuple[str, ...]
    rows: tuple[int, ...]
    is_loop: bool


def with_values(path: Path, text: str, table: str | None, columns: Mapping[str, Sequence[str]]) -> str:
    """Put other values into columns of a table.

    Parameters
    ----------
    path
        Where the text came from, for messages.
    text
        A file that `read_star` accepts.
    table
        Name without ``data_``; None for the first table of the file. A list counts as one row.
    columns
        New values by label, one for each row, as they shall be printed.

    Raises
    ------
    BadInput
        If the table is there not at all or twice, or lacks a column.

    Notes
    -----
    A value is right-aligned in the blanks and the value that it replaces, so that a file of RELION's keeps its layout.
    """
    lines = text.split("\n")
    place = _find(path, lines, table)
    missing = [label for label in columns if label not in place.columns]
    if missing:
        raise BadInput(f"{path}: has no column _{missing[0]}, which is needed.")
    put = _put_rows if place.is_loop else _put_list
    put(lines, place, columns)
    return "\n".join(lines)


def _find(path: Path, lines: list[str], table: str | None) -> _Place:
    starts = [
        number
        for number, line in enumerate(lines)
        if (found := _TABLE.match(line.strip())) and table in (None, found[1])
    ]
    if not starts or (table is not None and len(starts) > 1):
        raise BadInput(f"{path}: has {len(starts)} tables data_{table or ''}; one is needed.")
    return _walk(lines, starts[0] + 1)


def _walk(lines: list[str], start: int) -> _Place:
    labels: list[str] = []
    rows: list[int] = []
    is_loop = False
    for number in range(start, len(lines)):
        line = lines[number].strip()
        if _TABLE.match(line) or (not line and is_loop and rows):
            break
        if line == "loop_":
            is_loop = True
        elif line.startswith("_") and not (is_loop and rows):
            labels.append(line[1:].split(maxsplit=1)[0])
            rows += [] if is_loop else [number]
        elif line and not line.startswith(("#", ";")):
            rows.append(number)
    return _Place(tuple(labels), tuple(rows), is_loop)


def _put_rows(lines: list[str], place: _Place, columns: Mapping[str, Sequence[str]]) -> None:
    # from right to left, so that places further left stay where they are
    order = sorted(((place.columns.index(label), label) for label in columns), reverse=True)
    for row, number in enumerate(place.rows):
        line = lines[number]
        words = list(TOKEN.finditer(line))
        for column, label in order:
            line = _put(line, words[column].start(), words[column].end(), columns[label][row])
        lines[number] = line


def _put(line: str, start: int, end: int, value: str) -> str:
    before = len(line[:start].rstrip(" "))
    begin = min(before + (before > 0), start)
    return line[:begin] + value.rjust(end - begin) + line[end:]


def _put_list(lines: list[str], place: _Place, columns: Mapping[str, Sequence[str]]) -> None:
    for label, number in zip(place.columns, place.rows, strict=True):
        if label in columns:
            word = list(TOKEN.finditer(lines[number]))[1]
            lines[number] = lines[number][: word.start()] + columns[label][0].strip() + lines[number][word.end() :]
