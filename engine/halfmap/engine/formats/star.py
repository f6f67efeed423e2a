"""STAR files: read with the starfile package after a check of the text, written as RELION's reader wants them.

RELION's reader is strict (LF line ends, rows of one length, a version comment before each table), so files are checked
before they are parsed, and written by `write_star` rather than by starfile, which writes no version comment and gives
all numbers the same format.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import starfile

from halfmap.contract.star_text import VERSION_COMMENT, quoted
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.whole_file import written_whole

TOKEN = re.compile(r'"[^"]*"|\'[^\']*\'|\S+')
_LIST_LABEL_PAD = 12

Value = str | int | float | bool
List = Mapping[str, Value]
Table = List | pd.DataFrame


def read_star(path: Path) -> dict[str, dict[str, str] | pd.DataFrame]:
    """Read all tables of a STAR file, every value as the text that stands there.

    Returns
    -------
    Tables by name without ``data_``: a dict for a list, a DataFrame of strings for a loop.

    Raises
    ------
    BadInput
        Naming the file and line of what is missing or wrong.
    """
    labels = check_star_text(path, read_star_text(path))
    tables: dict[str, dict[str, str] | pd.DataFrame] = starfile.read(
        path, always_dict=True, parse_as_string=list(dict.fromkeys(labels))
    )
    return tables


def read_star_text(path: Path) -> str:
    """Read a file as text; refuse what is missing, unreadable, binary or has carriage returns (BadInput)."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(
            f"{path}: does not exist. Paths in STAR files and options are relative to the project directory, "
            f"from which the program must be started."
        ) from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from error
    if b"\r" in raw:
        line = raw[: raw.index(b"\r")].count(b"\n") + 1
        raise BadInput(f"{path}, line {line}: a carriage return; save the file with Unix line ends (dos2unix).")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not a text file (byte {error.start}); a STAR file was expected.") from None


def check_star_text(path: Path, text: str) -> list[str]:
    """Refuse what RELION's reader would refuse or the starfile package would misread; return all labels."""
    checker = _Checker(path)
    for number, line in enumerate(text.split("\n"), 1):
        checker.check(number, line.strip())
    if not checker.labels:
        raise BadInput(f"{path}: holds no STAR table; it is empty, cut short or of another kind.")
    return checker.labels


class _Checker:
    """Walks through the lines of a STAR file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.labels: list[str] = []
        self._table = ""
        self._columns = 0
        self._in_loop = self._in_rows = self._is_interrupted = False

    def check(self, number: int, line: str) -> None:
        """Check one line."""
        if not line or (line.startswith(("#", ";")) and not self._in_rows):
            self._empty(number, line)
        elif line.startswith("data_"):
            self._begin_table(number, line)
        elif line == "loop_":
            self._columns, self._in_loop, self._is_interrupted = 0, True, False
        elif line.startswith("_"):
            self._label(number, line)
        elif self._in_loop:
            self._in_rows = True
            self._row(number, line)
        else:
            raise self._refusal(number, f"{line[:60]!r} is outside of any table.")

    def _empty(self, number: int, line: str) -> None:
        if self._in_rows:
            self._in_loop = self._in_rows = False
        self._is_interrupted = True
        if line.startswith(";") and self._in_loop:
            raise self._refusal(number, "a comment before the rows of a table; remove the line.")

    def _begin_table(self, number: int, line: str) -> None:
        if len(line.split()) > 1:
            raise self._refusal(number, f"text after {line.split(maxsplit=1)[0]!r}; RELION would not find this table.")
        self._table, self._columns, self._in_loop, self._in_rows = line[5:], 0, False, False

    def _label(self, number: int, line: str) -> None:
        if self._in_loop:
            if self._is_interrupted:
                raise self._refusal(number, "an empty line or comment before this label; remove it.")
            self._columns += 1
        elif len(_words(line)) != 2:
            raise self._refusal(number, f"{line[:60]!r} must be a label and one value.")
        else:
            self._check_words(number, line, "\"'#\\")
        self.labels.append(line[1:].split(maxsplit=1)[0])

    def _row(self, number: int, line: str) -> None:
        values = len(_words(line))
        if values != self._columns:
            raise self._refusal(
                number,
                f"{values} values in a row of table {self._table!r}, which has {self._columns} columns; "
                f"the file is cut short or was edited by hand.",
            )
        self._check_words(number, line, "\"'#")

    def _check_words(self, number: int, line: str, special: str) -> None:
        """Refuse marks inside of words which the starfile package takes for quotation or comment."""
        if any(mark in line for mark in special):
            for word in _words(line):
                bare = word[1:-1] if word[0] in "\"'" and word[-1] == word[0] and len(word) > 1 else word
                if any(mark in bare for mark in special):
                    raise self._refusal(number, f"{word!r} holds one of {' '.join(special)}; names must do without.")

    def _refusal(self, number: int, what: str) -> BadInput:
        return BadInput(f"{self.path}, line {number}: {what}")


def _words(line: str) -> list[str]:
    return TOKEN.findall(line) if '"' in line or "'" in line else line.split()


def star_text(tables: Mapping[str, Table]) -> str:
    """Lay out tables as RELION writes them."""
    return "".join(f"\n{VERSION_COMMENT}\n\ndata_{name}\n\n{_body(table)} \n" for name, table in tables.items())


def write_star(path: Path, tables: Mapping[str, Table], comments: Sequence[str] = ()) -> None:
    """Write tables whole or not at all; `comments` stand before the first table."""
    with written_whole(path) as temporary:
        temporary.write_text("".join(f"# {c}\n" for c in comments) + star_text(tables))


def _body(table: Table) -> str:
    if isinstance(table, pd.DataFrame):
        header = "loop_ \n" + "".join(f"_{label} #{i} \n" for i, label in enumerate(table.columns, 1))
        formatted = [_cells(table[label].tolist()) for label in table.columns]
        return header + "".join("".join(row) + "\n" for row in zip(*formatted, strict=True))
    width = _LIST_LABEL_PAD + max(len(label) for label in table)
    return "".join(f"_{label:<{width}}{format_value(value)}\n" for label, value in table.items())


def _cells(values: Iterable[Value]) -> list[str]:
    return [f"{format_value(value):>10} " for value in values]


def format_value(value: Value) -> str:
    """Write one value as RELION does: numbers 12 wide with six decimals, text quoted where it must be."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return _format_double(value)
    return f"{int(value):12d}"


def _format_double(value: float) -> str:
    if not math.isfinite(value):
        return f"{value!s:>12}"
    small_or_large = 0 < abs(value) < 0.001 or abs(value) > 100000
    return f"{value:12.{5 if value < 0 else 6}{'e' if small_or_large else 'f'}}"
