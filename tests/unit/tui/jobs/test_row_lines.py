from rich.style import Style
from textual.strip import Strip

from halfmap.tui.text.cells import Cell, Column
from halfmap.tui.widgets.tables.row_lines import Line, difference, strip

COLUMNS = (Column("name", 6), Column("step", 5, is_right=True), Column("why", 4))


def line(*texts: str, **more: object) -> Line:
    return Line(tuple(Cell(text) for text in texts), **more)  # type: ignore[arg-type]


def test_only_the_columns_that_differ_are_drawn_anew() -> None:
    old = line("job1", "7.5", "x")
    assert difference(old, line("job1", "3.7", "x"), COLUMNS, 40) == (9, 5)
    assert difference(old, line("job1", "3.7", "y"), COLUMNS, 40) == (9, 10)
    assert difference(old, line("job1", "7.5", "x", is_cursor=True), COLUMNS, 40) == (0, 40)
    assert difference(Line(), old, COLUMNS, 40) == (0, 40)


def test_texts_keep_to_their_columns_wide_characters_too() -> None:
    drawn = strip(line("日本語の名前", "7.5", "evil", gutter="> "), COLUMNS, Style(), "dark")
    assert drawn.text == "> 日本…    7.5 evil "
    assert drawn.cell_length == 20


def test_roles_are_coloured_but_not_in_a_line_that_is_reversed() -> None:
    row = Line((Cell("failed", "alarm"),), "  ")
    assert bold(strip(row, COLUMNS, Style(), "dark")) == ["failed"]
    assert bold(strip(row, COLUMNS, Style(reverse=True), None)) == []


def bold(drawn: Strip) -> list[str]:
    return [segment.text for segment in drawn if segment.style is not None and segment.style.bold]
