import asyncio
import os
import time
from dataclasses import asdict

import pytest

from halfmap.tui.files import search_process, text_search
from halfmap.tui.files.search_process import SearchFailed, search_apart
from halfmap.tui.files.search_program import wanted_from
from halfmap.tui.files.text_search import Found, Search, search
from halfmap.tui.text.log_match import ERROR_LINES, Expression, expression_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.out"


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(text_search, "CHUNK", 256)


def hits(path, expression, is_backward=False):
    """Search on and on from one end, until it wraps."""
    size = path.stat().st_size
    start, places = (size if is_backward else 0), []
    while True:
        found = search(Search(f"{path}", expression, start, size, is_backward), lambda _: None)
        if found is None or found.is_wrapped:
            return places
        places.append(found.offset)
        rest = path.read_bytes()[found.offset :]
        start = found.offset if is_backward else found.offset + (rest.find(b"\n") + 1 or len(rest))


def begins(data, wanted):
    lines = data.split(b"\n")
    places = [sum(len(one) + 1 for one in lines[:number]) for number in range(len(lines))]
    return [place for place, line in zip(places, lines, strict=True) if wanted(line)]


LOG = b"".join(
    b"line %d%s of the log %s\n" % (n, " Å".encode() if n % 3 == 0 else b"", b"NEEDLE" if n % 7 == 0 else b"hay")
    for n in range(300)
)


@pytest.mark.parametrize("typed", ["NEEDLE", "needle", "N.EDLE", "NEEDLE$", "[^y]EEDLE", r"og\sNE"])
@pytest.mark.parametrize("is_backward", [False, True])
def test_every_line_that_matches_is_found_once_in_both_directions(path, typed, is_backward):
    path.write_bytes(LOG)
    expected = begins(LOG, lambda line: b"NEEDLE" in line)
    assert len(expected) == 43
    found = hits(path, expression_of(typed), is_backward)
    assert found == (expected[::-1] if is_backward else expected)


def test_the_search_goes_past_the_end_and_tells(path):
    path.write_bytes(b"here\nnot\nnot\n")
    wanted = Search(f"{path}", expression_of("here"), 9, 13)
    assert search(wanted, lambda _: None) == Found(0, is_wrapped=True)


def test_backwards_it_goes_past_the_beginning_and_tells(path):
    path.write_bytes(b"not\nhere\nnot\n")
    wanted = Search(f"{path}", expression_of("here"), 4, 13, is_backward=True)
    assert search(wanted, lambda _: None) == Found(4, is_wrapped=True)


def test_the_only_match_is_found_again_from_itself(path):
    path.write_bytes(b"a\nhere\nb\n")
    assert search(Search(f"{path}", expression_of("here"), 7, 9), lambda _: None) == Found(2, is_wrapped=True)


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n\n", b"no end"])
def test_what_is_not_there_is_not_found(path, data):
    path.write_bytes(data)
    for is_backward in (False, True):
        wanted = Search(f"{path}", expression_of("zz"), 0, len(data), is_backward)
        assert search(wanted, lambda _: None) is None


def test_a_last_line_without_its_end_is_searched(path):
    path.write_bytes(b"a\nb\nlast")
    assert hits(path, expression_of("last$")) == [4]
    assert hits(path, expression_of("last"), is_backward=True) == [4]


def test_an_expression_does_not_match_over_line_ends(path):
    path.write_bytes(b"abc\ndef\nabcdef\n")
    for typed in (r"c\s*d", "c[^x]*d", r"(?s)c.*d", r"c\n?d"):
        assert hits(path, expression_of(typed)) == [8], typed


def test_what_a_progress_bar_has_overwritten_is_not_found(path):
    path.write_bytes(b"1 of 3\r2 of 3\r3 of 3\nplain\n 1/4 sec\r 4/4 sec\n")
    assert hits(path, expression_of("2 of 3")) == []
    assert hits(path, expression_of("^3 of")) == [0]
    assert hits(path, expression_of("^ 4/4.*$")) == [27]


