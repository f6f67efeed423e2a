"""What is left out is never missed: a terminal shows the same with and without it."""

import time

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfmap.tui.terminal.screen_memory import ScreenMemory, change_of_style

COLUMNS, ROWS = 20, 4
STYLES = ["", "1", "38;5;252;48;5;16", "1;38;5;252;48;5;16", "38;2;1;2;3", "7", "31;44", "4;97;100", "48;2;9;9;9"]
# of each width: one cell, two, none; an emoji that terminals do not agree on
SIGNS = "ab Å│⣿█–日本e\u0301⌚"


def painted(*pieces: str) -> pyte.Screen:
    screen = pyte.Screen(COLUMNS, ROWS)
    screen.reset_mode(7, private=True)
    pyte.Stream(screen).feed("".join(pieces))
    return screen


def seen(screen: pyte.Screen) -> list[list[pyte.screens.Char]]:
    return [[screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]


def styled(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style else text


@st.composite
def runs(draw) -> str:
    """Draw from a place on, in several styles, as Textual draws a part of a line."""
    y, x = draw(st.integers(1, ROWS)), draw(st.integers(1, COLUMNS))
    # two cells at most for a sign, so that nothing is written beyond the end of the line
    texts = draw(st.lists(st.tuples(st.text(SIGNS, min_size=1, max_size=8), st.sampled_from(STYLES)), max_size=4))
    written, room = f"\x1b[{y};{x}H", COLUMNS - x + 1
    for text, style in texts:
        written += styled(text[: room // 2], style) if room >= 2 else ""
        room -= 2 * len(text)
    return written


frames = st.lists(st.lists(runs(), min_size=1, max_size=6).map("\n".join), max_size=5)


@settings(max_examples=60, deadline=None)
@given(frames)
def test_a_terminal_shows_the_same_whether_what_it_shows_already_is_written_again_or_not(drawn):
    memory = ScreenMemory()
    full = [f"{frame}\x1b[2;3H" for frame in drawn]
    spared = [memory.spare(frame, COLUMNS, ROWS) for frame in full]
    # an end of a line is followed by a place
    naive, sparing = painted(*(frame.replace("\n", "") for frame in full)), painted(*spared)
    assert seen(sparing) == seen(naive)
    assert (sparing.cursor.y, sparing.cursor.x) == (naive.cursor.y, naive.cursor.x)


def test_what_is_shown_already_costs_nothing():
    memory = ScreenMemory()
    frame = "\x1b[1;1H\x1b[1mhello\x1b[0m world\n\x1b[2;1H  ⣿⣿  \x1b[4;1H"
    assert "hello" in memory.spare(frame, COLUMNS, ROWS)
    assert memory.spare(frame, COLUMNS, ROWS) == ""


def test_a_digit_that_changed_costs_a_place_a_style_and_the_digit():
    memory = ScreenMemory()
    memory.spare("\x1b[1;1H\x1b[31mit 12 of 20, 33 %\x1b[0m\x1b[1;1H", COLUMNS, ROWS)
    assert (
        memory.spare("\x1b[1;1H\x1b[31mit 12 of 20, 34 %\x1b[0m\x1b[1;1H", COLUMNS, ROWS)
        == "\x1b[1;15H\x1b[31m4\x1b[0m\x1b[1;1H"
    )


def test_a_cursor_that_only_moved_is_moved():
    memory = ScreenMemory()
    memory.spare("\x1b[1;1Hx\x1b[1;1H", COLUMNS, ROWS)
    assert memory.spare("\x1b[1;1Hx\x1b[3;2H", COLUMNS, ROWS) == "\x1b[3;2H"


@pytest.mark.parametrize("odd", ["\x1b[1;1Ha\x1b[2Jb", "\x1b[1;1H\x1b]8;;http://x\x1b\\a", "\x1b[1;1Ha\nb"])
def test_a_frame_with_anything_else_in_it_is_written_as_it_is_and_the_terminal_not_known_then(odd):
    memory = ScreenMemory()
    memory.spare("\x1b[3;1Hknown\x1b[1;1H", COLUMNS, ROWS)
    assert memory.spare(odd, COLUMNS, ROWS) == odd
    assert "known" in memory.spare("\x1b[3;1Hknown\x1b[1;1H", COLUMNS, ROWS)


@pytest.mark.parametrize("beyond", ["\x1b[1;15Hseven more\x1b[1;1H", "\x1b[5;1Hbelow\x1b[1;1H"])
def test_a_frame_that_is_larger_than_the_terminal_is_written_as_it_is_and_the_terminal_not_known_then(beyond):
    memory = ScreenMemory()
    memory.spare("\x1b[3;1Hknown\x1b[1;1H", COLUMNS, ROWS)
    assert memory.spare(beyond, COLUMNS, ROWS) == beyond
    assert "known" in memory.spare("\x1b[3;1Hknown\x1b[1;1H", COLUMNS, ROWS)


def test_after_forgetting_everything_is_written_again():
    memory = ScreenMemory()
    frame = "\x1b[1;1Hhello\x1b[1;1H"
    memory.spare(frame, COLUMNS, ROWS)
    memory.forget()
    assert "hello" in memory.spare(frame, COLUMNS, ROWS)


@pytest.mark.parametrize("old", STYLES)
@pytest.mark.parametrize("new", STYLES)
def test_one_style_follows_another(old, new):
    def pen(written: str) -> pyte.screens.Char:
        screen = painted(written, "x")
        return screen.buffer[0][0]

    began = f"\x1b[{old}m" if old else ""
    change = change_of_style(old, new) if old != new else ""
    assert pen(began + change) == pen(f"\x1b[{new}m" if new else "")


@pytest.mark.usefixtures("undisturbed")
def test_a_large_screen_is_compared_in_a_few_milliseconds():
    rows = [f"\x1b[{y};1H" + styled("x" * 12, "38;5;252;48;5;16") * 17 for y in range(1, 51)]
    frame, memory = "\n".join(rows) + "\x1b[1;1H", ScreenMemory()
    memory.spare(frame, 204, 50)
    spent = []
    for _ in range(20):
        began = time.perf_counter()
        assert memory.spare(frame, 204, 50) == ""
        spent.append(time.perf_counter() - began)
    # about 1.5 ms where nothing else runs
    assert min(spent) < 0.01, spent
