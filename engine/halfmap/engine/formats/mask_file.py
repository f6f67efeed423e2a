"""Reading masks."""

from pathlib import Path

import numpy as np

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import SAME_PIXEL_SIZE_ANGSTROM, DensityMap, read_map

# values a little outside of [0, 1] come from interpolation and are clipped
_SLACK = 0.01


def read_mask(path: Path) -> DensityMap:
    """Read a mask: values from 0 (solvent) to 1 (protein), not 0 everywhere.

    Raises
    ------
    BadInput
        Naming the file and what is wrong with it.
    """
    mask = read_map(path)
    low, high = float(mask.density.min()), float(mask.density.max())
    if high <= 0 or low < -_SLACK or high > 1 + _SLACK:
        raise BadInput(
            f"{path}: values from {low:g} to {high:g}; a mask lies between 0 (solvent) and 1 (protein). Make it anew."
        )
    return DensityMap(np.clip(mask.density, 0, 1), mask.pixel_size_angstrom)


def read_mask_for(path: Path, box_px: int, pixel_size_angstrom: float, whose: str) -> DensityMap:
    """Read a mask of a certain box and pixel size; others are refused (BadInput), naming `whose` grid was expected.

    A header without a pixel size is taken for one of the right size.
    """
    mask = read_mask(path)
    pixel = mask.pixel_size_angstrom or pixel_size_angstrom
    if mask.box_px != box_px or abs(pixel - pixel_size_angstrom) > SAME_PIXEL_SIZE_ANGSTROM:
        raise BadInput(
            f"{path}: {mask.box_px} px at {pixel:g} Å, while the {whose} have {box_px} px at "
            f"{pixel_size_angstrom:g} Å; bring the mask to their box and pixel size."
        )
    return mask
