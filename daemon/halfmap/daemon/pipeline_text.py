"""STAR text that is added to and corrected in place: whatever is not touched stays as it was found, byte for byte."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from halfmap.contract.star_text import StarError, quoted, split_words

_HEAD = 14
"""RELION pads the labels of a list to the longest and this many columns, with the underscore."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as lines of text.

    Attributes
    ----------
    name
        Without ``data_``.
    head
        All lines between the last row of the table before and the first row of this one.
    labels
        Columns, without the underscore; of a list, the labels that have a value.
    rows
        Lines that hold values.
    """

    name: str
    head: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def is_loop(self) -> bool:
        """Whether it has columns, rather than one value for each label."""
        return any(line.strip() == "loop_" for line in self.head)


@dataclass(frozen=True, slots=True)
class StarText:
    """A file: its tables in order, and the lines after the last row."""

    tables: tuple[Table, ...] = ()
    tail: tuple[str, ...] = (" ", "")

    def table(self, name: str) -> Table | None:
        """Look a table up."""
        return next((table for table in self.tables if table.name == name), None)

    def rows(self, name: str) -> list[dict[str, str]]:
        """Values of all rows by label; none if there is no such table."""
        table = self.table(name)
        if table is None:
            return []
        if not table.is_loop:
            return [{words[0][1:]: words[1] for words in map(words_of, table.rows) if words and words[0][0] == "_"}]
        return [dict(zip(table.labels, words_of(line), strict=True)) for line in table.rows]

    def columns(self, name: str, *labels: str) -> list[tuple[str, ...]]:
        """Some values of all rows of a loop, in the order of `labels`; quicker than `rows` for long tables."""
        table = self.table(name)
        if table is None or not table.rows:
            return []
        places = [table.labels.index(label) for label in labels]
        return [tuple(words[place] for place in places) for words in map(words_of, table.rows)]

    def text(self) -> str:
        """The file's text."""
        parts: list[str] = []
        for table in self.tables:
            parts += [*table.head, *table.rows]
        return "\n".join([*parts, *self.tail])

    def with_rows(self, name: str, rows: Iterable[Mapping[str, str]]) -> "StarText":
        """Append rows to a table that is there; columns that a row does not name stay empty."""
        table = self._known(name)
        lines = [row_text([row.get(label, "") for label in table.labels]) for row in rows]
        return self._with(replace(table, rows=(*table.rows, *lines)))

    def with_value(self, name: str, row: int, label: str, value: str) -> "StarText":
        """Change one value of a loop's row, counted from 0, or of a list (any row)."""
        table = self._known(name)
        if not table.is_loop:
            row = next(i for i, line in enumerate(table.rows) if line.split()[:1] == [f"_{label}"])
            column = 1
        else:
            column = table.labels.index(label)
        lines = list(table.rows)
        lines[row] = _with_word(lines[row], column, value)
        return self._with(replace(table, rows=tuple(lines)))

    def with_table(self, table: Table, before: Sequence[str]) -> "StarText":
        """Insert a table ahead of the first of those named, or at the end."""
        place = next((i for i, other in enumerate(self.tables) if other.name in before), len(self.tables))
        # each head begins with the blank line that ends the table before; the file's first has none to end
        ended = table if place == 0 else replace(table, head=(" ", *table.head))
        return replace(self, tables=(*self.tables[:place], ended, *self.tables[place:]))

    def _known(self, name: str) -> Table:
        table = self.table(name)
        if table is None:
            raise KeyError(name)
        return table

    def _with(self, changed: Table) -> "StarText":
        tables = tuple(changed if table.name == changed.name else table for table in self.tables)
        return replace(self, tables=tables)


def empty_loop(name: str, labels: Sequence[str], version: str) -> Table:
    """Make a loop with RELION's lines and without rows; `version` is the comment above it."""
    heads = (f"_{label} #{i} " for i, label in enumerate(labels, start=1))
    return Table(name, ("", version, "", f"data_{name}", "", "loop_ ", *heads), tuple(labels), ())


def single_value(name: str, label: str, value: int, version: str) -> Table:
    """Make a list of one number with RELION's lines."""
    line = f"_{label}".ljust(len(label) + _HEAD - 1) + f"{value:12d}"
    return Table(name, ("", version, "", f"data_{name}", ""), (label,), (line,))


def row_text(values: Sequence[str]) -> str:
    """Write a row with RELION's columns: 12 characters at least for whole numbers, 10 for words."""
    return "".join(f"{quoted(value):>{12 if value.isdigit() else 10}} " for value in values)


