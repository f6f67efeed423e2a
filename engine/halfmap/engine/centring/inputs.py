"""Reading a map, its half maps, and what it is compared with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from halfmap.contract.job_directory import HALVES, unfiltered_half_map_file
from halfmap.engine.centring.correlation import Open
from halfmap.engine.centring.density_fit import DensityFit
from halfmap.engine.centring.fit import Matcher
from halfmap.engine.centring.mask_fit import MaskFit
from halfmap.engine.centring.working_grid import on_working_grid, working_box
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mask_file import read_mask
from halfmap.engine.formats.mrc import SAME_PIXEL_SIZE_ANGSTROM, DensityMap, read_map
from halfmap.engine.imaging.model_grid import ModelGrid

_FINAL_MAP = "_class001.mrc"
_REACH_SHARE = 0.25

_Volume = Float64[np.ndarray, "n n n"]


@dataclass(frozen=True)
class Sources:
    """Which files are compared.

    Parameters
    ----------
    map_file
        The map whose centre is looked for.
    mask_file, reference_file
        What it is compared with; one of them at least. With a reference the mask says where.
    max_shift_angstrom
        Largest displacement; None for a quarter of the box.
    """

    map_file: Path
    mask_file: Path | None
    reference_file: Path | None
    max_shift_angstrom: float | None = None


@dataclass(frozen=True)
class Comparison:
    """All that is compared, on the working grid.

    Parameters
    ----------
    density, halves
        The map, and its half maps if they stand beside it.
    half_files
        Their names.
    matcher
        What the map is moved against.
    grid
        The map's own grid.
    pixel_size_angstrom
        Of the working grid.
    reach_angstrom
        Largest displacement.
    """

    density: Float64[np.ndarray, "n n n"]
    halves: tuple[_Volume, _Volume] | None
    half_files: tuple[Path, ...]
    matcher: Matcher
    grid: ModelGrid
    pixel_size_angstrom: float
    reach_angstrom: float


def read_comparison(sources: Sources, open_axes: Open) -> Comparison:
    """Read maps and mask and bring them to one grid.

    Raises
    ------
    BadInput
        Naming the file and what is wrong with it.
    """
    read = _with_pixel_size(sources.map_file, read_map(sources.map_file))
    grid = ModelGrid(read.box_px, read.pixel_size_angstrom)
    pixel_size = grid.extent_angstrom / working_box(grid.box_px, grid.pixel_size_angstrom)
    asked = sources.max_shift_angstrom
    reach = _REACH_SHARE * grid.extent_angstrom if asked is None else asked
    if not 0 < reach < grid.extent_angstrom / 2:
        raise BadInput(f"--max_shift is {reach:g} Å; more than 0 and less than half of the box is needed.")
    half_files, halves = half_maps(sources.map_file, grid)
    return Comparison(
        density=_working(sources.map_file, read, grid),
        halves=halves,
        half_files=half_files,
        matcher=_matcher(sources, grid, pixel_size, open_axes, reach / pixel_size),
        grid=grid,
        pixel_size_angstrom=pixel_size,
        reach_angstrom=reach,
    )


def half_maps(map_file: Path, grid: ModelGrid) -> tuple[tuple[Path, ...], tuple[_Volume, _Volume] | None]:
    """Read the half maps that stand beside a map under RELION's names, if there are both on the same grid.

    They are ``run_half1_class001_unfil.mrc`` beside ``run_class001.mrc``, and ``half1.mrc`` beside ``merged.mrc``.
    """
    if map_file.name.endswith(_FINAL_MAP):
        root = map_file.with_name(map_file.name.removesuffix(_FINAL_MAP))
        files = tuple(unfiltered_half_map_file(root, half) for half in HALVES)
    else:
        files = tuple(map_file.with_name(map_file.name.replace("merged", f"half{half}")) for half in HALVES)
    if map_file in files or not all(file.exists() for file in files):
        return (), None
    first, second = (read_map(file) for file in files)
    for other in (first, second):
        if (
            other.box_px != grid.box_px
            or abs(other.pixel_size_angstrom - grid.pixel_size_angstrom) > SAME_PIXEL_SIZE_ANGSTROM
        ):
            return (), None
    return files, (_working(files[0], first, grid), _working(files[1], second, grid))


def _matcher(
    sources: Sources, grid: ModelGrid, pixel_size_angstrom: float, open_axes: Open, reach_px: float
) -> Matcher:
    mask = None
    if sources.mask_file is not None:
        read = _with_pixel_size(sources.mask_file, read_mask(sources.mask_file))
        mask = np.clip(_working(sources.mask_file, read, grid), 0, 1)
    if sources.reference_file is not None:
        reference = _working(
            sources.reference_file, _with_pixel_size(sources.reference_file, read_map(sources.reference_file)), grid
        )
        weights = mask if mask is not None else np.ones_like(reference)
        return DensityFit(reference, weights, open_axes, pixel_size_angstrom, reach_px)
    if mask is None:
        raise BadInput("neither --mask nor --reference is given; there is nothing that the map could fit.")
    return MaskFit.of(mask, pixel_size_angstrom, open_axes, reach_px)


def _with_pixel_size(path: Path, read: DensityMap) -> DensityMap:
    if read.pixel_size_angstrom <= 0:
        raise BadInput(f"{path}: its header gives no pixel size; set it there.")
    return read


def _working(path: Path, read: DensityMap, grid: ModelGrid) -> _Volume:
    if not read.density.std() > 0:
        raise BadInput(f"{path}: holds the same value everywhere; there is nothing to compare.")
    return on_working_grid(read.density, read.pixel_size_angstrom, grid)
