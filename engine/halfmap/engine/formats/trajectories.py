"""Trajectory sets: how particles move while a tilt series is recorded (RELION's Bayesian polishing)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.number_tables import numbers_of, tables_of_numbers


def read_trajectories(path: Path, tilts: Mapping[str, int]) -> dict[str, Float64[np.ndarray, "tilts 3"]]:
    """Read the shifts of the named particles in Å, a row for each image of their tilt series.

    Parameters
    ----------
    path
        Trajectory set: a table for each particle, under its name.
    tilts
        Particles that are needed, and how many tilt images their tilt series has.

    Raises
    ------
    BadInput
        Naming the particle that has no trajectory, or one of another length.
    """
    tables = tables_of_numbers(path)
    missing = [name for name in tilts if name not in tables]
    if missing:
        raise BadInput(
            f"{path}: holds no trajectory (data_{missing[0]}) of particle {missing[0]}, nor of {len(missing) - 1} "
            f"others; particles and trajectories do not belong together."
        )
    found = {}
    for name, count in tilts.items():
        shifts = numbers_of(tables[name], labels.ORIGINS, name, path)
        if len(shifts) != count:
            raise BadInput(
                f"{path}: the trajectory of {name} has {len(shifts)} rows, but its tilt series has {count} images; "
                f"particles and trajectories do not belong together."
            )
        found[name] = shifts
    return found