def test_escape_sequences_are_found_as_they_are_shown(path):
    path.write_bytes(b"a\n\x1b[31mred\x1b[0m\n")
    assert hits(path, expression_of("31mred")) == [2]


def test_a_giant_line_between_others_hinders_neither_direction(path):
    data = b"needle first\n" + b"x" * 100_000 + b"\nneedle last\n"
    path.write_bytes(data)
    assert hits(path, expression_of("needle")) == [0, 100_014]
    assert hits(path, expression_of("needle"), is_backward=True) == [100_014, 0]
    # what is shown of it is found
    assert hits(path, expression_of("xxx")) == [13]
    assert hits(path, expression_of("xxx"), is_backward=True) == [13]


def test_letters_that_grow_when_made_small_do_not_shift_what_is_found(path):
    data = "İİİİ\nneedle\n".encode()
    path.write_bytes(data)
    assert hits(path, expression_of("needle")) == [data.index(b"needle")]


def test_invalid_bytes_do_not_shift_what_is_found(path):
    path.write_bytes(b"\xff\xfe\xc3\n\x80\x80 x\nneedle\n")
    assert hits(path, expression_of("needle")) == [9]


def test_errors_are_found_among_lines_that_sound_alike(path):
    path.write_bytes(b"final error 0.1\nexit code: 0\nERROR: no\nfine\nslurmstepd: error: x\n")
    assert hits(path, ERROR_LINES) == [29, 44]


def test_progress_is_told_up_to_the_whole(path):
    path.write_bytes(LOG)
    told = []
    search(Search(f"{path}", expression_of("zz"), 1000, len(LOG)), told.append)
    assert told == sorted(told)
    assert told[-1] == 1


# --- as a process ----------------------------------------------------------------------------------------------------


def test_a_search_is_handed_on_as_it_is():
    wanted = Search("/p", Expression("a", True, ("a",), "a"), 3, 9, True, True)
    assert wanted_from(asdict(wanted)) == wanted


def test_a_process_finds_what_is_there_and_tells_what_is_not(path):
    path.write_bytes(LOG)

    async def main():
        there = await search_apart(
            Search(f"{path}", expression_of("NEEDLE"), LOG.index(b"\n") + 1, len(LOG)), lambda _: None
        )
        not_there = await search_apart(Search(f"{path}", expression_of("zz"), 0, len(LOG)), lambda _: None)
        return there, not_there

    assert asyncio.run(main()) == (Found(LOG.index(b"line 7 ")), None)


def test_a_file_that_cannot_be_searched_is_told(path):
    with pytest.raises(SearchFailed, match="the file cannot be searched: no such file or directory"):
        asyncio.run(search_apart(Search(f"{path}", expression_of("a"), 0, 1), lambda _: None))


def test_a_program_that_cannot_be_started_is_told(path, monkeypatch):
    monkeypatch.setattr(search_process.sys, "executable", "/nowhere/python")
    with pytest.raises(SearchFailed, match="cannot be started"):
        asyncio.run(search_apart(Search(f"{path}", expression_of("a"), 0, 1), lambda _: None))


def test_a_search_that_takes_for_ever_ends_at_once_when_it_is_cancelled(path, monkeypatch):
    path.write_bytes(b"a" * 200 + b"\n")
    started = []
    begin = asyncio.create_subprocess_exec

    async def remembered(*args, **options):
        started.append(await begin(*args, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remembered)

    async def main():
        wanted = Search(f"{path}", expression_of("(a+)+b"), 0, 201)
        searching = asyncio.create_task(search_apart(wanted, lambda _: None))
        await asyncio.sleep(0.2)
        assert not searching.done()
        searching.cancel()
        await asyncio.wait({searching})
        await asyncio.wait_for(started[0].wait(), 5)

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 5
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)
