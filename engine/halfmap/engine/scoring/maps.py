"""One map against another."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import SAME_PIXEL_SIZE_ANGSTROM, DensityMap, read_map
from halfmap.engine.fourier.masks import soft_sphere
from halfmap.engine.refinement.fsc import GOLD_STANDARD, fsc_of_maps, resolution_shell, shell_resolutions

SPHERE_EDGE_PX = 5.0


@dataclass(frozen=True)
class MapScore:
    """How two maps agree.

    Parameters
    ----------
    fsc
        Fourier shell correlation, shells 0 … n/2.
    shell_resolution_angstrom
        Resolution of each shell; None for shell 0.
    resolution_50_angstrom, resolution_143_angstrom
        Last shell before the FSC falls below 0.5 and 0.143; None if it does so at once.
    correlation
        Correlation coefficient of the densities within the mask.
    grey_scale
        By what the first map must be multiplied to resemble the second, its mean level aside.
    """

    fsc: tuple[float, ...]
    shell_resolution_angstrom: tuple[float | None, ...]
    resolution_50_angstrom: float | None
    resolution_143_angstrom: float | None
    correlation: float
    grey_scale: float


def read_pair(first_file: Path, second_file: Path) -> tuple[DensityMap, DensityMap]:
    """Read two maps of the same box and pixel size; others are refused (BadInput)."""
    first, second = read_map(first_file), read_map(second_file)
    _check_same_grid(first_file, first, second_file, second)
    return first, second


def _check_same_grid(first_file: Path, first: DensityMap, second_file: Path, second: DensityMap) -> None:
    pixels = (first.pixel_size_angstrom, second.pixel_size_angstrom)
    if first.box_px == second.box_px and abs(pixels[0] - pixels[1]) <= SAME_PIXEL_SIZE_ANGSTROM:
        return
    raise BadInput(
        f"{first_file} has {first.box_px} px at {pixels[0]:g} Å and {second_file} {second.box_px} px at "
        f"{pixels[1]:g} Å; only maps of the same box and pixel size can be compared."
    )


def score_maps(
    first_file: Path, second_file: Path, mask_file: Path | None = None, radius_angstrom: float | None = None
) -> MapScore:
    """Compare two maps, within a mask if one is given.

    Parameters
    ----------
    first_file, second_file
        Maps of the same box and pixel size.
    mask_file
        Mask of that box and pixel size, 0 to 1.
    radius_angstrom
        Radius of a soft sphere in place of a mask.

    Raises
    ------
    BadInput
        If a file cannot be used, naming it.
    """
    first, second = read_pair(first_file, second_file)
    mask = np.ones_like(first.density)
    if mask_file is not None:
        read = read_map(mask_file)
        _check_same_grid(first_file, first, mask_file, read)
        mask = read.density
    elif radius_angstrom is not None:
        radius_px = radius_angstrom / _pixel_size(first, first_file)
        mask = soft_sphere(first.box_px, radius_px, SPHERE_EDGE_PX).astype(np.float32)
    if not (mask >= 0).all() or not mask.any():
        raise BadInput(f"{mask_file}: a mask lies between 0 (solvent) and 1 (protein), and is not 0 everywhere.")
    for file, density in ((first_file, first.density), (second_file, second.density)):
        if not (density * mask).std() > 0:
            raise BadInput(f"{file}: holds the same value everywhere within the mask; there is nothing to compare.")
    return compare(first.density, second.density, mask, first.box_px * _pixel_size(first, first_file))


def _pixel_size(density: DensityMap, path: Path) -> float:
    if density.pixel_size_angstrom <= 0:
        raise BadInput(f"{path}: its header gives no pixel size; set it there.")
    return density.pixel_size_angstrom


def compare(
    first: Float32[np.ndarray, "n n n"],
    second: Float32[np.ndarray, "n n n"],
    mask: Float32[np.ndarray, "n n n"],
    extent_angstrom: float,
) -> MapScore:
    """Compare two densities within a mask; `extent_angstrom` is the edge of their box."""
    fsc = fsc_of_maps(first * mask, second * mask)
    shells = shell_resolutions(len(fsc), extent_angstrom)
    covariance = _covariance(first, second, mask)
    return MapScore(
        fsc=tuple(float(value) for value in fsc),
        shell_resolution_angstrom=shells,
        resolution_50_angstrom=shells[resolution_shell(fsc, 0.5)],
        resolution_143_angstrom=shells[resolution_shell(fsc, GOLD_STANDARD)],
        correlation=float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])),
        grey_scale=float(covariance[0, 1] / covariance[0, 0]),
    )


def _covariance(
    first: Float32[np.ndarray, "n n n"], second: Float32[np.ndarray, "n n n"], mask: Float32[np.ndarray, "n n n"]
) -> Float64[np.ndarray, "2 2"]:
    """Covariance of two densities over voxels, each weighing as much as the mask says."""
    values = np.stack([first.ravel(), second.ravel()])
    return np.asarray(np.cov(values.astype(np.float64), aweights=mask.ravel().astype(np.float64), ddof=0))
