"""What an extraction is going to do: which particles are cut out of which tilt images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.extraction.cutting import visible_frames
from halfmap.engine.extraction.settings import ExtractionSettings, size_problems
from halfmap.engine.formats.picked_particles import PickedParticles, optics_with_constants
from halfmap.engine.formats.recordings import Recording


@dataclass(frozen=True)
class ExtractionOptions:
    """The options of an extraction.

    Parameters
    ----------
    cutting
        How images are cut out.
    stacks
        Write 2D stacks, otherwise 3D pseudo-subtomograms (`--stack2d`).
    short
        Write float16 (`--float16`).
    min_frames
        Particles seen in fewer tilt images are left out (`--min_frames`).
    cutoff
        Least envelope of pixels that are inserted into 3D pseudo-subtomograms (`--cutoff_fract`).
    apply_offsets
        Cut out where the offsets point, and move the coordinates there (otherwise `--dont_apply_offsets`).
    apply_orientations
        Make each particle's orientation its subtomogram frame (`--apply_orientations`).
    """

    cutting: ExtractionSettings
    stacks: bool = False
    short: bool = False
    min_frames: int = 1
    cutoff: float = 0.01
    apply_offsets: bool = True
    apply_orientations: bool = False

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        problems = size_problems(self.cutting.box_px, self.cutting.crop_px, self.cutting.binning)
        if self.min_frames < 1:
            problems.append(f"--min_frames is {self.min_frames}; 1 or more is needed.")
        if not 0 <= self.cutoff < 1:
            problems.append(f"--cutoff_fract is {self.cutoff:g}; a share from 0 to below 1 is needed.")
        if problems:
            raise BadInput(*problems)


@dataclass(frozen=True)
class PlannedParticle:
    """A particle that is going to be cut out.

    Parameters
    ----------
    row
        Its row in the particle file.
    name
        Its name.
    position_px
        Position in tilt-series pixels from the tomogram's corner.
    motion_px
        Where it is at each tilt, as seen from there.
    rotation
        From the frame in which it is extracted to the tomogram.
    visible
        Tilt images that show it.
    """

    row: int
    name: str
    position_px: Float64[np.ndarray, "3"]
    motion_px: Float64[np.ndarray, "tilts 3"] | None
    rotation: Float64[np.ndarray, "3 3"]
    visible: Bool[np.ndarray, " tilts"]


@dataclass(frozen=True)
class ExtractionPlan:
    """An extraction before anything is written.

    Parameters
    ----------
    options
        See there.
    picked
        The particle file.
    optics
        Its optics groups with all constants.
    recordings
        Tilt series by name, in the order in which they are worked on.
    particles
        Particles of each, in the order of the file.
    """

    options: ExtractionOptions
    picked: PickedParticles
    optics: pd.DataFrame
    recordings: Mapping[str, Recording]
    particles: Mapping[str, tuple[PlannedParticle, ...]]

    @property
    def count(self) -> int:
        """How many particles are extracted."""
        return sum(len(particles) for particles in self.particles.values())

    @property
    def left_out(self) -> int:
        """How many are not, since too few tilt images show them."""
        return len(self.picked.names) - self.count


def plan_extraction(
    picked: PickedParticles,
    recordings: Mapping[str, Recording],
    options: ExtractionOptions,
    motion_angstrom: Mapping[str, Float64[np.ndarray, "tilts 3"]] | None = None,
) -> ExtractionPlan:
    """Find out where each particle is, and which tilt images show it.

    Parameters
    ----------
    picked
        The particles.
    recordings
        Their tilt series, in the order in which the particles shall be written.
    options
        How to extract.
    motion_angstrom
        Trajectory of each particle, by its name.

    Raises
    ------
    BadInput
        If particles and tilt series do not belong together, or no particle is visible.
    """
    optics = optics_with_constants(picked, recordings)
    positions = picked.positions_px(recordings, options.apply_offsets)
    frames = picked.frame @ picked.pose if options.apply_orientations else picked.frame
    found: dict[str, list[PlannedParticle]] = {name: [] for name in recordings}
    for row, (name, tomogram) in enumerate(zip(picked.names, picked.tomograms, strict=True)):
        recording = recordings[tomogram]
        series, size = recording.series, recording.image_size_px
        motion = None if motion_angstrom is None else motion_angstrom[name] / series.pixel_size_angstrom
        path = positions[row] if motion is None else positions[row] + motion
        visible = visible_frames(series, path, size, options.cutting)
        if np.count_nonzero(visible) >= options.min_frames:
            found[tomogram].append(PlannedParticle(row, name, positions[row], motion, frames[row], visible))
    plan = ExtractionPlan(options, picked, optics, recordings, {name: tuple(some) for name, some in found.items()})
    if not plan.count:
        raise BadInput(
            f"{picked.path}: none of {len(picked.names)} particles is seen in {options.min_frames} tilt images or "
            f"more, half a cropped box from their edges; see coordinates, --bin, --crop, --max_dose, --min_frames."
        )
    return plan
