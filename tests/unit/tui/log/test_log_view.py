import threading
import time

import pytest

from halfmap.tui.files.text_file import TextFile
from halfmap.tui.files.text_lines import TextLines
from halfmap.tui.terminal.look import Look
from halfmap.tui.widgets.log.log_view import LogView
from tests.unit.tui.log.conftest import Cover, until

ROWS = 11
LINE = "line {} of the log"


def top_is(app, number):
    return lambda: app.rows[0] == LINE.format(number)


def test_every_key_goes_where_it_says(numbered, told):
    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        for key, top in [
            ("k", 1989),
            ("up", 1988),
            ("j", 1989),
            ("down", 1990),
            ("pageup", 1980),
            ("pageup", 1970),
            ("pagedown", 1980),
            ("g", 1),
            ("G", 1990),
            ("home", 1),
            ("k", 1),
            ("pageup", 1),
            ("pagedown", 11),
            ("end", 1990),
            ("j", 1990),
        ]:
            await pilot.press(key)
            await until(top_is(app, top), pilot)
            assert app.rows[-1] == LINE.format(top + ROWS - 1)
            assert f"lines {top:,}–{top + ROWS - 1:,} of 2,000" in app.status

    told(numbered, story)


def test_following_is_on_until_somebody_scrolls_up_and_f_toggles_it(numbered, told):
    async def story(app, pilot):
        await until(lambda: "following · " in app.status, pilot)
        assert app.view.follows
        for key, follows in [
            ("k", False),
            ("j", False),
            ("f", True),
            ("f", False),
            ("G", True),
            ("j", True),
            ("pageup", False),
        ]:
            await pilot.press(key)
            assert app.view.follows is follows, key
        await until(lambda: "not following (f)" in app.status, pilot)

    told(numbered, story)


def test_the_wheel_stops_following_and_moves(numbered, told):
    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        app.view.post_message(wheel_up(app.view))
        await until(lambda: not app.view.follows and app.rows[0] != LINE.format(1990), pilot)

    from textual.events import MouseScrollUp

    def wheel_up(view):
        return MouseScrollUp(view, 1, 1, 0, -1, 0, False, False, False)

    told(numbered, story)


def test_a_jump_of_the_scroll_bar_far_away_is_read_and_shown(numbered, told):
    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        app.view.scroll_to(y=500, animate=False)
        app.view._stay()
        await until(top_is(app, 501), pilot)

    told(numbered, story)


def test_what_is_appended_is_followed_and_does_not_move_who_reads_elsewhere(numbered, told):
    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        append(numbered, b"line 2001 of the log\nline 2002 of")
        await until(lambda: app.rows[-1] == "line 2002 of", pilot)
        append(numbered, b" the log\n")
        await until(lambda: app.rows[-1] == LINE.format(2002), pilot)
        await pilot.press("g")
        await until(top_is(app, 1), pilot)
        append(numbered, b"line 2003 of the log\n")
        await until(lambda: "of 2,003" in app.status, pilot)
        assert app.rows[0] == LINE.format(1)

    told(numbered, story)


def test_a_progress_bar_that_runs_is_shown_as_it_is_now(path, told):
    path.write_bytes(b"Expectation\n  1/ 10 sec .\r  2/ 10 sec ..")

    async def story(app, pilot):
        await until(lambda: app.rows[1] == "  2/ 10 sec ..", pilot)
        append(path, b"\r  3/ 10 sec ...")
        await until(lambda: app.rows[1] == "  3/ 10 sec ...", pilot)

    told(path, story)


def test_only_rows_that_changed_are_drawn(path, told):
    path.write_bytes(b"one\ntwo\nthr")

    async def story(app, pilot):
        await until(lambda: app.rows[2] == "thr", pilot)
        drawn = []
        refresh = LogView.refresh

        def remembered(self, *regions, **options):
            drawn.extend(regions or ["all"])
            return refresh(self, *regions, **options)

        LogView.refresh = remembered
        try:
            append(path, b"ee\n")
            await until(lambda: app.rows[2] == "three", pilot)
            await pilot.pause(0.3)
        finally:
            LogView.refresh = refresh
        assert [region.y for region in drawn] == [2]

    told(path, story)


def test_long_lines_are_seen_by_going_sideways(path, told):
    path.write_bytes(bytes(range(33, 127)) * 2 + b"\n")

    async def story(app, pilot):
        width = app.view.scrollable_content_region.width
        await until(lambda: app.rows[0].startswith("!") and app.rows[0].endswith("…"), pilot)
        await pilot.press("shift+right")
        assert app.rows[0].startswith(f"…{chr(33 + width // 2 + 1)}")
        await pilot.press("right_parenthesis", "shift+left")
        assert app.rows[0].startswith(f"…{chr(33 + width // 2 + 1)}")
        await pilot.press("right_parenthesis", "0")
        assert app.rows[0].startswith("!")
        await pilot.press("left_parenthesis")
        assert app.rows[0].startswith("!")

    told(path, story)


