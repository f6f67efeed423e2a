"""The particle files of a simulation: picks, truth and extracted particles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int64

from halfmap.engine.formats import labels
from halfmap.engine.simulation.acquisition import Recording
from halfmap.engine.simulation.poses import PICKED_TILT_DEG, Poses
from halfmap.engine.simulation.settings import SimulationSettings


@dataclass(frozen=True)
class Tomogram:
    """One tomogram's recording and particles.

    Parameters
    ----------
    recording
        How its tilt series is recorded.
    poses
        Its particles.
    half_set
        1 or 2 for each particle.
    """

    recording: Recording
    poses: Poses
    half_set: Int64[np.ndarray, " particles"]

    @property
    def particle_names(self) -> list[str]:
        """Names of its particles."""
        return [f"{self.recording.name}/{number}" for number in range(1, len(self.poses) + 1)]


def optics_table(settings: SimulationSettings, recordings: Sequence[Recording]) -> pd.DataFrame:
    """Lay out the optics groups as before extraction."""
    groups = {recording.optics_group: recording.microscope for recording in recordings}
    return pd.DataFrame(
        {
            labels.OPTICS_GROUP: list(groups),
            labels.OPTICS_GROUP_NAME: [f"optics{number}" for number in groups],
            labels.VOLTAGE: [m.voltage_kv for m in groups.values()],
            labels.SPHERICAL_ABERRATION: [m.spherical_aberration_mm for m in groups.values()],
            labels.AMPLITUDE_CONTRAST: [m.amplitude_contrast for m in groups.values()],
            labels.TILT_SERIES_PIXEL_SIZE: [settings.pixel_size_angstrom] * len(groups),
        }
    )


def extracted_optics_table(settings: SimulationSettings, recordings: Sequence[Recording]) -> pd.DataFrame:
    """Lay out the optics groups with what extraction adds."""
    return optics_table(settings, recordings).assign(
        **{
            labels.CTF_PREMULTIPLIED: 1,
            labels.IMAGE_DIMENSIONALITY: 2,
            labels.BINNING: 1.0,
            labels.IMAGE_PIXEL_SIZE: settings.pixel_size_angstrom,
            labels.IMAGE_SIZE: settings.box_px,
        }
    )


def truth_table(settings: SimulationSettings, tomograms: Sequence[Tomogram]) -> pd.DataFrame:
    """List all particles with their true positions and angles."""
    return pd.concat([_rows(settings, t, t.poses.position_angstrom, t.poses.angles_deg) for t in tomograms])


def picks_table(settings: SimulationSettings, tomograms: Sequence[Tomogram]) -> pd.DataFrame:
    """List all particles as a picker gives them: positions with errors, angles as the prior says."""
    return pd.concat([_picked_rows(settings, tomogram) for tomogram in tomograms])


def extracted_rows(
    picks: pd.DataFrame, visible: Sequence[Bool[np.ndarray, " tilts"]], image_files: Sequence[str]
) -> pd.DataFrame:
    """Add to picks what extraction finds out; those that no tilt image shows are left out."""
    written = [f"[{','.join(str(int(flag)) for flag in flags)}]" for flags in visible]
    found = picks.assign(**{labels.VISIBLE_FRAMES: written, labels.IMAGE_NAME: list(image_files)})
    return found.assign(**dict.fromkeys(labels.ORIGINS, 0.0))[[bool(flags.any()) for flags in visible]]


def _picked_rows(settings: SimulationSettings, tomogram: Tomogram) -> pd.DataFrame:
    poses = tomogram.poses
    if settings.no_tilt_prior:
        return _rows(settings, tomogram, poses.picked_angstrom, np.zeros((len(poses), 3)))
    angles = np.tile([0.0, PICKED_TILT_DEG, 0.0], (len(poses), 1))
    rows = _rows(settings, tomogram, poses.picked_angstrom, angles)
    return rows.assign(**{labels.ANGLE_PRIORS[1]: PICKED_TILT_DEG, labels.ANGLE_PRIORS[2]: 0.0})


def _rows(
    settings: SimulationSettings, tomogram: Tomogram, positions: np.ndarray, angles_deg: np.ndarray
) -> pd.DataFrame:
    columns: dict[str, object] = {labels.TOMO_NAME: tomogram.recording.name}
    columns |= dict(zip(labels.SUBTOMOGRAM_ANGLES, tomogram.poses.subtomogram_angles_deg.T, strict=True))
    columns |= dict(zip(labels.ANGLES, angles_deg.T, strict=True))
    columns |= {labels.PARTICLE_NAME: tomogram.particle_names, labels.OPTICS_GROUP: tomogram.recording.optics_group}
    columns |= dict(zip(labels.CENTERED_COORDINATES, positions.T, strict=True))
    if settings.half_sets:
        columns[labels.RANDOM_SUBSET] = tomogram.half_set
    return pd.DataFrame(columns)
