"""Planes of a map as pictures of levels, and the outline of a mask in them."""

from typing import TYPE_CHECKING, Any

from halfmap.tui.charts.area import resampled
from halfmap.tui.files.map_slices import Slices
from halfmap.tui.files.z_offset import pixel_sizes

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PLANES = ("XY", "XZ", "YZ")
NORMALS = ("z", "y", "x")
"""The axis that each plane is moved along."""
_INSIDE = 0.5


def normal_place(plane: int) -> int:
    """Give the place of a plane's normal in an offset (x, y, z)."""
    return 2 - plane


def levels(plane: "Array", greys: tuple[float, float], shape: tuple[int, int], count: int) -> "Array":
    """Turn values into levels of a picture of (rows, columns), its first row uppermost: larger values of the axis."""
    import numpy as np

    low, high = greys
    scaled = (resampled(plane, *shape)[::-1] - low) / ((high - low) or 1.0) * count
    return np.clip(scaled, 0, count - 1).astype(np.uint8)


def outline(slices: Slices, mask: Slices, plane: int, shape: tuple[int, int]) -> "Array":
    """Find the pixels of a picture of (rows, columns) at the mask's edge: outside, with a neighbour inside."""
    import numpy as np

    across, up = (_places(slices, mask, size) for size in (shape[1], shape[0]))
    values = mask.planes[plane]
    seen = values[np.ix_(np.clip(up, 0, len(values) - 1), np.clip(across, 0, len(values) - 1))] >= _INSIDE
    within = (up >= 0) & (up < len(values)) & _meets(slices, mask, plane)
    seen &= within[:, None] & ((across >= 0) & (across < len(values)))
    around = np.pad(seen, 1)
    beside = around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
    edge: Array = beside & ~seen
    return edge[::-1]


def _meets(slices: Slices, mask: Slices, plane: int) -> bool:
    """Whether a plane goes through the mask's box at all."""
    pixel, mask_pixel = pixel_sizes(slices.header, mask.header)
    box = mask.header.box_px
    return -0.5 <= slices.offset[normal_place(plane)] * pixel / mask_pixel + box // 2 < box - 0.5


def _places(slices: Slices, mask: Slices, size: int) -> "Array":
    """Give for each of the picture's pixels along an axis the mask's nearest; both have their centres in one place."""
    import numpy as np

    box, mask_box = slices.header.box_px, mask.header.box_px
    pixel, mask_pixel = pixel_sizes(slices.header, mask.header)
    from_centre = (np.arange(size) + 0.5) * (box / size) - 0.5 - box // 2
    in_mask = from_centre * (pixel / mask_pixel) + mask_box // 2
    return np.floor((in_mask + 0.5) * (len(mask.xy) / mask_box)).astype(int)
