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

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.whole_file import written_whole

VERSION = 50001
_TOKEN = re.compile(r'"[^"]*"|\'[^\']*\'|\S+')
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
    labels = _check(path, _text(path))
    tables: dict[str, dict[str, str] | pd.DataFrame] = starfile.read(path, always_dict=True, parse_as_string=labels)
    return tables


def _text(path: Path) -> str:
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


def _check(path: Path, text: str) -> list[str]:
    """Refuse what RELION's reader would refuse; return all labels."""
    labels: list[str] = []
    table, columns, in_loop, in_rows = "", 0, False, False
    for number, line in enumerate(text.split("\n"), 1):
        first, _, rest = line.strip().partition(" ")
        if not first:
            in_loop, in_rows = in_loop and not in_rows, False
        elif first.startswith("data_"):
            table, columns, in_loop, in_rows = first[5:], 0, False, False
            if rest.strip():
                raise BadInput(f"{path}, line {number}: text after {first!r}; RELION would not find this table.")
        elif first == "loop_":
            columns, in_loop = 0, True
        elif first.startswith("_"):
            labels.append(first[1:].split()[0])
            columns += in_loop
        elif in_loop and (in_rows or not first.startswith(("#", ";"))):
            in_rows = True
            _check_row(path, number, line, table, columns)
        elif not first.startswith(("#", ";")):
            raise BadInput(f"{path}, line {number}: {line.strip()[:60]!r} is outside of any table.")
    if not labels:
        raise BadInput(f"{path}: holds no STAR table; it is empty, cut short or of another kind.")
    return labels


def _check_row(path: Path, number: int, line: str, table: str, columns: int) -> None:
    values = len(_TOKEN.findall(line)) if '"' in line or "'" in line else len(line.split())
    if values != columns:
        raise BadInput(
            f"{path}, line {number}: {values} values in a row of table {table!r}, which has {columns} columns; "
            f"the file is cut short or was edited by hand."
        )


def star_text(tables: Mapping[str, Table]) -> str:
    """Lay out tables as RELION writes them."""
    return "".join(f"\n# version {VERSION}\n\ndata_{name}\n\n{_body(table)} \n" for name, table in tables.items())


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
        return _quoted(value)
    if isinstance(value, float):
        return _format_double(value)
    return f"{int(value):12d}"


def _format_double(value: float) -> str:
    if not math.isfinite(value):
        return f"{value!s:>12}"
    small_or_large = 0 < abs(value) < 0.001 or abs(value) > 100000
    return f"{value:12.{5 if value < 0 else 6}{'e' if small_or_large else 'f'}}"


def _quoted(text: str) -> str:
    if not text:
        return '""'
    if " " in text or "\t" in text or text[0] in "\"'":
        return '"' + text.replace('"', '\a"') + '"'
    return text
