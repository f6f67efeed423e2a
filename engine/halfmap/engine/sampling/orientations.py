"""The grid of orientations: HEALPix directions of the asymmetric unit times in-plane angles, with oversampling.

RELION: HealpixSampling (healpix_sampling.cpp), NEST scheme.
"""

from dataclasses import dataclass
from functools import cached_property

import healpix
import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial import cKDTree

from halfmap.engine.particles.pose import direction, euler_to_matrix, wrap_deg
from halfmap.engine.sampling.symmetry import PointGroup

MATES_ARE_SEPARATED_BELOW = 4000


def angular_step_deg(healpix_order: int, oversampling: int = 0) -> float:
    """Angular step of a HEALPix order in degrees: 60°/2^(order + oversampling)."""
    return float(60.0 / 2 ** (healpix_order + oversampling))


def pixel_angles_deg(healpix_order: int, pixels: Int64[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n 2"]:
    """Rot (in (-180, 180]) and tilt of HEALPix pixels in the NEST scheme, in degrees."""
    tilt, rot = healpix.pix2ang(2**healpix_order, pixels, nest=True)
    rot_deg = np.rad2deg(rot)
    return np.stack([np.where(rot_deg > 180, rot_deg - 360, rot_deg), np.rad2deg(tilt)], axis=-1)


def largest_pixel_radius_rad(healpix_order: int) -> float:
    """Largest angle between a HEALPix pixel's centre and its corners, in radians (Górski et al. 2005)."""
    side = 2**healpix_order
    tilt_deg = np.rad2deg(np.arccos([2 / 3, 1 - (1 - 1 / side) ** 2 / 3]))
    centre, corner = direction(np.array([45.0 / side, 0.0]), tilt_deg)
    return float(np.arccos(centre @ corner))


def asymmetric_unit_pixels(healpix_order: int, group: PointGroup) -> Int64[np.ndarray, " directions"]:
    """HEALPix pixels whose directions are searched: one of each set of symmetry mates, in NEST order.

    RELION: removeSymmetryEquivalentPointsGeometric, and below 4000 directions removeSymmetryEquivalentPoints.
    """
    pixels = np.arange(12 * 4**healpix_order)
    rot_deg, tilt_deg = pixel_angles_deg(healpix_order, pixels).T
    pixels = pixels[group.in_asymmetric_unit(rot_deg, tilt_deg)]
    if not len(pixels):
        raise ValueError(
            f"no direction of HEALPix order {healpix_order} lies in the asymmetric unit of {group.name}; "
            f"use a finer step"
        )
    if group.order == 1 or len(pixels) >= MATES_ARE_SEPARATED_BELOW:
        return pixels
    closest = 0.5 * largest_pixel_radius_rad(healpix_order)
    return pixels[_first_of_mates(direction(*pixel_angles_deg(healpix_order, pixels).T), group, closest)]


def _first_of_mates(
    directions: Float64[np.ndarray, "n 3"], group: PointGroup, closest_rad: float
) -> Int64[np.ndarray, " kept"]:
    """Keep a direction unless it lies closer than `closest_rad` to a mate of one that is kept already."""
    chord = 2 * np.sin(closest_rad / 2)
    tree = cKDTree(directions)
    near: list[set[int]] = [set() for _ in directions]
    for operator in group.operators[1:]:
        for found, neighbours in zip(near, tree.query_ball_point(directions @ operator.T, chord), strict=True):
            found.update(neighbours)
    kept: set[int] = set()
    for i, neighbours in enumerate(near):
        if not (neighbours - {i}) & kept:
            kept.add(i)
    return np.array(sorted(kept), dtype=np.int64)


@dataclass(frozen=True)
class OrientationGrid:
    """Directions × in-plane angles at one HEALPix order.

    Parameters
    ----------
    healpix_order
        Order of the coarse grid, 0 to 8.
    oversampling
        How often the coarse grid is split in the fine pass.
    group
        Point group; only its asymmetric unit is searched.
    """

    healpix_order: int
    oversampling: int
    group: PointGroup

    @property
    def step_deg(self) -> float:
        """Step of the coarse grid in degrees."""
        return angular_step_deg(self.healpix_order)

    @property
    def fine_step_deg(self) -> float:
        """Step after oversampling in degrees."""
        return angular_step_deg(self.healpix_order, self.oversampling)

    @cached_property
    def pixels(self) -> Int64[np.ndarray, " directions"]:
        """HEALPix pixels of the searched directions."""
        return asymmetric_unit_pixels(self.healpix_order, self.group)

    @cached_property
    def directions_deg(self) -> Float64[np.ndarray, "directions 2"]:
        """Rot and tilt of the searched directions in degrees."""
        return pixel_angles_deg(self.healpix_order, self.pixels)

    @cached_property
    def direction_vectors(self) -> Float64[np.ndarray, "directions 3"]:
        """The searched directions as unit vectors."""
        return direction(*self.directions_deg.T)

    def direction_index(self, vectors: Float64[np.ndarray, "n 3"]) -> Int64[np.ndarray, " n"]:
        """Which searched direction stands for each unit vector: that next to the centre of its HEALPix pixel."""
        return self._index_of_pixel[healpix.vec2pix(2**self.healpix_order, *vectors.T, nest=True)]

    @cached_property
    def _index_of_pixel(self) -> Int64[np.ndarray, " pixels"]:
        """For each pixel of the sphere the searched direction that is closest to it or to one of its mates."""
        pixels = np.arange(12 * 4**self.healpix_order)
        vectors = direction(*pixel_angles_deg(self.healpix_order, pixels).T)
        mates = np.einsum("ni,gij->ngj", vectors, self.group.operators)
        distance, index = (np.asarray(found) for found in cKDTree(self.direction_vectors).query(mates))
        return np.take_along_axis(index, distance.argmin(axis=1)[:, None], axis=1)[:, 0]

    @cached_property
    def psi_deg(self) -> Float64[np.ndarray, " psis"]:
        """In-plane angles in degrees, from 0 upwards."""
        return np.arange(int(np.ceil(360 / self.step_deg))) * self.step_deg

    @property
    def children(self) -> int:
        """Fine orientations per coarse one."""
        return int(8**self.oversampling)

    def coarse_angles_deg(
        self, directions: Int64[np.ndarray, " n"], psis: Int64[np.ndarray, " n"]
    ) -> Float64[np.ndarray, "n 3"]:
        """Euler angles of coarse orientations, unperturbed, in degrees."""
        return np.column_stack([self.directions_deg[directions], self.psi_deg[psis]])

    def fine_angles_deg(
        self, directions: Int64[np.ndarray, " n"], psis: Int64[np.ndarray, " n"]
    ) -> Float64[np.ndarray, "n children 3"]:
        """Euler angles of the children of coarse orientations, unperturbed, in degrees."""
        nest, turns = 4**self.oversampling, 2**self.oversampling
        child_pixels = self.pixels[directions][:, None] * nest + np.arange(nest)
        rot_tilt = pixel_angles_deg(self.healpix_order + self.oversampling, child_pixels)
        shift = (np.arange(turns) + 0.5) * self.step_deg / turns - self.step_deg / 2
        psi = self.psi_deg[psis][:, None] + shift
        angles = np.empty((len(psis), nest, turns, 3))
        angles[..., :2] = rot_tilt[:, :, None]
        angles[..., 2] = wrap_deg(psi)[:, None]
        return angles.reshape(len(psis), -1, 3)

    def perturbed(self, angles_deg: Float64[np.ndarray, "*n 3"], perturbation: float) -> Float64[np.ndarray, "*n 3 3"]:
        """Turn grid angles into matrices, turned by the random perturbation on the right.

        `perturbation` is in units of the coarse step (RELION: HealpixSampling::getOrientations).
        """
        turn = np.full(3, perturbation * self.step_deg)
        return euler_to_matrix(angles_deg) @ euler_to_matrix(turn)
