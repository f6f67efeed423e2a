import pytest
from rich.cells import cell_len

from halfmap.tui.text.plain import cut, cut_front, in_ascii, plain, plain_lines


@pytest.mark.parametrize("evil", ["\x1b]0;owned\x07", "a\nb", "a\rb", "\x9b31m", "\u202eevil", "\udcff", "a\tb"])
def test_nothing_that_a_terminal_obeys_is_left(evil: str) -> None:
    made = plain(evil)
    assert made.isprintable()
    assert len(made) == len(evil)


def test_what_is_simply_seen_stays_as_it_is() -> None:
    assert plain("Refine3D/job012 [red]σ 4.2 Å[/]") == "Refine3D/job012 [red]σ 4.2 Å[/]"


def test_lines_stay_lines_and_are_made_harmless_one_by_one() -> None:
    assert plain_lines("one\x1b[2J\ntwo") == "one�[2J\ntwo"


def test_ascii_has_a_likeness_or_a_question_mark_for_everything() -> None:
    assert in_ascii("17.2 Å ↓2.3 · 7.5° 日本…\nplain") == "17.2 A v2.3 . 7.5deg ??~\nplain"


@pytest.mark.parametrize("cells", range(14))
@pytest.mark.parametrize("text", ["", "short", "a name of some length", "日本語のとても長い名前", "é" * 30])
def test_a_cut_text_never_is_wider_than_its_place(text: str, cells: int) -> None:
    assert cell_len(cut(text, cells)) <= cells
    assert cell_len(cut_front(text, cells)) <= cells


def test_a_cut_tells_which_end_is_missing() -> None:
    assert cut("abcdefgh", 5) == "abcd…"
    assert cut_front("abcdefgh", 5) == "…efgh"
    assert cut("abcde", 5) == cut_front("abcde", 5) == "abcde"
