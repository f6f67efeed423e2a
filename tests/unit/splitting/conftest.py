"""Particle files to divide."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from halfmap.engine.formats.located_particles import LocatedParticles, read_located_particles
from halfmap.engine.formats.star import write_star


def particles_table(tomograms, positions) -> pd.DataFrame:
    """A table of particles at positions in Å."""
    table = pd.DataFrame({"rlnTomoName": tomograms})
    for axis, column in zip("XYZ", np.asarray(positions, float).T, strict=True):
        table[f"rlnCenteredCoordinate{axis}Angst"] = column
    table["rlnOpticsGroup"] = 1
    table["rlnTomoParticleName"] = [f"{name}/{number}" for number, name in enumerate(tomograms, 1)]
    return table


def optics_table(box_px=32, pixel_size_angstrom=5.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rlnOpticsGroup": [1],
            "rlnOpticsGroupName": ["optics1"],
            "rlnImageSize": [box_px],
            "rlnImagePixelSize": [pixel_size_angstrom],
        }
    )


@pytest.fixture
def located(tmp_path: Path):
    """Write a table of particles, and read it as particles in their tomograms."""

    def make(tomograms, positions, **columns) -> LocatedParticles:
        table = particles_table(tomograms, positions).assign(**columns)
        write_star(tmp_path / "made.star", {"optics": optics_table(), "particles": table})
        return read_located_particles(tmp_path / "made.star")[0]

    return make


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(23)