def words_of(line: str) -> list[str]:
    """Split a line of values."""
    return split_words(0, line) if '"' in line or "'" in line else line.split()


def parse(text: str) -> StarText:
    """Take a file apart.

    Raises
    ------
    StarError
        Where RELION's reader would stop: carriage returns, rows of another length than the labels, text outside of a
        table, a table twice.
    """
    lines = text.split("\n")
    if "\r" in text:
        number = next(i for i, line in enumerate(lines, start=1) if "\r" in line)
        raise StarError(number, "a carriage return (Windows line end); RELION wants plain line feeds, see dos2unix")
    tables: list[Table] = []
    place = 0
    while (start := _next_data(lines, place)) is not None:
        table, end = _table(lines, place, start)
        if any(other.name == table.name for other in tables):
            raise StarError(start + 1, f"table {table.name} is there a second time; keep one of them")
        tables.append(table)
        place = end
    tail = tuple(lines[place:])
    return StarText(tuple(tables), tail if any(not line.strip() for line in tail) else (" ", ""))


def _next_data(lines: Sequence[str], place: int) -> int | None:
    for number in range(place, len(lines)):
        content = lines[number].strip()
        if content.startswith("data_"):
            return number
        if content and not content.startswith(("#", ";")):
            raise StarError(number + 1, f"text outside of a table (an empty line ends a table): {content}")
    return None


def _table(lines: Sequence[str], place: int, start: int) -> tuple[Table, int]:
    """Read the table whose ``data_`` stands in line `start`; lines from `place` on belong to its head."""
    name = lines[start].strip().removeprefix("data_")
    first = start + 1
    while first < len(lines) and (not lines[first].strip() or lines[first].lstrip().startswith(("#", ";"))):
        first += 1
    if first < len(lines) and lines[first].strip() == "loop_":
        return _loop(name, lines, place, first)
    return _list(name, lines, place, start + 1)


def _loop(name: str, lines: Sequence[str], place: int, loop: int) -> tuple[Table, int]:
    labels: list[str] = []
    first = loop + 1
    while first < len(lines) and _is_before_rows(lines[first], bool(labels)):
        if lines[first].lstrip().startswith("_"):
            labels.append(lines[first].split(maxsplit=1)[0][1:])
        first += 1
    end = first
    while end < len(lines) and lines[end].strip():
        if len(words_of(lines[end])) != len(labels):
            raise StarError(end + 1, f"{len(words_of(lines[end]))} values for {len(labels)} labels: {lines[end]}")
        end += 1
    return Table(name, tuple(lines[place:first]), tuple(labels), tuple(lines[first:end])), end


def _is_before_rows(line: str, has_labels: bool) -> bool:
    content = line.strip()
    return content.startswith(("_", "#", ";")) or (not content and not has_labels)


def _list(name: str, lines: Sequence[str], place: int, start: int) -> tuple[Table, int]:
    """Read a list, which goes on to the next table; blank lines and comments at its end are the next table's."""
    rows: list[int] = []
    for number in range(start, len(lines)):
        content = lines[number].strip()
        if content.startswith("data_"):
            break
        if content.startswith("_"):
            if len(words_of(content)) != 2:
                raise StarError(number + 1, f"there must be one value for a label: {content}")
            rows.append(number)
        elif content and not content.startswith(("#", ";")):
            raise StarError(number + 1, f"a value without a label: {content}")
    if not rows:
        return Table(name, tuple(lines[place:start]), (), ()), start
    between = tuple(lines[rows[0] : rows[-1] + 1])
    labels = tuple(words_of(lines[number])[0][1:] for number in rows)
    return Table(name, tuple(lines[place : rows[0]]), labels, between), rows[-1] + 1


def _with_word(line: str, column: int, value: str) -> str:
    """Put another word at a place of a line; the others stay where they are as far as the columns allow."""
    words = words_of(line)
    if '"' in line or "'" in line:
        words[column] = value
        return row_text(words)
    start = 0
    for word in words[:column]:
        start = line.index(word, start) + len(word)
    at = line.index(words[column], start)
    end = at + len(words[column])
    gap = line[start:at]
    spare = min(max(len(value) - (end - at), 0), max(len(gap) - 1, 0)) if column else 0
    padding = " " * max(end - at - len(value), 0)
    return line[:start] + gap[spare:] + padding + value + line[end:]
