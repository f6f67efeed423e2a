"""Reading masks."""

from pathlib import Path

import numpy as np

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import SAME_PIXEL_SIZE_ANGSTROM, DensityMap, read_map
from halfmap.engine.fourier.shells import round_scalar
from halfmap.engine.fourier.transform import resample_map, window_map

_LARGEST_RATIO = 16.0
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


def read_mask_for(path: Path, box_px: int, pixel_size_angstrom: float, whose: str) -> tuple[DensityMap, str]:
    """Read a mask and bring it to a box and pixel size, in Fourier space and then by cropping or padding with zeros.

    Where the pixel size changes, the mask's box is rounded to an even number of the new pixels, and what rings beyond 0
    and 1 is clipped (RELION: MlOptimiser::checkMask). A header without a pixel size is taken for one of the right size.

    Returns
    -------
    DensityMap
        The mask on the grid that was asked for.
    str
        What was done, naming `whose` grid it is; empty if nothing was.

    Raises
    ------
    BadInput
        As `read_mask`, and if the pixel sizes are so different that one of them must be wrong.
    """
    mask = read_mask(path)
    pixel = mask.pixel_size_angstrom or pixel_size_angstrom
    is_same_pixel = abs(pixel - pixel_size_angstrom) <= SAME_PIXEL_SIZE_ANGSTROM
    if is_same_pixel and mask.box_px == box_px:
        return mask, ""
    found = f"{path}: {mask.box_px} px at {pixel:g} Å, while the {whose} have {box_px} px at {pixel_size_angstrom:g} Å"
    if not 1 / _LARGEST_RATIO < pixel / pixel_size_angstrom < _LARGEST_RATIO:
        raise BadInput(f"{found}; pixel sizes so different cannot both be right. Correct the header.")
    density = mask.density
    if not is_same_pixel:
        resampled_px = round_scalar(mask.box_px * pixel / pixel_size_angstrom)
        density = resample_map(density, resampled_px + resampled_px % 2)
    fitted = np.clip(window_map(density, box_px), 0, 1).astype(np.float32)
    return DensityMap(fitted, pixel_size_angstrom), f"{found}; the mask is resized."