def test_the_first_line_of_a_large_file_is_reached_although_it_is_not_counted_at_first(path, told):
    path.write_bytes(b"".join(b"line %d of a larger log\n" % number for number in range(300_000)))

    async def story(app, pilot):
        await pilot.press("g")
        await until(lambda: app.rows[0] == "line 0 of a larger log" and "lines 1–11 of 300,000" in app.status, pilot)

    told(path, story)


def test_a_file_that_is_cut_or_replaced_is_shown_anew_from_its_end(numbered, told):
    async def story(app, pilot):
        await pilot.press("g")
        await until(top_is(app, 1), pilot)
        numbered.write_bytes(b"new\n")
        await until(lambda: app.rows[:2] == ["new", ""], pilot)
        assert app.view.follows

    told(numbered, story)


def test_a_file_that_goes_is_told_and_stays_to_be_read(numbered, told):
    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        numbered.unlink()
        await until(lambda: app.status.startswith("run.out is gone"), pilot)
        assert app.rows[0] == LINE.format(1990)
        await pilot.press("g")
        await until(top_is(app, 1), pilot)
        numbered.write_bytes(b"back\n")
        await until(lambda: app.rows[0] == "back" and "gone" not in app.status, pilot)

    told(numbered, story)


def test_lines_that_cannot_be_read_any_more_are_given_up(numbered, told, monkeypatch):
    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        monkeypatch.setattr(TextLines, "read", failing)
        await pilot.press("g")
        await until(lambda: app.status.startswith("run.out cannot be read: input/output error."), pilot)
        await pilot.press("k")
        monkeypatch.undo()
        await pilot.press("g")
        await until(top_is(app, 1), pilot)

    def failing(*_):
        raise OSError(5, "Input/output error")

    told(numbered, story)


def test_what_is_not_there_or_empty_is_told_in_a_sentence(path, told):
    async def story(app, pilot):
        await until(lambda: app.rows[0].startswith("run.out is not there:"), pilot)
        path.write_bytes(b"")
        await until(lambda: app.rows[0] == "run.out is empty: nothing was printed yet.", pilot)
        append(path, b"first\n")
        await until(lambda: app.rows[0] == "first", pilot)

    told(path, story)


def test_a_file_system_that_hangs_is_told_and_keys_still_work(numbered, told, monkeypatch):
    released = threading.Event()

    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        refresh = TextFile.refresh
        monkeypatch.setattr(TextFile, "refresh", lambda self: (released.wait(10), refresh(self))[1])
        await until(lambda: app.status.startswith("the file system does not answer"), pilot)
        began = time.monotonic()
        await pilot.press("k")
        assert time.monotonic() - began < 1
        assert app.rows[0] == LINE.format(1989)
        released.set()
        await until(lambda: "answer" not in app.status, pilot)

    told(numbered, story, quiet_s=0.1)


def test_a_log_under_another_screen_is_left_alone(numbered, told, monkeypatch):
    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        await app.push_screen(Cover())
        looked = []
        refresh = TextFile.refresh
        monkeypatch.setattr(TextFile, "refresh", lambda self: looked.append(1) or refresh(self))
        await pilot.pause(0.3)
        assert looked == []
        append(numbered, b"meanwhile\n")
        await app.pop_screen()
        await until(lambda: app.rows[-1] == "meanwhile", pilot)

    told(numbered, story)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 1), (1, 5), (10, 2)])
def test_the_smallest_screens_are_survived(numbered, told, size):
    async def story(app, pilot):
        await pilot.press("k", "pageup", "g", "shift+right", "G", "E", "0")
        await pilot.resize_terminal(40, 8)
        await until(lambda: app.rows[0].startswith("line "), pilot)
        await pilot.resize_terminal(*size)
        await pilot.press("j")

    told(numbered, story, size=size)


def test_a_resized_window_keeps_the_end_in_sight(numbered, told):
    async def story(app, pilot):
        await until(top_is(app, 1990), pilot)
        await pilot.resize_terminal(60, 22)
        await until(lambda: app.rows[-1] == LINE.format(2000) and app.rows[0] == LINE.format(1980), pilot)

    told(numbered, story)


def test_ascii_mode_draws_ascii_only(path, told):
    path.write_bytes("Å 漢 \x1b[2J\u202e ok ".encode() + b"x" * 200 + b"\nend\n")

    async def story(app, pilot):
        await until(lambda: app.rows[1] == "end", pilot)
        await pilot.press("shift+right")
        assert all(row.isascii() for row in app.rows)
        assert app.status.isascii()

    told(path, story, look=Look(ascii=True))


def test_every_key_of_the_log_says_what_it_does():
    assert all(binding.description for binding in LogView.BINDINGS)


def append(path, data):
    with path.open("ab") as out:
        out.write(data)
