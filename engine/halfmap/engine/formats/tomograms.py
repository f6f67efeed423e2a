"""Reading tomogram sets and their tilt series.

RELION 5 has a file for each tilt series, with angles and shifts; RELION 4 has a table for each in the same file, with
projection matrices.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_lists, require_table, required
from halfmap.engine.formats.star import List, read_star
from halfmap.engine.imaging.ctf import TiltCtf
from halfmap.engine.particles.tilt_series import TiltSeries, tilt_rotation

_LARGEST_DISTORTION = 1e-3


def read_tomograms(path: Path, project: Path, names: list[str]) -> dict[str, TiltSeries]:
    """Read the tilt series of the named tomograms.

    Parameters
    ----------
    path
        Tomogram set (`tomograms.star`).
    project
        Directory to which the paths inside are relative.
    names
        Tomograms that are needed.

    Raises
    ------
    BadInput
        Naming the file and what is missing or wrong.
    """
    return series_in(read_star(path), path, project, names)


def series_in(
    tables: Mapping[str, List | pd.DataFrame], path: Path, project: Path, names: list[str]
) -> dict[str, TiltSeries]:
    """Make sense of a tomogram set whose tables were read already; see `read_tomograms`."""
    table = require_table(tables, "global", path)
    known = dict(zip(required(table, labels.TOMO_NAME, path), range(len(table)), strict=True))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(
            f"{path}: knows no tomogram {unknown[0]!r}"
            + (f" (nor {len(unknown) - 1} others)" if unknown[1:] else "")
            + f" that the particles name; it holds {', '.join(list(known)[:5])}."
        )
    return {name: _tilt_series(table.iloc[[known[name]]], name, tables, path, project) for name in names}


def tomogram_names(path: Path) -> list[str]:
    """Name the tomograms of a set, in its order."""
    return required(require_table(read_star(path), "global", path), labels.TOMO_NAME, path)


def tilt_series_files(path: Path, project: Path, names: list[str]) -> list[Path]:
    """Name the files of the named tilt series that a set points to (none in RELION 4)."""
    table = require_table(read_star(path), "global", path)
    if labels.TILT_SERIES_FILE not in table:
        return []
    files = dict(zip(required(table, labels.TOMO_NAME, path), table[labels.TILT_SERIES_FILE], strict=True))
    return [project / files[name] for name in names]


def tilt_table(
    row: pd.DataFrame, name: str, tables: Mapping[str, List | pd.DataFrame], path: Path, project: Path
) -> tuple[pd.DataFrame, Path]:
    """Find the table with a row for each tilt image, and the file in which it stands.

    Parameters
    ----------
    row
        The tomogram's row of the global table.
    name
        Of the tomogram.
    tables, path
        The tomogram set and its file.
    project
        Directory to which paths are relative.
    """
    if labels.TILT_SERIES_FILE in row:
        file = project / row[labels.TILT_SERIES_FILE].iloc[0]
        return require_table(read_star(file), name, file), file
    if name not in tables:
        raise BadInput(
            f"{path}: has neither a column _{labels.TILT_SERIES_FILE} (RELION 5) nor a table data_{name} (RELION 4), "
            f"so the tilt images of {name} are not known."
        )
    return require_table(tables, name, path), path


def _tilt_series(
    row: pd.DataFrame, name: str, tables: Mapping[str, List | pd.DataFrame], path: Path, project: Path
) -> TiltSeries:
    images, file = tilt_table(row, name, tables, path, project)
    pixel_size = _number(row, labels.TILT_SERIES_PIXEL_SIZE, path)
    if pixel_size <= 0:
        raise BadInput(f"{path}: {labels.TILT_SERIES_PIXEL_SIZE} of {name} is {pixel_size:g}; it must be above 0 Å.")
    has_angles = labels.Y_TILT in images or not any(label in images for label in labels.PROJECTION_ROWS)
    rotations, shifts, corner = (_from_angles if has_angles else _from_matrices)(images, file)
    return TiltSeries(
        name,
        pixel_size,
        np.array([_number(row, label, path) for label in labels.TOMO_SIZE]),
        _number(row, labels.HAND, path),
        _number(row, labels.DEFOCUS_SLOPE, path, 1.0),
        rotations,
        shifts,
        _imaging(images, file, _number(row, labels.BFACTOR_PER_DOSE, path, 0.0)),
        corner,
        as_floats(images, labels.PRE_EXPOSURE, file),
    )


_Alignment = tuple[
    Float64[np.ndarray, "tilts 3 3"], Float64[np.ndarray, "tilts 2"], Float64[np.ndarray, "tilts 2"] | None
]
"""Rotations, shifts in Å, and where the tomogram's corner appears if that is given instead of shifts."""


def _from_angles(images: pd.DataFrame, path: Path) -> _Alignment:
    rotations = tilt_rotation(
        as_floats(images, labels.X_TILT, path, 0.0),
        as_floats(images, labels.Y_TILT, path),
        as_floats(images, labels.Z_ROTATION, path),
    )
    shifts = np.column_stack([as_floats(images, label, path) for label in (labels.X_SHIFT, labels.Y_SHIFT)])
    return rotations, shifts, None


def _from_matrices(images: pd.DataFrame, path: Path) -> _Alignment:
    """Rows of RELION 4's projection matrices: of a rotation, and of where the corner (0, 0, 0) appears, in pixels."""
    matrices = np.stack([as_lists(images, label, path, 4) for label in labels.PROJECTION_ROWS[:3]], axis=1)
    rotations = matrices[:, :, :3]
    wrong = np.abs(rotations @ rotations.swapaxes(1, 2) - np.eye(3)).max(axis=(1, 2))
    if wrong.max() > _LARGEST_DISTORTION:
        raise BadInput(
            f"{path}: {labels.PROJECTION_ROWS[0]} … of tilt image {wrong.argmax() + 1} are no rotation (they scale or "
            f"shear by {wrong.max():.2g}); align the tilt series without changes of magnification."
        )
    return rotations, np.zeros((len(matrices), 2)), matrices[:, :2, 3]


def _imaging(images: pd.DataFrame, path: Path, bfactor_per_dose: float) -> TiltCtf:
    """Where a B-factor per dose is given it takes the dose filter's place (RELION: Tomogram::getCtf)."""
    dose: Float64[np.ndarray, " tilts"] = as_floats(images, labels.PRE_EXPOSURE, path)
    return TiltCtf(
        as_floats(images, labels.DEFOCUS_U, path),
        as_floats(images, labels.DEFOCUS_V, path),
        as_floats(images, labels.DEFOCUS_ANGLE, path),
        as_floats(images, labels.PHASE_SHIFT, path, 0.0),
        np.full(len(dose), -1.0) if bfactor_per_dose > 0 else dose,
        bfactor_per_dose * dose if bfactor_per_dose > 0 else np.zeros(len(dose)),
        as_floats(images, labels.CTF_SCALE, path, 1.0),
    )


def _number(row: pd.DataFrame, label: str, path: Path, default: float | None = None) -> float:
    return float(as_floats(row, label, path, default)[0])
