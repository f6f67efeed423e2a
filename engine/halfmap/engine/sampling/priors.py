"""Which orientations are searched for a particle, and how probable they are beforehand.

RELION: HealpixSampling::selectOrientationsWithNonZeroPriorProbability.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial import cKDTree
from scipy.special import logsumexp

from halfmap.engine.particles.pose import euler_to_matrix, wrap_deg
from halfmap.engine.sampling.orientations import OrientationGrid

WINDOW_SIGMAS = 3.0


@dataclass(frozen=True)
class Candidates:
    """Coarse orientations to be compared with a particle.

    Parameters
    ----------
    directions, psis
        Indices into the grid's directions and in-plane angles.
    log_prior
        Logarithm of the prior probability, up to a constant.
    """

    directions: Int64[np.ndarray, " n"]
    psis: Int64[np.ndarray, " n"]
    log_prior: Float64[np.ndarray, " n"]


def everywhere(grid: OrientationGrid, pdf_direction: Float64[np.ndarray, " directions"]) -> Candidates:
    """Every orientation, weighted by the distribution of directions found so far; empty directions are left out."""
    used = np.flatnonzero(pdf_direction > 0)
    psis = len(grid.psi_deg)
    return Candidates(
        np.repeat(used, psis), np.tile(np.arange(psis), len(used)), np.repeat(np.log(pdf_direction[used]), psis)
    )


@dataclass(frozen=True)
class OrientationPrior:
    """Gaussian priors on the three angles; a width of 0 leaves the angle free.

    Parameters
    ----------
    grid
        The coarse grid.
    sigma_rot_deg, sigma_tilt_deg, sigma_psi_deg
        Widths; orientations farther than three widths are not searched.
    euler_psi_window
        Compare the Euler angle psi itself, as RELION does; otherwise the in-plane rotation between orientations.
    """

    grid: OrientationGrid
    sigma_rot_deg: float
    sigma_tilt_deg: float
    sigma_psi_deg: float
    euler_psi_window: bool

    def around(self, centre_deg: Float64[np.ndarray, "3"], tree: cKDTree) -> Candidates:
        """Orientations near a centre (rot, tilt, psi), with their priors.

        Parameters
        ----------
        centre_deg
            Centre of the prior.
        tree
            Search tree over the grid's direction vectors.

        Notes
        -----
        Differs from RELION: the window on psi is laid around the in-plane angle that brings the grid orientation
        closest to the prior one (or its nearest symmetry mate), because Euler psi says little near the poles and
        jumps at the border of the asymmetric unit; `euler_psi_window` restores RELION's.
        """
        mates = self._mates(centre_deg)
        directions, log_direction, mate = self._directions(mates, tree)
        psi_centre = np.full(len(directions), centre_deg[2])
        if self.is_local and not self.euler_psi_window:
            psi_centre = self._closest_psi_deg(directions, mates[mate])
        which, psis, log_psi = self._psis(psi_centre)
        return Candidates(directions[which], psis, log_direction[which] + log_psi)

    def log_prior_of(
        self, rotations: Float64[np.ndarray, "n 3 3"], centre_deg: Float64[np.ndarray, "3"]
    ) -> Float64[np.ndarray, " n"]:
        """Logarithm of the prior of any orientations, up to a constant; −∞ beyond three widths.

        For searches that are not local in all three angles. The nearest orientation is kept where all are beyond.
        """
        mates = self._mates(centre_deg)
        away = [distance / sigma for distance, sigma in self._distances_deg(rotations, mates)]
        squares = np.sum(np.square(away), axis=0)
        inside = np.all(np.less(away, WINDOW_SIGMAS), axis=0)
        inside[squares.argmin()] |= not inside.any()
        return np.where(inside, -0.5 * squares, -np.inf)

    def _distances_deg(
        self, rotations: Float64[np.ndarray, "n 3 3"], mates: Float64[np.ndarray, "g 3 3"]
    ) -> Iterator[tuple[Float64[np.ndarray, " n"], float]]:
        """Distances from the nearest mate, and the width of the prior on each."""
        rot, tilt, psi = self.sigma_rot_deg, self.sigma_tilt_deg, self.sigma_psi_deg
        if rot > 0 and tilt > 0:
            cosines = np.clip(rotations[:, 2] @ mates[:, 2].T, -1, 1)
            yield np.rad2deg(np.arccos(cosines.max(axis=1))), max(rot, tilt)
        elif rot > 0:
            yield _nearest(_rot_deg(rotations), _rot_deg(mates)), rot
        elif tilt > 0:
            yield _nearest(_tilt_deg(rotations), _tilt_deg(mates)), tilt
        if psi > 0:
            yield _nearest(_psi_deg(rotations), _psi_deg(mates)), psi

    @property
    def is_local(self) -> bool:
        """All three angles are held near a centre."""
        return min(self.sigma_rot_deg, self.sigma_tilt_deg, self.sigma_psi_deg) > 0

    def _mates(self, centre_deg: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "g 3 3"]:
        return euler_to_matrix(centre_deg) @ self.grid.group.operators

    def _directions(
        self, mates: Float64[np.ndarray, "g 3 3"], tree: cKDTree
    ) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Directions within the window, the logarithm of their prior, and the nearest mate of each."""
        rot, tilt = self.sigma_rot_deg, self.sigma_tilt_deg
        if rot > 0 and tilt > 0:
            return _within_cone(self.grid, mates[:, 2], max(rot, tilt), tree)
        vectors = mates[:, 2]
        if tilt > 0:
            mate_angles = np.rad2deg(np.arccos(np.clip(vectors[:, 2], -1, 1)))
            return _within_band(self.grid.directions_deg[:, 1], mate_angles, tilt)
        if rot > 0:
            mate_angles = np.rad2deg(np.arctan2(vectors[:, 1], vectors[:, 0]))
            return _within_band(self.grid.directions_deg[:, 0], mate_angles, rot)
        count = len(self.grid.pixels)
        return np.arange(count), np.zeros(count), np.zeros(count, np.int64)

    def _closest_psi_deg(
        self, directions: Int64[np.ndarray, " n"], centres: Float64[np.ndarray, "n 3 3"]
    ) -> Float64[np.ndarray, " n"]:
        """In-plane angle that brings each direction closest to an orientation: the maximum of tr(A(psi)ᵀ·B)."""
        angles = np.column_stack([self.grid.directions_deg[directions], np.zeros(len(directions))])
        upright = euler_to_matrix(angles)
        product = upright @ np.swapaxes(centres, 1, 2)
        return np.rad2deg(np.arctan2(product[:, 1, 0] - product[:, 0, 1], product[:, 0, 0] + product[:, 1, 1]))

    def _psis(
        self, centre_deg: Float64[np.ndarray, " n"]
    ) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
        """In-plane angles for each direction: row, index and log prior; the nearest one where none is in the window."""
        psi = self.grid.psi_deg
        if self.sigma_psi_deg <= 0:
            rows = np.repeat(np.arange(len(centre_deg)), len(psi))
            return rows, np.tile(np.arange(len(psi)), len(centre_deg)), np.zeros(len(rows))
        distance = np.abs(wrap_deg(psi - centre_deg[:, None]))
        near = distance < WINDOW_SIGMAS * self.sigma_psi_deg
        lonely = ~near.any(axis=1)
        near[lonely, distance[lonely].argmin(axis=1)] = True
        rows, columns = np.nonzero(near)
        # the nearest one counts as at the centre, lest all of a far row underflow; only ratios matter
        squares = distance[rows, columns] ** 2 - distance.min(axis=1)[rows] ** 2
        log_prior = -0.5 * squares / self.sigma_psi_deg**2
        total = np.bincount(rows, weights=np.exp(log_prior), minlength=len(centre_deg))
        return rows, columns, log_prior - np.log(total[rows])


