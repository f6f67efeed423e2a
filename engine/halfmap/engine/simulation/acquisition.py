"""How simulated tilt series are recorded: geometry, exposure, defocus, microscopes; as the tables of their files."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from halfmap.engine.formats import labels
from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.simulation.settings import SimulationSettings

# columns that RELION 5 wants or writes and refinement does not read
NOMINAL_TILT = "rlnTomoNominalStageTiltAngle"
NOMINAL_AXIS = "rlnTomoNominalTiltAxisAngle"
ORIGINAL_PIXEL_SIZE = "rlnMicrographOriginalPixelSize"
IMPORT_DOSE = "rlnTomoImportFractionalDose"

LARGEST_SHIFT_PX = 3.0
_TILT_ERROR_DEG, _X_TILT_DEG, _AXIS_ERROR_DEG = 0.05, 0.1, 0.05
_DEFOCUS_ERROR_ANGSTROM = 150.0
_ASTIGMATISM_ANGSTROM = (200.0, 600.0)
_MICROSCOPES = (Microscope(300.0, 2.7, 0.1), Microscope(200.0, 2.0, 0.07))
_DEFOCUS_FACTORS = (1.0, 1.3)  # of each optics group
MOST_DEFOCUS = max(_DEFOCUS_FACTORS)


@dataclass(frozen=True)
class Recording:
    """One tilt series on its way from the microscope.

    Parameters
    ----------
    name
        `rlnTomoName`.
    optics_group
        Number from 1.
    table_file, stack_file
        Relative to the project.
    """

    name: str
    optics_group: int
    table_file: str
    stack_file: str

    @property
    def microscope(self) -> Microscope:
        """The microscope of its optics group."""
        return _MICROSCOPES[self.optics_group - 1]


def recordings(settings: SimulationSettings) -> list[Recording]:
    """Name the tilt series; optics groups take turns."""
    names = [f"TS_{number:02d}" for number in range(1, settings.tomograms + 1)]
    return [
        Recording(name, 1 + i % settings.optics_groups, f"tilt_series/{name}.star", f"tilt_series/{name}.mrcs")
        for i, name in enumerate(names)
    ]


def nominal_tilts_deg(settings: SimulationSettings) -> Float64[np.ndarray, " tilts"]:
    """Tilts from the most negative to the most positive one, 0 among them."""
    steps = int(settings.tilt_range_deg / settings.tilt_step_deg + 1e-6)
    return np.arange(-steps, steps + 1) * float(settings.tilt_step_deg)


def dose_symmetric_order(tilts: int) -> Int64[np.ndarray, " tilts"]:
    """When each of an odd number of tilts is recorded: from the middle outwards, side by side (Hagen et al. 2017).

    The side that comes first alternates: 0, +1, −1, −2, +2, +3, … steps.
    """
    steps = np.arange(tilts) - tilts // 2
    distance = np.abs(steps)
    positive_first = distance % 2 == 1
    second = np.where(positive_first, steps < 0, steps > 0)
    return np.where(distance == 0, 0, 2 * distance - 1 + second)


def tilt_series_table(settings: SimulationSettings, recording: Recording, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the alignment and imaging conditions of one tilt series, a row per tilt image."""
    nominal = nominal_tilts_deg(settings)
    count = len(nominal)
    shift = rng.uniform(-LARGEST_SHIFT_PX, LARGEST_SHIFT_PX, (2, count)) * settings.pixel_size_angstrom
    middle = rng.uniform(settings.defocus_min_angstrom, settings.defocus_max_angstrom)
    middle *= _DEFOCUS_FACTORS[recording.optics_group - 1]
    defocus = middle + rng.normal(0, _DEFOCUS_ERROR_ANGSTROM, count)
    astigmatism = rng.uniform(*_ASTIGMATISM_ANGSTROM, count)
    return pd.DataFrame(
        {
            NOMINAL_TILT: nominal,
            NOMINAL_AXIS: np.full(count, float(settings.tilt_axis_deg)),
            labels.PRE_EXPOSURE: dose_symmetric_order(count) * float(settings.dose_per_tilt),
            labels.X_TILT: rng.normal(0, _X_TILT_DEG, count),
            labels.Y_TILT: nominal + rng.normal(0, _TILT_ERROR_DEG, count),
            labels.Z_ROTATION: settings.tilt_axis_deg + rng.normal(0, _AXIS_ERROR_DEG, count),
            labels.X_SHIFT: shift[0],
            labels.Y_SHIFT: shift[1],
            labels.DEFOCUS_U: defocus + astigmatism / 2,
            labels.DEFOCUS_V: defocus - astigmatism / 2,
            labels.DEFOCUS_ANGLE: rng.uniform(0, 180, count),
            labels.CTF_SCALE: np.cos(np.deg2rad(nominal)),
            labels.MICROGRAPH_NAME: [f"{image:06d}@{recording.stack_file}" for image in range(1, count + 1)],
        }
    )


def tomograms_table(settings: SimulationSettings, series: list[Recording], image_size_px: int) -> pd.DataFrame:
    """Lay out the tomogram set (RELION 5): one row per tilt series; tomograms are cubes as wide as the images."""
    count = len(series)
    microscopes = [recording.microscope for recording in series]
    columns = {
        labels.TOMO_NAME: [recording.name for recording in series],
        labels.VOLTAGE: [m.voltage_kv for m in microscopes],
        labels.SPHERICAL_ABERRATION: [m.spherical_aberration_mm for m in microscopes],
        labels.AMPLITUDE_CONTRAST: [m.amplitude_contrast for m in microscopes],
        ORIGINAL_PIXEL_SIZE: [float(settings.pixel_size_angstrom)] * count,
        labels.HAND: [float(settings.hand)] * count,
        labels.OPTICS_GROUP_NAME: [f"optics{recording.optics_group}" for recording in series],
        labels.TILT_SERIES_PIXEL_SIZE: [float(settings.pixel_size_angstrom)] * count,
        labels.TILT_SERIES_FILE: [recording.table_file for recording in series],
        labels.TILT_SERIES_STACK: [recording.stack_file for recording in series],
        labels.FRAME_COUNT: [len(nominal_tilts_deg(settings))] * count,
    }
    columns |= {label: [image_size_px] * count for label in labels.TOMO_SIZE}
    return pd.DataFrame(columns | {IMPORT_DOSE: [float(settings.dose_per_tilt)] * count})
