"""STAR text as RELION writes and reads it, for small files of texts such as ``job.star``.

RELION: ``MetaDataTable::write``, ``MetaDataTable::readStar`` and ``escapeStringForSTAR``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

VERSION_COMMENT = "# version 50001"

_ESCAPE = "\a"  # RELION puts a bell character before a quotation mark inside quotation marks
_WORD = re.compile(rf'[ \t]*(?:"((?:{_ESCAPE}"|[^"])*)"(?=[ \t]|$)|([^ \t"\'][^ \t]*)|\'([^\']*)\'(?=[ \t]|$))[ \t]*')


class StarError(ValueError):
    """Text that is not STAR as RELION reads it; the message begins with the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")


@dataclass(frozen=True, slots=True)
class Row:
    """Values by label (without the leading underscore), and the line where they stand, counted from 1."""

    line: int
    values: Mapping[str, str]


@dataclass(slots=True)
class _Table:
    labels: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    is_loop: bool = False
    is_over: bool = False


def read_tables(text: str) -> dict[str, list[Row]]:
    """Read all tables.

    Returns
    -------
    dict
        Rows by the table's name (without ``data_``). A list of single values is a table of one row for each label.

    Raises
    ------
    StarError
        Where RELION's reader would stop or go wrong: carriage returns, rows of another length than the labels,
        comments among rows, text that belongs to no table.
    """
    tables: dict[str, _Table] = {}
    table: _Table | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if "\r" in line:
            raise StarError(number, "a carriage return (Windows line end); RELION wants plain line feeds, see dos2unix")
        content = line.strip(" \t")
        if table and table.rows and table.is_loop and not table.is_over:
            _read_row(table, number, content)
        elif content.startswith("data_"):
            table = tables.setdefault(_table_name(number, content), _Table())
        elif content and not content.startswith(("#", ";")):
            _read_line(table, number, content)
    return {name: table.rows for name, table in tables.items()}


def _table_name(number: int, content: str) -> str:
    if len(content.split()) > 1:
        raise StarError(number, f"text after the name of the table: {content}")
    return content.removeprefix("data_")


def _read_line(table: _Table | None, number: int, content: str) -> None:
    if table is None or table.is_over:
        raise StarError(number, f"text outside of a table (an empty line ends a table): {content}")
    if content == "loop_":
        table.is_loop = True
    elif not content.startswith("_"):
        _read_row(table, number, content)
    elif table.is_loop:
        table.labels.append(content.split(maxsplit=1)[0][1:])
    else:
        label, *values = split_words(number, content)
        if len(values) != 1:
            raise StarError(number, f"{len(values)} values for {label}; there must be one")
        table.rows.append(Row(number, {label[1:]: values[0]}))


def _read_row(table: _Table, number: int, content: str) -> None:
    if not content:
        table.is_over = True
        return
    if not table.labels:
        raise StarError(number, f"values without labels: {content}")
    if content.startswith("#"):
        raise StarError(number, "a comment among the rows of a table; RELION would read it as a row")
    values = split_words(number, content)
    if len(values) != len(table.labels):
        raise StarError(number, f"{len(values)} values for {len(table.labels)} labels: {content}")
    table.rows.append(Row(number, dict(zip(table.labels, values, strict=True))))


def split_words(number: int, line: str) -> list[str]:
    """Split a line at blanks; words in quotation marks may hold blanks and be empty.

    Raises
    ------
    StarError
        If a quotation mark has no partner; `number` is the line that the message names.
    """
    words, place = [], 0
    while place < len(line):
        found = _WORD.match(line, place)
        if found is None:
            raise StarError(number, f"a quotation mark without its partner: {line}")
        quoted, plain, single_quoted = found.groups()
        words.append(quoted.replace(f'{_ESCAPE}"', '"') if quoted is not None else plain or single_quoted or "")
        place = found.end()
    return words


def quoted(text: str) -> str:
    """Put a text in quotation marks where RELION does: if it is empty, holds a blank, or begins with such a mark."""
    if text and not re.match("[\"']", text) and not re.search("[ \t]", text):
        return text
    return '"' + text.replace('"', f'{_ESCAPE}"') + '"'


def list_text(name: str, values: Mapping[str, str | int]) -> str:
    """Write a table of single values, with RELION's columns."""
    width = max(map(len, values)) + 13
    lines = [
        f"_{label}".ljust(width) + (f"{value:12d}" if isinstance(value, int) else quoted(value))
        for label, value in values.items()
    ]
    return _table_text(name, lines)


def loop_text(name: str, labels: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of rows, with RELION's columns and trailing blanks.

    The first word of each row should be a name: a row that begins like a comment, a label or a table is taken for one.
    """
    heads = [f"_{label} #{i} " for i, label in enumerate(labels, start=1)]
    lines = ["".join(f"{quoted(value):>10} " for value in row) for row in rows]
    return _table_text(name, ["loop_ ", *heads, *lines])


def _table_text(name: str, lines: Iterable[str]) -> str:
    return "\n".join(["", VERSION_COMMENT, "", f"data_{name}", "", *lines, " ", ""])
