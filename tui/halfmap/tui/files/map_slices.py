"""Three slices through a map, read in one pass over its sections; nothing else of the map is kept.

Axes are those of the file: sections lie along z, rows along y, columns along x. Offsets are counted from the centre
voxel, box // 2, where RELION has the particle's centre.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from halfmap.tui.files.mrc import FileMark, MapHeader, mark_of, sections
from halfmap.tui.files.patient import Beat

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Offset = tuple[int, int, int]
"""Where the slices lie, in px from the centre voxel along x, y and z."""

MOST_PX = 256
"""Slices of larger boxes are averaged down to at most so many pixels: no terminal shows more."""
_COLUMNS_PX = 64
_LEAST_SAMPLED_PX = 64
_DARKEST, _BRIGHTEST = 25.0, 99.8


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """Three slices of a map.

    Attributes
    ----------
    mark
        The file.
    header
        The map's size and pixel size.
    offset
        Where they lie, within the box.
    xy, xz, yz
        Values; rows run along the second letter, columns along the first.
    greys
        Values to be drawn black and white: percentiles of the whole map.
    """

    mark: FileMark
    header: MapHeader
    offset: Offset
    xy: "Array"
    xz: "Array"
    yz: "Array"
    greys: tuple[float, float]

    @property
    def planes(self) -> "tuple[Array, Array, Array]":
        """The slices in their order: XY, XZ, YZ."""
        return self.xy, self.xz, self.yz

    @property
    def bytes(self) -> int:
        """What they take in memory."""
        return sum(int(plane.nbytes) for plane in self.planes)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A map averaged in blocks of x and y, and not along z: what its place along z is estimated from.

    Attributes
    ----------
    mark, header
        The file, and what its header says.
    values
        (z, y, x).
    block_px
        Edge of a block.
    """

    mark: FileMark
    header: MapHeader
    values: "Array"
    block_px: int


def read_slices(path: str, offset: Offset, beat: Beat) -> tuple[Slices, Columns]:
    """Read three slices of a map.

    Raises
    ------
    BadMap
        If it cannot be read.
    """
    import numpy as np

    mark, parts = mark_of(path), None
    for header, z, section in sections(path):
        beat()
        parts = _Parts(header, offset) if parts is None else parts
        parts.take(z, section)
    assert parts is not None
    header = parts.header
    greys = np.percentile(np.stack(parts.sampled), (_DARKEST, _BRIGHTEST))
    xy, xz, yz = (_small(plane) for plane in (parts.xy, np.stack(parts.xz), np.stack(parts.yz)))
    x, y, z = (at - header.box_px // 2 for at in parts.at)
    slices = Slices(mark, header, (x, y, z), xy, xz, yz, (float(greys[0]), float(greys[1])))
    return slices, Columns(mark, header, np.stack(parts.columns), parts.block)


class _Parts:
    """What is taken out of the sections of a map as they pass."""

    def __init__(self, header: MapHeader, offset: Offset) -> None:
        box = header.box_px
        self.header = header
        self.at = _within(offset, box)
        self.block, self.step = -(-box // _COLUMNS_PX), max(1, box // _LEAST_SAMPLED_PX)
        self.xz: list[Array] = []
        self.yz: list[Array] = []
        self.sampled: list[Array] = []
        self.columns: list[Array] = []

    def take(self, z: int, section: "Array") -> None:
        """Take from a section; they come in their order."""
        if z == self.at[2]:
            self.xy = section
        self.xz.append(section[self.at[1]].copy())
        self.yz.append(section[:, self.at[0]].copy())
        self.columns.append(_in_blocks(section, self.block))
        if z % self.step == 0:
            self.sampled.append(section[:: self.step, :: self.step].copy())


def _within(offset: Offset, box_px: int) -> tuple[int, int, int]:
    x, y, z = (min(max(box_px // 2 + one, 0), box_px - 1) for one in offset)
    return x, y, z


def _in_blocks(section: "Array", block: int) -> "Array":
    import numpy as np

    if block == 1:
        return section
    starts = np.arange(0, len(section), block)
    sums = np.add.reduceat(np.add.reduceat(section, starts, axis=0), starts, axis=1)
    sizes = np.diff(np.append(starts, len(section))).astype(np.float32)
    return sums / (sizes[:, None] * sizes)


def _small(plane: "Array") -> "Array":
    from halfmap.tui.charts.area import resampled

    return plane if len(plane) <= MOST_PX else resampled(plane, MOST_PX, MOST_PX)
