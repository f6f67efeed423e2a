"""Maps of a job's iterations as they are looked at one after the other: read once each, within a bound of memory."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from halfmap.tui.files.map_slices import Offset, Slices, read_slices
from halfmap.tui.files.mrc import BadMap, FileMark, mark_of
from halfmap.tui.files.patient import Beat
from halfmap.tui.files.z_offset import MaskShape, pixel_sizes, shape_of, z_offset_angstrom
from halfmap.tui.text.plain import plain

_MOST_SETS, _MOST_BYTES = 40, 24 * 2**20
# maps whose contrast differs by more have another scale, such as RELION's first reference
_OTHER_SCALE = 3.0


@dataclass(frozen=True, slots=True)
class Wish:
    """Which map is looked at.

    Attributes
    ----------
    path
        Of the map.
    newest
        Of the map that gives the greys to all; may be the same.
    mask
        Empty for none.
    offset
        Where the slices lie.
    """

    path: str
    newest: str = ""
    mask: str = ""
    offset: Offset = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A map as it can be looked at.

    Attributes
    ----------
    slices
        None if it cannot be read.
    mask
        None if there is none, or it cannot be read.
    greys
        Values to draw black and white.
    has_own_greys
        The map is on a scale of its own, so that its greys cannot be compared with those of the others.
    z_offset_angstrom
        How far the density lies above the mask; None if that cannot be told.
    trouble
        What could not be read, in sentences.
    """

    slices: Slices | None = None
    mask: Slices | None = None
    greys: tuple[float, float] = (0.0, 1.0)
    has_own_greys: bool = False
    z_offset_angstrom: float | None = None
    trouble: str = ""


class Gallery:
    """Reads maps and keeps their slices.

    A thread that nobody waits for any more may still be at work beside the next one: the lock is held while something
    is kept or looked up, never while a file is read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sets: OrderedDict[tuple[FileMark, Offset], Slices] = OrderedDict()
        self._shape: MaskShape | None = None
        self._offsets: dict[tuple[FileMark, FileMark], float | None] = {}

    @property
    def bytes(self) -> int:
        """What is kept, without the masks' shapes."""
        return sum(one.bytes for one in self._sets.values())

    def look(self, wish: Wish, beat: Beat) -> Exhibit:
        """Read what is wished for, as far as it is not kept; what cannot be read is told."""
        shape, told = self._mask_shape(wish, beat)
        try:
            mark = mark_of(wish.path)
            slices = self._read(mark, wish.offset, shape, beat)
        except BadMap as error:
            return Exhibit(trouble=_told(wish.path, error))
        greys, has_own = self._greys(wish, slices, shape, beat)
        if shape is None:
            return Exhibit(slices, None, greys, has_own, None, told)
        try:
            mask = self._read(shape.mark, _in_mask(slices, shape), None, beat)
        except BadMap as error:
            return Exhibit(slices, None, greys, has_own, None, _without_mask(wish, error))
        return Exhibit(slices, mask, greys, has_own, self._offsets.get((mark, shape.mark)), told)

    def _mask_shape(self, wish: Wish, beat: Beat) -> tuple[MaskShape | None, str]:
        if not wish.mask:
            return None, ""
        try:
            mark = mark_of(wish.mask)
            shape = self._shape
            if shape is None or shape.mark != mark:
                slices, columns = read_slices(mark.path, (0, 0, 0), beat)
                self._keep(slices, (0, 0, 0))
                self._shape = shape = shape_of(columns)
        except BadMap as error:
            return None, _without_mask(wish, error)
        return shape, ""

    def _read(self, mark: FileMark, offset: Offset, shape: MaskShape | None, beat: Beat) -> Slices:
        with self._lock:
            kept = self._sets.get((mark, offset))
            if kept is not None and (shape is None or (mark, shape.mark) in self._offsets):
                self._sets.move_to_end((mark, offset))
                return kept
        slices, columns = read_slices(mark.path, offset, beat)
        if shape is not None:
            self._offsets[mark, shape.mark] = z_offset_angstrom(columns, shape)
        self._keep(slices, offset)
        return slices

    def _greys(
        self, wish: Wish, slices: Slices, shape: MaskShape | None, beat: Beat
    ) -> tuple[tuple[float, float], bool]:
        if wish.newest in ("", wish.path):
            return slices.greys, False
        try:
            newest = self._read(mark_of(wish.newest), (0, 0, 0), shape, beat).greys
        except BadMap:
            return slices.greys, False
        ours, theirs = slices.greys[1] - slices.greys[0], newest[1] - newest[0]
        if theirs > 0 and theirs / _OTHER_SCALE <= ours <= theirs * _OTHER_SCALE:
            return newest, False
        return slices.greys, True

    def _keep(self, slices: Slices, offset: Offset) -> None:
        with self._lock:
            self._sets[slices.mark, offset] = slices
            while len(self._sets) > 1 and (len(self._sets) > _MOST_SETS or self.bytes > _MOST_BYTES):
                self._sets.popitem(last=False)


def _in_mask(slices: Slices, mask: MaskShape) -> Offset:
    """Find the mask's voxels at the place of the map's slices, counted from the mask's centre."""
    pixel, mask_pixel = pixel_sizes(slices.header, mask.header)
    x, y, z = (round(one * pixel / mask_pixel) for one in slices.offset)
    return x, y, z


def _without_mask(wish: Wish, error: BadMap) -> str:
    return f"Without the mask: {_told(wish.mask, error)}"


def _told(path: str, error: BadMap) -> str:
    return f"{plain(Path(path).name)} {error}"
