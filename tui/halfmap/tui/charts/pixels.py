"""Pictures of a few levels as characters: two pixels in a cell by half blocks, or one by glyphs of growing ink.

A picture is a row of bytes for each row of pixels; a byte is a level, or one more than the last level for what is
marked.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from rich.segment import Segment
from rich.style import Style

INK = " .:-=+*#"
"""Glyphs for terminals with few colours, or without Unicode."""
MARK = "o"

GREYS = tuple(f"#{round(10.2 * step):02x}" + 2 * f"{round(10.2 * step):02x}" for step in range(1, 25))
"""24 greys; they are those of a terminal with 256 colours (232 to 255)."""

# black over violet and orange to pale yellow, growing lighter all the way (after matplotlib's inferno, of the public
# domain), with an empty place told from a place of one by a step
HEAT = (
    "#1c1c24",
    "#3b0f70",
    "#57157e",
    "#721f81",
    "#8c2981",
    "#a8327d",
    "#c43c75",
    "#de4968",
    "#f1605d",
    "#fa7f5e",
    "#fe9f6d",
    "#febf84",
    "#fddea0",
)


@dataclass(frozen=True, slots=True)
class Paint:
    """How levels are drawn.

    Attributes
    ----------
    colours
        A colour for each level, dark first; empty to draw with glyphs.
    mark
        Colour of what is marked; empty for none.
    """

    colours: tuple[str, ...] = ()
    mark: str = ""

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return len(self.colours) or len(INK)

    @property
    def pixels_per_cell(self) -> int:
        """How many pixels lie over each other in a cell."""
        return 2 if self.colours else 1


Row = list[Segment]


def cells(pixels: Sequence[bytes], paint: Paint) -> list[Row]:
    """Draw a picture; of an odd number of rows the last half cell stays at level 0."""
    return list(_half_blocks(pixels, paint) if paint.colours else _glyphs(pixels, paint))


def _half_blocks(pixels: Sequence[bytes], paint: Paint) -> Iterator[Row]:
    for top in range(0, len(pixels), 2):
        upper = pixels[top]
        lower = pixels[top + 1] if top + 1 < len(pixels) else bytes(len(upper))
        yield _runs(zip(upper, lower, strict=True), lambda pair: _half_block(*pair, paint))


@lru_cache(maxsize=2048)
def _half_block(upper: int, lower: int, paint: Paint) -> tuple[str, Style]:
    above, below = (_colour(level, paint) for level in (upper, lower))
    if above == below:
        return " ", Style(bgcolor=above)
    return "▀", Style(color=above, bgcolor=below)


def _colour(level: int, paint: Paint) -> str:
    return paint.colours[level] if level < len(paint.colours) else paint.mark


def _glyphs(pixels: Sequence[bytes], paint: Paint) -> Iterator[Row]:
    for row in pixels:
        yield _runs(iter(row), lambda level: _glyph(level, paint))


@lru_cache(maxsize=64)
def _glyph(level: int, paint: Paint) -> tuple[str, Style]:
    if level < len(INK):
        return INK[level], Style.null()
    return MARK, Style(color=paint.mark or None)


def _runs(values: Iterator[int] | Iterator[tuple[int, int]], draw: Callable[..., tuple[str, Style]]) -> Row:
    """Draw the values of a row; neighbours of one style are one segment."""
    drawn = groupby((draw(value) for value in values), key=itemgetter(1))
    return [Segment("".join(glyph for glyph, _ in same), style) for style, same in drawn]
