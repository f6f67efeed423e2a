"""Where particles point: a heat map of rot and tilt, with its scale."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from rich.cells import cell_len
from rich.segment import Segment

from halfmap.tui.charts.pixels import Paint, Row, cells
from halfmap.tui.files.directions import ROTS, STEP_DEG, TILTS, Directions
from halfmap.tui.text.plain import in_ascii

# rot and tilt; a glyph is twice as high as wide
_BINS_DEG = tuple((edge, edge) for edge in (5, 10, 15, 20, 30, 45, 60, 90))
_GLYPH_BINS_DEG = ((5, 10), (10, 20), (15, 30), (20, 45), (30, 60), (45, 90))
_FEW_PARTICLES, _FEW_BIN_DEG = 2000, 10
_GUTTER = 5
_SHORT_RAMP = 6
_BESIDE = 11


@dataclass(frozen=True, slots=True)
class HeatLayout:
    """Edges of the bins (degrees), and how many pixels each has in both directions."""

    rot_deg: int
    tilt_deg: int
    zoom: int

    @property
    def width(self) -> int:
        """Of the picture (cells)."""
        return 360 // self.rot_deg * self.zoom

    @property
    def bin_name(self) -> str:
        """The bin in words."""
        return f"{self.rot_deg}°" if self.rot_deg == self.tilt_deg else f"{self.rot_deg}×{self.tilt_deg}°"


def lay_out(particles: int, width: int, height: int, paint: Paint) -> HeatLayout | None:
    """Choose the bins for so many cells: as fine as fits, not finer than so few particles fill; None without room."""
    least = _FEW_BIN_DEG if particles < _FEW_PARTICLES else STEP_DEG
    height_px = height * paint.pixels_per_cell
    for rot, tilt in _BINS_DEG if paint.pixels_per_cell == 2 else _GLYPH_BINS_DEG:
        zoom = min(width * rot // 360, height_px * tilt // 180)
        if rot >= least and zoom >= 1:
            return HeatLayout(rot, tilt, zoom)
    return None


def draw_heat(directions: Directions, width: int, height: int, paint: Paint) -> list[Row]:
    """Draw in so many cells: rot across, tilt upwards, ticks, and the scale below, or beside where that gives more."""
    below = lay_out(directions.particles, width - _GUTTER, height - 2, paint)
    beside = lay_out(directions.particles, width - _GUTTER - _BESIDE, height - 1, paint)
    layout = beside if below is None or (beside is not None and beside.rot_deg < below.rot_deg) else below
    if layout is None:
        return [[Segment("no room for the heat map"[: max(width, 0)])]][: max(height, 0)]
    counts = binned(directions.counts, layout)
    highest = max(max(row) for row in counts)
    picture = cells(list(_pixels(counts, highest, layout, paint)), paint)
    if layout is below:
        left = (width - _GUTTER - layout.width) // 2
        return [*_with_ticks(picture, layout, left, width), _scale(highest, layout, width, left, paint)]
    scale = _upright_scale(highest, layout, paint)
    *rows, ticks = _with_ticks(picture, layout, 0, _GUTTER + layout.width + 1)
    told = [[Segment(" "), *words] for words in scale] + [[] for _ in rows]
    return [*([*row, *words] for row, words in zip(rows, told, strict=False)), ticks]


def _with_ticks(picture: Sequence[Row], layout: HeatLayout, left: int, width: int) -> list[Row]:
    ticks = _tilt_ticks(len(picture))
    drawn = [[Segment(f"{' ' * left}{ticks.get(row, ''):>4} "), *line] for row, line in enumerate(picture)]
    return [*drawn, [Segment(" " * left + _rot_ticks(layout.width, width - left))]]


def binned(counts: Sequence[Sequence[int]], layout: HeatLayout) -> list[list[int]]:
    """Add up the finest bins to those of a layout."""
    across, down = layout.rot_deg // STEP_DEG, layout.tilt_deg // STEP_DEG
    return [
        [
            sum(sum(counts[row][column : column + across]) for row in range(top, top + down))
            for column in range(0, ROTS, across)
        ]
        for top in range(0, TILTS, down)
    ]


def level(count: int, highest: int, levels: int) -> int:
    """Give the level of a count: 0 for none, at least 1 for one, the last for the highest."""
    return ceil(count * (levels - 1) / highest) if highest else 0


def _pixels(counts: list[list[int]], highest: int, layout: HeatLayout, paint: Paint) -> Iterator[bytes]:
    for row in reversed(counts):
        found = (level(count, highest, paint.levels) for count in row)
        line = bytes(one for one in found for _ in range(layout.zoom))
        yield from [line] * layout.zoom


def _tilt_ticks(rows: int) -> dict[int, str]:
    step = 30 if rows >= 13 else 45 if rows >= 9 else 90
    ticks = {min(int((180 - tilt) * rows / 180), rows - 1): f"{tilt}" for tilt in range(0, 181, step)}
    free = next((row for row in range(1, rows) if row not in ticks), None)
    return ticks if free is None else ticks | {free: "tilt"}


def _rot_ticks(width: int, room: int) -> str:
    step = 45 if width >= 64 else 90 if width >= 24 else 180
    line, words = " " * room, [(rot, f"{rot}") for rot in range(-180, 181, step)]
    words.insert(1, (-180 + step // 2, "rot"))
    for rot, word in words:
        place = round(_GUTTER + (rot + 180) * width / 360 - len(word) / 2)
        place = max(0, min(place, room - len(word)))
        around = line[max(0, place - 1) : place + len(word) + 1]
        if not around.strip():
            line = line[:place] + word + line[place + len(word) :]
    return line.rstrip()


def _scale(highest: int, layout: HeatLayout, width: int, left: int, paint: Paint) -> Row:
    """Print the ramp with its ends, and what the picture shows, as far as there is room."""
    whole, short = range(paint.levels), _short_ramp(paint)
    ways = (
        (whole, f" {highest} particles per {layout.bin_name} bin; rot and tilt in the subtomogram frame"),
        (whole, f" {highest} per {layout.bin_name} bin, subtomogram frame"),
        (short, f" {highest}/{layout.bin_name} subtomogram frame"),
        (short, f" {highest}/{layout.bin_name}"),
    )
    fitting = ((ramp, words) for ramp, words in ways if _length(ramp, words, paint) <= width)
    ramp, words = next(fitting, ways[-1])
    indent = Segment(" " * max(0, min(left, width - _length(ramp, words, paint))))
    return [indent, Segment("0 "), *_drawn(ramp, paint), Segment(words)]


def _upright_scale(highest: int, layout: HeatLayout, paint: Paint) -> list[Row]:
    """Print the ramp with its ends in several short rows."""
    words = f"to {highest}", f"per {layout.bin_name}", "subtomo-", "gram frame"
    return [[Segment("0 "), *_drawn(_short_ramp(paint), paint)], *([Segment(word)] for word in words)]


def _short_ramp(paint: Paint) -> list[int]:
    return [round(step * (paint.levels - 1) / (_SHORT_RAMP - 1)) for step in range(_SHORT_RAMP)]


def _drawn(ramp: Sequence[int], paint: Paint) -> Row:
    return cells([bytes(ramp)] * paint.pixels_per_cell, paint)[0]


def _length(ramp: Sequence[int], words: str, paint: Paint) -> int:
    return 2 + len(ramp) + cell_len(words if paint.colours else in_ascii(words))
