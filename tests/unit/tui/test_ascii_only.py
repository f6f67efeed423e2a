from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from halfmap.tui.terminal.ascii_only import AsciiOnly, ascii_cells


def test_every_sign_keeps_its_cells_and_becomes_ascii():
    for text in (
        "17.2 Å ↓2.3",
        "│ ╭──╮ █▄▀",
        "漢字 job",
        "e\N{COMBINING ACUTE ACCENT}t\N{LATIN SMALL LETTER E WITH ACUTE}",
        "⠿⣿",
    ):
        written = ascii_cells(text)
        assert written.isascii()
        assert len(written) == cell_len(text)


def test_known_signs_have_a_likeness():
    assert ascii_cells("17.2 Å ↓2.3 °") == "17.2 A v2.3 d"
    assert ascii_cells("plain") == "plain"


def test_a_line_is_written_segment_by_segment_with_its_styles():
    (first, second) = AsciiOnly().apply([Segment("│"), Segment("ok")], Color(0, 0, 0))
    assert (first.text, second.text) == ("|", "ok")
