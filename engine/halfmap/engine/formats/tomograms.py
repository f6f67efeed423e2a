"""Reading tomogram sets and their tilt series (RELION 5)."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, require_table, required
from halfmap.engine.formats.star import read_star
from halfmap.engine.imaging.ctf import TiltCtf
from halfmap.engine.particles.tilt_series import TiltSeries, tilt_rotation


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
    table = require_table(read_star(path), "global", path)
    known = dict(zip(required(table, labels.TOMO_NAME, path), range(len(table)), strict=True))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(
            f"{path}: knows no tomogram {unknown[0]!r}"
            + (f" (nor {len(unknown) - 1} others)" if unknown[1:] else "")
            + f" that the particles name; it holds {', '.join(list(known)[:5])}."
        )
    return {name: _tilt_series(table.iloc[[known[name]]], name, path, project) for name in names}


def _tilt_series(row: pd.DataFrame, name: str, path: Path, project: Path) -> TiltSeries:
    if labels.TILT_SERIES_FILE not in row:
        raise BadInput(
            f"{path}: has no {labels.TILT_SERIES_FILE}; tomogram sets of RELION 4 and before are not read by this "
            f"version. Convert the set with RELION 5."
        )
    series_file = project / row[labels.TILT_SERIES_FILE].iloc[0]
    images = require_table(read_star(series_file), name, series_file)
    pixel_size = _number(row, labels.TILT_SERIES_PIXEL_SIZE, path)
    if pixel_size <= 0:
        raise BadInput(f"{path}: {labels.TILT_SERIES_PIXEL_SIZE} of {name} is {pixel_size:g}; it must be above 0 Å.")
    rotation = tilt_rotation(
        as_floats(images, labels.X_TILT, series_file, 0.0),
        as_floats(images, labels.Y_TILT, series_file),
        as_floats(images, labels.Z_ROTATION, series_file),
    )
    shifts = np.column_stack([as_floats(images, label, series_file) for label in (labels.X_SHIFT, labels.Y_SHIFT)])
    return TiltSeries(
        name,
        pixel_size,
        np.array([_number(row, label, path) for label in labels.TOMO_SIZE]),
        _number(row, labels.HAND, path),
        _number(row, labels.DEFOCUS_SLOPE, path, 1.0),
        rotation,
        shifts,
        _imaging(images, series_file, _number(row, labels.BFACTOR_PER_DOSE, path, 0.0)),
    )


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
