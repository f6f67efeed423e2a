"""Particles: what is given about each before refinement, and what refinement assigns to it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64

from halfmap.engine.imaging.ctf import TiltCtf
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.particles.tilt_series import TiltSeries


@dataclass(frozen=True)
class Assignments:
    """What refinement assigns to each particle.

    Parameters
    ----------
    angles_deg
        Rot, tilt, psi in the subtomogram frame.
    origin_angstrom
        Offset that brings the particle to the box centre, in the subtomogram frame.
    class_number
        0 before the first iteration, 1 afterwards.
    log_likelihood
        Contribution to the log-likelihood.
    max_probability
        Posterior of the best pose, 0 to 1.
    significant_samples
        Coarse poses that carry 99.9 % of the posterior.
    """

    angles_deg: Float64[np.ndarray, "particles 3"]
    origin_angstrom: Float64[np.ndarray, "particles 3"]
    class_number: Int64[np.ndarray, " particles"]
    log_likelihood: Float64[np.ndarray, " particles"]
    max_probability: Float64[np.ndarray, " particles"]
    significant_samples: Int64[np.ndarray, " particles"]

    @classmethod
    def at_start(
        cls,
        angles_deg: Float64[np.ndarray, "particles 3"],
        origin_angstrom: Float64[np.ndarray, "particles 3"],
        class_number: Int64[np.ndarray, " particles"],
    ) -> "Assignments":
        """Poses as given, nothing else known."""
        count = len(angles_deg)
        unknown, none = np.zeros(count), np.zeros(count, np.int64)
        return cls(angles_deg, origin_angstrom, class_number, unknown, unknown, none)

    def updated(self, indices: Int64[np.ndarray, " n"], other: "Assignments") -> "Assignments":
        """Replace the rows `indices` by those of `other`."""
        changed = {}
        for name in self.__dataclass_fields__:
            column = getattr(self, name).copy()
            column[indices] = getattr(other, name)
            changed[name] = column
        return replace(self, **changed)


@dataclass(frozen=True)
class ParticleSet:
    """All particles of a refinement, in the order of their file.

    Parameters
    ----------
    names
        Name of each particle.
    image_files
        Stack of tilt images, or volume, of each particle.
    optics_groups, tilt_series, scale_groups
        What the index columns point at; scale groups by name.
    optics_index, tilt_series_index, scale_group_index
        One index per particle.
    visible
        For each particle, which images of its tilt series are in its stack; none for volumes.
    position_px
        Extraction position in tilt-series pixels from the tomogram's corner; NaN for volumes, which bring their CTF.
    subtomogram_rotation
        Rotation of the frame in which poses are given.
    angle_priors_deg, origin_priors_angstrom
        NaN where there is no prior.
    half_set
        1 or 2; 0 while not assigned.
    start
        Poses as given in the file.
    ctf_files
        CTF volume of each particle; none for stacks.
    """

    names: tuple[str, ...]
    image_files: tuple[Path, ...]
    optics_groups: tuple[OpticsGroup, ...]
    tilt_series: tuple[TiltSeries, ...]
    scale_groups: tuple[str, ...]
    optics_index: Int64[np.ndarray, " particles"]
    tilt_series_index: Int64[np.ndarray, " particles"]
    scale_group_index: Int64[np.ndarray, " particles"]
    visible: tuple[Bool[np.ndarray, " tilts"], ...]
    position_px: Float64[np.ndarray, "particles 3"]
    subtomogram_rotation: Float64[np.ndarray, "particles 3 3"]
    angle_priors_deg: Float64[np.ndarray, "particles 3"]
    origin_priors_angstrom: Float64[np.ndarray, "particles 3"]
    half_set: Int64[np.ndarray, " particles"]
    start: Assignments
    ctf_files: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def optics_of(self, particle: int) -> OpticsGroup:
        """Optics group of a particle."""
        return self.optics_groups[self.optics_index[particle]]

    @property
    def are_volumes(self) -> bool:
        """3D pseudo-subtomograms instead of stacks of tilt images."""
        return bool(self.ctf_files)

    @property
    def dimensions(self) -> int:
        """2 for stacks, 3 for volumes."""
        return 3 if self.are_volumes else 2

    def images_of(self, particle: int) -> int:
        """Count the tilt images of a particle; a volume is one image."""
        return 1 if self.are_volumes else int(self.visible[particle].sum())

    def frames(self, indices: Int64[np.ndarray, " some"]) -> Float64[np.ndarray, "some 3 3"]:
        """Rotations from particles' own frames to those in which their images are seen from the same sides.

        For tilt images that is the frame of the tomogram. Volumes are all seen from their own.
        """
        return np.tile(np.eye(3), (len(indices), 1, 1)) if self.are_volumes else self.subtomogram_rotation[indices]

    def tilt_rotations(self, particle: int) -> Float64[np.ndarray, "tilts 3 3"]:
        """Rotations from a particle's subtomogram frame to each of its tilt images."""
        series = self.tilt_series[self.tilt_series_index[particle]]
        return series.rotations[self.visible[particle]] @ self.subtomogram_rotation[particle]

    def ctf_of(self, particle: int) -> TiltCtf:
        """Imaging conditions of a particle's tilt images.

        The depth is that of the position with the starting offsets and stays as it is during refinement
        (RELION: Experiment::read).
        """
        series = self.tilt_series[self.tilt_series_index[particle]]
        offset = self.subtomogram_rotation[particle] @ self.start.origin_angstrom[particle]
        position = self.position_px[particle] - offset / series.pixel_size_angstrom
        return series.ctf_at(position, self.visible[particle])

    def with_half_sets(self, half_set: Int64[np.ndarray, " particles"]) -> "ParticleSet":
        """Assign half sets."""
        return replace(self, half_set=half_set)

    def members(self, half: int) -> Int64[np.ndarray, " members"]:
        """Particles of a half set, in file order."""
        return np.flatnonzero(self.half_set == half)
