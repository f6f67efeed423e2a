"""Where the images of 2D stacks come from: tilt series, visible images, positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_vectors, required
from halfmap.engine.formats.tomograms import read_tomograms
from halfmap.engine.particles.tilt_series import TiltSeries


@dataclass(frozen=True)
class Origins:
    """Where particles come from.

    Parameters
    ----------
    series, index, visible, position_px
        See `ParticleSet`.
    """

    series: tuple[TiltSeries, ...]
    index: Int64[np.ndarray, " particles"]
    visible: tuple[Bool[np.ndarray, " tilts"], ...]
    position_px: Float64[np.ndarray, "particles 3"]


def no_origins(count: int) -> Origins:
    """Say nothing: volumes hold all that has to be known."""
    return Origins((), np.zeros(count, np.int64), (), np.full((count, 3), np.nan))


def read_origins(table: pd.DataFrame, names: list[str], tomograms: Path, path: Path, project: Path) -> Origins:
    """Read the tilt series of stacks, and find the particles in them."""
    tomo_names = required(table, labels.TOMO_NAME, path)
    series = read_tomograms(tomograms, project, sorted(set(tomo_names)))
    series_names = list(series)
    visible = [
        _visible(text, path, name)
        for text, name in zip(required(table, labels.VISIBLE_FRAMES, path), names, strict=True)
    ]
    for name, flags, tomo in zip(names, visible, tomo_names, strict=True):
        if len(flags) != series[tomo].tilts:
            raise BadInput(
                f"{path}: {labels.VISIBLE_FRAMES} of {name} has {len(flags)} entries, but tilt series {tomo} has "
                f"{series[tomo].tilts} images; particles and tomograms do not belong together."
            )
    index = np.array([series_names.index(name) for name in tomo_names])
    positions = extraction_positions(table, path, [series[name] for name in tomo_names])
    return Origins(tuple(series.values()), index, tuple(visible), positions)


def _visible(text: str, path: Path, name: str) -> Bool[np.ndarray, " tilts"]:
    try:
        flags = np.array([float(flag) > 0 for flag in text.strip().strip("[]").split(",")])
    except ValueError:
        raise BadInput(f"{path}: {labels.VISIBLE_FRAMES} of {name} is {text!r}; [1,0,1,…] was expected.") from None
    if not flags.any():
        raise BadInput(f"{path}: no tilt image of {name} is visible ({labels.VISIBLE_FRAMES}); leave the particle out.")
    return flags


def extraction_positions(
    table: pd.DataFrame, path: Path, series: Sequence[TiltSeries]
) -> Float64[np.ndarray, "particles 3"]:
    """Extraction positions in tilt-series pixels (RELION: ParticleSet::getPosition)."""
    if all(label in table for label in labels.CENTERED_COORDINATES):
        centred = as_vectors(table, labels.CENTERED_COORDINATES, path)
        pixel_sizes = np.array([s.pixel_size_angstrom for s in series])[:, None]
        return centred / pixel_sizes + np.array([s.centre_px for s in series])
    if all(label in table for label in labels.COORDINATES):
        return as_vectors(table, labels.COORDINATES, path)
    raise BadInput(
        f"{path}: has neither {labels.CENTERED_COORDINATES[0]} … nor {labels.COORDINATES[0]} …; one is needed."
    )
