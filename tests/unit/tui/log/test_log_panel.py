import asyncio
import time

import pytest

from halfmap.tui.files.text_search import Found
from halfmap.tui.widgets.log import log_search
from halfmap.tui.widgets.log.log_panel import LogPanel
from tests.unit.tui.log.conftest import until


async def search_for(pilot, typed):
    await pilot.press("slash")
    for letter in typed:
        await pilot.press(
            {" ": "space", "(": "left_parenthesis", "+": "plus", ")": "right_parenthesis"}.get(letter, letter)
        )
    await pilot.press("enter")


@pytest.fixture
def log(path):
    lines = [b"plain %d" % number for number in range(1, 1001)]
    lines[99] = b"one needle"
    lines[499] = b"another NEEDLE"
    lines[799] = b"x" * 200 + b" last needle"
    lines[199] = b"ERROR: something"
    lines[899] = b"slurmstepd: error: cancelled"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def hit_is(app, number):
    return lambda: app.view.hit is not None and app.view.hit - app.view.state.first + 1 == number


def test_matches_are_gone_through_in_both_directions_and_past_the_ends(log, told):
    async def story(app, pilot):
        await search_for(pilot, "needle")
        await until(hit_is(app, 100), pilot)
        assert "past the end, on from the top" in app.status
        assert not app.view.follows
        assert "one needle" in app.rows
        for key, number in [("n", 500), ("n", 800), ("N", 500), ("N", 100), ("N", 800), ("n", 100)]:
            await pilot.press(key)
            await until(hit_is(app, number), pilot)
        assert "past the end" in app.status
        await pilot.press("k")
        await until(lambda: "past" not in app.status, pilot)

    told(log, story)


def test_capitals_are_told_apart_if_there_are_any(log, told):
    async def story(app, pilot):
        await search_for(pilot, "NEEDLE")
        await until(hit_is(app, 500), pilot)
        await pilot.press("n")
        await until(lambda: "past the end" in app.status, pilot)
        assert hit_is(app, 500)()

    told(log, story)


def test_a_match_far_to_the_right_is_brought_in_sight(log, told):
    async def story(app, pilot):
        await search_for(pilot, "last")
        await until(lambda: any("last needle" in row for row in app.rows), pilot)

    told(log, story)


def test_errors_are_gone_through(log, told):
    async def story(app, pilot):
        await pilot.press("g", "E")
        await until(hit_is(app, 200), pilot)
        await pilot.press("E")
        await until(hit_is(app, 900), pilot)
        await pilot.press("E")
        await until(hit_is(app, 200), pilot)
        assert "past the end, on from the top" in app.status
        await pilot.press("N")
        await until(hit_is(app, 900), pilot)

    told(log, story)


def test_what_is_not_found_is_told(numbered, told):
    async def story(app, pilot):
        await pilot.press("n")
        assert app.status.startswith("nothing was searched for yet")
        await search_for(pilot, "nowhere")
        await until(lambda: app.status.startswith("not found: 'nowhere'."), pilot)
        await pilot.press("E")
        await until(lambda: app.status.startswith("no errors found."), pilot)

    told(numbered, story)


def test_what_is_no_regular_expression_is_told_and_nothing_is_searched(numbered, told):
    async def story(app, pilot):
        await search_for(pilot, "a(")
        await until(lambda: app.status.startswith("this is no regular expression: missing"), pilot)
        assert not app.view.is_marked

    told(numbered, story)


def test_an_empty_line_searches_for_the_same_again(log, told):
    async def story(app, pilot):
        await search_for(pilot, "needle")
        await until(hit_is(app, 100), pilot)
        await search_for(pilot, "")
        await until(hit_is(app, 500), pilot)

    told(log, story)


def test_escape_ends_the_question_then_the_marks_then_is_left_to_the_screen(log, told):
    async def story(app, pilot):
        panel = app.query_one(LogPanel)
        await pilot.press("slash", "3")
        assert panel.has_class("-asks")
        await pilot.press("escape")
        assert not panel.has_class("-asks")
        assert app.view.has_focus
        await search_for(pilot, "needle")
        await until(hit_is(app, 100), pilot)
        await pilot.press("escape")
        assert not app.view.is_marked
        assert app.noted == []
        await pilot.press("escape", "3")
        assert app.noted == ["escape", "3"]

    told(log, story)


def test_escape_ends_a_search_that_takes_for_ever(path, told):
    path.write_bytes(b"a" * 2000 + b"\n")

    async def story(app, pilot):
        await search_for(pilot, "(a+)+b")
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await pilot.press("escape")
        await until(lambda: app.status.startswith("the search was ended"), pilot)
        assert time.monotonic() - began < 2
        assert app.noted == []

    told(path, story)


def test_a_long_search_tells_how_far_it_is(numbered, told, monkeypatch):
    monkeypatch.setattr(log_search, "_SLOW_S", 0.0)
    monkeypatch.setattr(log_search, "LOOK_S", 0.0)
    released = asyncio.Event()

    async def slow(_wanted, tell):
        tell(0.43)
        await released.wait()
        return Found(0)

    monkeypatch.setattr(log_search, "search_apart", slow)

    async def story(app, pilot):
        await search_for(pilot, "x")
        await until(lambda: app.status.startswith("searching, 43 % (Esc ends it)"), pilot)
        await pilot.press("k")
        assert app.status.startswith("searching")
        released.set()
        await until(hit_is(app, 1), pilot)

    told(numbered, story)


def test_a_file_that_cannot_be_searched_is_told(numbered, told):
    async def story(app, pilot):
        numbered.unlink()
        await search_for(pilot, "x")
        await until(lambda: "cannot be searched: no such file" in app.status, pilot)

    told(numbered, story)


def test_leaving_the_question_by_tab_closes_it(numbered, told):
    async def story(app, pilot):
        await pilot.press("slash", "tab")
        await until(lambda: not app.query_one(LogPanel).has_class("-asks"), pilot)

    told(numbered, story)


def test_every_key_of_the_panel_says_what_it_does():
    assert all(binding.description for binding in LogPanel.BINDINGS)
