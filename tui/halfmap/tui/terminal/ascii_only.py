"""The last guard of ASCII terminals: whatever a widget draws, nothing else goes out, and every cell keeps its place."""

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_LIKENESSES: dict[int, str] = {
    ord(sign): likeness
    for signs, likenesses in (
        ("Å°µσ×·…–—−≤≥≈", "Adusx.~---<>~"),
        ("→←↑↓▸▶◀▼▲●○✓✔✗", "><^v>><v^*ovvx"),
        ("█▇▆▅▄▀▌▐░▒▓", '#####"##.:%'),
        ("│┃║┆╎▏▎▕─━═┄╌▁▔", "||||||||-----_-"),
        ("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╠╣┏┓┗┛┣┫", "+" * 25),
    )
    for sign, likeness in zip(signs, likenesses, strict=True)
}
"""A sign of one cell for each that is drawn often."""


@lru_cache(4096)
def ascii_cells(text: str) -> str:
    """Write a text in ASCII in as many cells: what has no likeness becomes ``?`` (``??`` if it is wide)."""
    if text.isascii():
        return text
    likened = text.translate(_LIKENESSES)
    return likened if likened.isascii() else "".join(_cells(one) for one in likened)


def _cells(one: str) -> str:
    return one if one.isascii() else "?" * cell_len(one)


class AsciiOnly(LineFilter):
    """Lets nothing but ASCII through."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (as Textual calls it)
        """Write segments in ASCII."""
        return [Segment(ascii_cells(text), style, control) for text, style, control in segments]
