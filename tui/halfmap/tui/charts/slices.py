"""Slices of a map as rows of characters: density white on black, the mask's outline over it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from halfmap.tui.charts.pixels import Paint, Row, cells
from halfmap.tui.charts.planes import NORMALS, PLANES, levels, normal_place, outline
from halfmap.tui.charts.words import wrapped
from halfmap.tui.files.map_slices import Slices
from halfmap.tui.text.plain import cut

_AXES = ("x→ y↑", "x→ z↑", "y→ z↑")
_LEAST_PX, _AMPLE_PX = 4, 20
_OUTLINE, _IS = "outline", " is the mask"
_ROOMY_ROWS = 12
_MOST_TROUBLE_ROWS = 3


@dataclass(frozen=True, slots=True)
class SlicesPicture:
    """What is drawn.

    Attributes
    ----------
    slices
        Of the map.
    mask
        Of the mask, at the same place; None if there is none.
    greys
        Values drawn black and white.
    chosen
        Which of the planes is moved; the one that is shown where there is room for one only.
    trouble
        What is missing, in a sentence; always shown.
    note
        What is worth knowing of the mask where there is room.
    """

    slices: Slices
    mask: Slices | None = None
    greys: tuple[float, float] = (0.0, 1.0)
    chosen: int = 0
    trouble: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How many planes stand side by side, their edge (px), and the cells between them."""

    planes: int
    side_px: int
    gap: int


def arrange(width: int, height: int, box_px: int) -> Arrangement:
    """Choose how many planes to show in so many cells: as many as fit without becoming much smaller.

    A cell is taken to be twice as high as wide. A line over the planes is left for their names.
    """
    gap = 1 if width < 60 else 2
    sides = {planes: min((width - gap * (planes - 1)) // planes, 2 * (height - 1)) for planes in (1, 2, 3)}
    planes = next((one for one in (3, 2) if sides[one] >= min(_AMPLE_PX, 0.75 * sides[1])), 1)
    return Arrangement(planes, _even_side(max(sides[planes], 0), box_px), gap)


def _even_side(side: int, box_px: int) -> int:
    """Enlarge by a whole number if that does not leave much of the room empty."""
    whole = side // box_px * box_px
    return whole if whole >= 0.8 * side else side


def draw_slices(picture: SlicesPicture, width: int, height: int, paint: Paint, title: Style) -> list[Row]:
    """Draw in so many cells; rows may be shorter than the width.

    Parameters
    ----------
    title
        Style of the chosen plane's name.
    """
    told = _told(picture, width, height, paint)
    layout = arrange(width, height - len(told), picture.slices.header.box_px)
    if layout.side_px < _LEAST_PX:
        return (told or [[Segment(cut(_label(picture, picture.chosen, width), width))]])[:height]
    shown = [(picture.chosen + number) % 3 for number in range(layout.planes)] if layout.planes < 3 else [0, 1, 2]
    used = layout.planes * layout.side_px + layout.gap * (layout.planes - 1)
    left = " " * ((width - used) // 2)
    columns = [_plane(picture, plane, layout.side_px, paint, title) for plane in sorted(shown)]
    between = Segment(" " * layout.gap)
    return [*(_beside(parts, left, between) for parts in zip(*columns, strict=True)), *_indented(told, left, width)]


def position(picture: SlicesPicture, plane: int) -> str:
    """Tell where a plane lies: ``z +3 px, +24.3 Å``."""
    slices = picture.slices
    offset = slices.offset[normal_place(plane)]
    pixel = slices.header.pixel_size_angstrom
    told = f", {offset * pixel:+.1f} Å" if pixel > 0 and offset else ""
    return f"{NORMALS[plane]} {offset:+d} px{told}" if offset else f"{NORMALS[plane]} centre"


def _plane(picture: SlicesPicture, plane: int, side: int, paint: Paint, title: Style) -> list[Row]:
    rows = math.ceil(side / 2) if paint.pixels_per_cell == 1 else side
    pixels = levels(picture.slices.planes[plane], picture.greys, (rows, side), paint.levels)
    if picture.mask is not None:
        pixels[outline(picture.slices, picture.mask, plane, (rows, side))] = paint.levels
    is_chosen = plane == picture.chosen
    label = cut(_label(picture, plane, side), side)
    name = Segment(label.ljust(side), title if is_chosen else None)
    return [[name], *cells([row.tobytes() for row in pixels], paint)]


def _label(picture: SlicesPicture, plane: int, width: int) -> str:
    name = f"[{PLANES[plane]}]" if plane == picture.chosen else f" {PLANES[plane]} "
    whole = f"{name} {position(picture, plane)}"
    slices = picture.slices
    brief = f"{name} {NORMALS[plane]}{slices.offset[normal_place(plane)]:+d}"
    fuller = f"{whole}   {_AXES[plane]}"
    return next((one for one in (fuller, whole, brief) if cell_len(one) <= width), name)


def _told(picture: SlicesPicture, width: int, height: int, paint: Paint) -> list[Row]:
    """Put what is to be told under the planes into rows."""
    trouble = wrapped(picture.trouble, width, _MOST_TROUBLE_ROWS) if height >= 4 else []
    if picture.mask is None or height < _ROOMY_ROWS or width < len(_OUTLINE + _IS):
        return trouble
    note = f"{_IS}, {picture.note}" if picture.note else _IS
    if len(_OUTLINE) + cell_len(note) > width:
        note = _IS
    return [*trouble, [Segment(_OUTLINE, Style(color=paint.mark or None)), Segment(note)]]


def _indented(rows: Sequence[Row], left: str, width: int) -> list[Row]:
    """Begin rows where the planes do, if that cuts off nothing."""
    longest = max((sum(segment.cell_length for segment in row) for row in rows), default=0)
    return [[Segment(left), *row] for row in rows] if len(left) + longest <= width else list(rows)


def _beside(parts: Sequence[Row], left: str, between: Segment) -> Row:
    row = [Segment(left)] if left else []
    for number, part in enumerate(parts):
        row += [between, *part] if number else part
    return row
