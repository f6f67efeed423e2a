"""Reading the reference and the solvent mask, and bringing them to the particles' grid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mask_file import read_mask_for
from halfmap.engine.formats.mrc import SAME_PIXEL_SIZE_ANGSTROM, DensityMap, read_map
from halfmap.engine.fourier.masks import soft_sphere
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.refinement.initialisation import on_grid


@dataclass(frozen=True)
class SolventMask:
    """The mask that multiplies references.

    Parameters
    ----------
    values
        0 to 1, on the model's grid.
    from_user
        A mask was given; otherwise it is a soft sphere.
    note
        How it was brought to the grid; empty if it lay on it.
    """

    values: Float32[np.ndarray, "n n n"]
    from_user: bool
    note: str = ""


def read_references(
    arguments: RefineArguments, project: Path, grid: ModelGrid
) -> tuple[tuple[Float32[np.ndarray, "n n n"], ...], list[str]]:
    """Read the starting map of each half set on the model's grid.

    A file name with `half1` or `half2` in it stands for a pair: each half set starts from its own map
    (RELION: FileName::getHalf).

    Raises
    ------
    BadInput
        Naming the file and what to change.
    """
    path = project / arguments.reference_file
    files = _of_halves(path)
    maps = [_with_pixel_size(read_map(file), arguments, file) for file in dict.fromkeys(files)]
    notes = _check_grid(maps[0], arguments, files[0], grid)
    densities = [on_grid(m.density, m.pixel_size_angstrom, grid) for m in maps]
    for density, file in zip(densities, dict.fromkeys(files), strict=True):
        if not density.std() > 0:
            raise BadInput(f"{file}: the reference is the same everywhere; it holds no density.")
    return (densities[0], densities[-1]), notes


def _of_halves(path: Path) -> tuple[Path, Path]:
    for half in ("half1", "half2"):
        if half in path.name:
            first, second = (path.with_name(path.name.replace(half, other)) for other in ("half1", "half2"))
            return first, second
    return path, path


def _with_pixel_size(density: DensityMap, arguments: RefineArguments, path: Path) -> DensityMap:
    pixel_size = arguments.reference_pixel_size_angstrom
    pixel_size = pixel_size if pixel_size > 0 else density.pixel_size_angstrom
    if pixel_size <= 0:
        raise BadInput(f"{path}: its header gives no pixel size; set it there or give --ref_angpix.")
    return DensityMap(density.density, pixel_size)


def _check_grid(reference: DensityMap, arguments: RefineArguments, path: Path, grid: ModelGrid) -> list[str]:
    other_pixel = abs(reference.pixel_size_angstrom - grid.pixel_size_angstrom) > SAME_PIXEL_SIZE_ANGSTROM
    if not other_pixel and reference.box_px == grid.box_px:
        return []
    found = (
        f"{path}: {reference.box_px} px at {reference.pixel_size_angstrom:g} Å, while the particles have "
        f"{grid.box_px} px at {grid.pixel_size_angstrom:g} Å"
    )
    if not arguments.trust_reference_size:
        raise BadInput(f"{found}; give --trust_ref_size to resize the reference, or another map.")
    ratio = reference.pixel_size_angstrom / grid.pixel_size_angstrom
    if not 1 / 16 < ratio < 16:
        raise BadInput(
            f"{found}; pixel sizes so different cannot both be right. Correct the header or give --ref_angpix."
        )
    return [f"{found}; the reference is resized."]


def read_solvent_mask(
    arguments: RefineArguments, project: Path, grid: ModelGrid, diameter_angstrom: float
) -> SolventMask:
    """Read the solvent mask, or make a soft sphere of the particle diameter.

    Raises
    ------
    BadInput
        Naming the file and what to change.
    """
    if not arguments.solvent_mask_file:
        radius_px = diameter_angstrom / (2 * grid.pixel_size_angstrom)
        sphere = soft_sphere(grid.box_px, radius_px, arguments.mask_edge_px)
        return SolventMask(sphere.astype(np.float32), from_user=False)
    path = project / arguments.solvent_mask_file
    mask, note = read_mask_for(path, grid.box_px, grid.pixel_size_angstrom, "particles")
    return SolventMask(mask.density, from_user=True, note=note)