def _within_cone(
    grid: OrientationGrid, mates: Float64[np.ndarray, "g 3"], sigma_deg: float, tree: cKDTree
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Directions closer than three sigmas to the nearest symmetry mate of the prior direction."""
    chord = 2 * np.sin(np.deg2rad(min(WINDOW_SIGMAS * sigma_deg, 180.0)) / 2)
    found = np.unique(np.concatenate([np.asarray(f, np.int64) for f in tree.query_ball_point(mates, chord)]))
    if not len(found):
        distances, nearest = (np.atleast_1d(found) for found in tree.query(mates))
        mate = int(np.argmin(distances))
        return nearest[[mate]], np.zeros(1), np.array([mate])
    cosines = np.clip(grid.direction_vectors[found] @ mates.T, -1, 1)
    distances_deg = np.rad2deg(np.arccos(cosines.max(axis=1)))
    return found, _log_gaussian(distances_deg, sigma_deg), cosines.argmax(axis=1)


def _within_band(
    grid_deg: Float64[np.ndarray, " directions"], mates_deg: Float64[np.ndarray, " g"], sigma_deg: float
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Directions with one angle closer than three sigmas to that of the nearest symmetry mate."""
    distance = np.abs(wrap_deg(grid_deg[:, None] - mates_deg))
    least = distance.min(axis=1)
    found = np.flatnonzero(least < WINDOW_SIGMAS * sigma_deg)
    if not len(found):
        found = np.array([int(np.argmin(least))])
    return found, _log_gaussian(least[found], sigma_deg), distance[found].argmin(axis=1)


def _rot_deg(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, " n"]:
    return np.rad2deg(np.arctan2(rotations[:, 2, 1], rotations[:, 2, 0]))


def _tilt_deg(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, " n"]:
    return np.rad2deg(np.arccos(np.clip(rotations[:, 2, 2], -1, 1)))


def _psi_deg(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, " n"]:
    return np.rad2deg(np.arctan2(rotations[:, 1, 2], -rotations[:, 0, 2]))


def _nearest(
    angles_deg: Float64[np.ndarray, " n"], centres_deg: Float64[np.ndarray, " g"]
) -> Float64[np.ndarray, " n"]:
    centres_deg = np.unique(centres_deg.round(9))
    return np.abs(wrap_deg(angles_deg[:, None] - centres_deg)).min(axis=1)


def _log_gaussian(distance: Float64[np.ndarray, " n"], sigma: float) -> Float64[np.ndarray, " n"]:
    """Logarithms of Gaussian weights that add up to 1, however far all of them lie."""
    log_weight = -0.5 * (distance / sigma) ** 2
    return log_weight - logsumexp(log_weight)


def direction_tree(grid: OrientationGrid) -> cKDTree:
    """Search tree over the grid's directions, shared by all particles of an iteration."""
    return cKDTree(grid.direction_vectors)


def centre_of_prior(
    angles_deg: Float64[np.ndarray, "3"], priors_deg: Float64[np.ndarray, "3"]
) -> Float64[np.ndarray, "3"]:
    """Prior angles where they are given, the current ones elsewhere."""
    return np.where(np.isnan(priors_deg), angles_deg, priors_deg)
