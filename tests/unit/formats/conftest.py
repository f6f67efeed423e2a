"""A small project folder: tomograms, tilt series and particles as text."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from halfmap.engine.formats.particle_set import ParticleFile, read_particle_file, read_particle_set
from halfmap.engine.formats.star import write_star
from halfmap.engine.particles.particle import ParticleSet


def tomograms_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rlnTomoName": ["TS_01", "TS_02"],
            "rlnTomoHand": [-1.0, 1.0],
            "rlnTomoTiltSeriesPixelSize": [2.0, 2.0],
            "rlnTomoTiltSeriesStarFile": ["tilt_series/TS_01.star", "tilt_series/TS_02.star"],
            "rlnTomoSizeX": [101, 100],
            "rlnTomoSizeY": [80, 80],
            "rlnTomoSizeZ": [50, 50],
        }
    )


def tilt_series_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rlnMicrographPreExposure": [0.0, 3.0, 6.0],
            "rlnTomoXTilt": [0.0, 0.0, 0.5],
            "rlnTomoYTilt": [-30.0, 0.0, 30.0],
            "rlnTomoZRot": [85.0, 85.0, 85.0],
            "rlnTomoXShiftAngst": [1.0, 2.0, 3.0],
            "rlnTomoYShiftAngst": [-1.0, -2.0, -3.0],
            "rlnDefocusU": [30000.0, 31000.0, 32000.0],
            "rlnDefocusV": [29000.0, 30000.0, 31000.0],
            "rlnDefocusAngle": [10.0, 20.0, 30.0],
            "rlnCtfScalefactor": [0.9, 1.0, 0.8],
            "rlnCtfBfactor": [150.0, 150.0, 150.0],
        }
    )


def optics_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rlnOpticsGroup": [1, 3],
            "rlnOpticsGroupName": ["one", "three"],
            "rlnVoltage": [300.0, 200.0],
            "rlnSphericalAberration": [2.7, 2.0],
            "rlnAmplitudeContrast": [0.1, 0.07],
            "rlnCtfDataAreCtfPremultiplied": [1, 0],
            "rlnImagePixelSize": [4.0, 5.0],
            "rlnImageSize": [32, 24],
        }
    )


def particles_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rlnTomoName": ["TS_02", "TS_01", "TS_01"],
            "rlnTomoSubtomogramRot": [0.0, 10.0, 20.0],
            "rlnTomoSubtomogramTilt": [0.0, 90.0, 45.0],
            "rlnTomoSubtomogramPsi": [0.0, -30.0, 60.0],
            "rlnAngleRot": [1.0, 2.0, 3.0],
            "rlnAngleTilt": [90.0, 91.0, 92.0],
            "rlnAnglePsi": [0.0, 0.0, 0.0],
            "rlnAngleTiltPrior": [90.0, 999.0, 90.0],
            "rlnTomoParticleName": ["TS_02/1", "TS_01/7", "TS_01/9"],
            "rlnOpticsGroup": [3, 1, 1],
            "rlnCenteredCoordinateXAngst": [0.0, 10.0, -20.0],
            "rlnCenteredCoordinateYAngst": [0.0, 0.0, 4.0],
            "rlnCenteredCoordinateZAngst": [0.0, -6.0, 8.0],
            "rlnTomoVisibleFrames": ["[1,1,1]", "[1,0,1]", "[0,0,1]"],
            "rlnImageName": ["s/1.mrcs", "s/7.mrcs", "s/9.mrcs"],
            "rlnOriginXAngst": [0.5, 0.0, 0.0],
            "rlnOriginYAngst": [0.0, 0.0, 0.0],
            "rlnOriginZAngst": [0.0, 2.0, 0.0],
        }
    )


@dataclass
class Project:
    """Tables that can be changed before they are written and read."""

    folder: Path
    general: dict = field(default_factory=lambda: {"rlnTomoSubTomosAre2DStacks": 1})
    tomograms: pd.DataFrame = field(default_factory=tomograms_table)
    tilt_series: pd.DataFrame = field(default_factory=tilt_series_table)
    optics: pd.DataFrame = field(default_factory=optics_table)
    particles: pd.DataFrame = field(default_factory=particles_table)

    @property
    def particles_path(self) -> Path:
        return self.folder / "particles.star"

    def write(self) -> None:
        (self.folder / "tilt_series").mkdir(exist_ok=True)
        write_star(self.folder / "tomograms.star", {"global": self.tomograms})
        for name in ("TS_01", "TS_02"):
            write_star(self.folder / "tilt_series" / f"{name}.star", {name: self.tilt_series})
        tables = {"general": self.general, "optics": self.optics, "particles": self.particles}
        write_star(self.particles_path, {name: table for name, table in tables.items() if len(table)})

    def file(self) -> ParticleFile:
        self.write()
        return read_particle_file(self.particles_path)

    def read(self) -> ParticleSet:
        file = self.file()
        return read_particle_set(self.particles_path, file, self.folder / "tomograms.star", self.folder)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(17)
