"""Where a map's density lies along z relative to its mask: along the symmetry axis nothing holds it in place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from halfmap.tui.files.map_slices import Columns
from halfmap.tui.files.mrc import FileMark, MapHeader

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_INSIDE = 0.5
# how far below its highest value the correlation is taken for its peak: a map that has room in its mask gives a plateau
_SHOULDER = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class MaskShape:
    """What of a mask is compared with maps.

    Attributes
    ----------
    mark, header
        The file, and what its header says.
    block_px
        Edge of a block of `footprint` (px of the mask).
    footprint
        Where the mask is, seen along z: (y, x) in blocks.
    profile
        How much of each section it takes.
    """

    mark: FileMark
    header: MapHeader
    block_px: int
    footprint: "Array"
    profile: "Array"


def shape_of(mask: Columns) -> MaskShape:
    """Take the shape of a mask."""
    footprint = mask.values.max(axis=0) >= _INSIDE
    return MaskShape(mask.mark, mask.header, mask.block_px, footprint, mask.values.sum(axis=(1, 2)))


def z_offset_angstrom(density: Columns, mask: MaskShape) -> float | None:
    """Estimate how far a map's density lies above its mask (Å along z; positive towards larger z).

    The density that stands out by a standard deviation, in the columns where the mask is, is correlated with the
    mask, section by section. Without pixel sizes both are taken to have the same, of 1 Å.

    Returns
    -------
    float or None
        None if there is no such density, or nothing in the mask.
    """
    import numpy as np

    values = density.values
    pixel, mask_pixel = pixel_sizes(density.header, mask.header)
    inside = _footprint_on(density, mask, pixel / mask_pixel)
    outstanding = np.clip(values - (values.mean() + values.std()), 0, None)
    profile = (outstanding * inside).sum(axis=(1, 2))
    box = density.header.box_px
    places = (np.arange(box) - box // 2) * (pixel / mask_pixel) + mask.header.box_px // 2
    wanted = np.interp(places, np.arange(mask.header.box_px), mask.profile, left=0.0, right=0.0)
    lag = _peak(np.correlate(profile, wanted, "full"))
    return None if lag is None else (lag - (box - 1)) * pixel


def pixel_sizes(one: MapHeader, other: MapHeader) -> tuple[float, float]:
    """Give the pixel sizes of two maps; 1 for both if one of them does not tell."""
    told = one.pixel_size_angstrom, other.pixel_size_angstrom
    return told if min(told) > 0 else (1.0, 1.0)


def _footprint_on(density: Columns, mask: MaskShape, ratio: float) -> "Array":
    """Lay the mask's footprint over the map's blocks, centre on centre, by the nearest block."""
    import numpy as np

    blocks = density.values.shape[1]
    px = (np.arange(blocks) + 0.5) * density.block_px - 0.5 - density.header.box_px // 2
    at = np.floor((px * ratio + mask.header.box_px // 2 + 0.5) / mask.block_px).astype(int)
    within = (at >= 0) & (at < len(mask.footprint))
    at = np.clip(at, 0, len(mask.footprint) - 1)
    return mask.footprint[np.ix_(at, at)] & within & within[:, None]


def _peak(correlation: "Array") -> float | None:
    """Find the middle of the highest peak, between the points where it has fallen to its shoulders."""
    top = int(correlation.argmax())
    level = _SHOULDER * correlation[top]
    if not level > 0:
        return None
    return (_crossing(correlation, top, -1, level) + _crossing(correlation, top, 1, level)) / 2


def _crossing(values: "Array", start: int, step: int, level: float) -> float:
    at = start
    while 0 <= at + step < len(values) and values[at + step] >= level:
        at += step
    if not 0 <= at + step < len(values):
        return float(at)
    above, below = float(values[at]), float(values[at + step])
    return at + step * (above - level) / (above - below)
