"""The coarse grid laid in the frame of a tomogram: one grid for all its particles, and what it means for each.

Particles of a tomogram are seen from the same sides. If their orientations are counted from the tomogram, and not each
from a frame of its own, the slices of a reference that they are compared with are the same for all of them.
"""

from dataclasses import dataclass
from functools import cached_property

import healpix
import numpy as np
from jaxtyping import Float64, Int64
from scipy.special import logsumexp

from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import Candidates, OrientationPrior


@dataclass(frozen=True)
class CommonGrid:
    """All orientations of a grid, counted from a frame that particles share.

    A particle's frame is given by the rotation from its coordinates to those of the shared frame.

    Parameters
    ----------
    grid
        The coarse grid.
    prior
        Priors on the angles in a particle's own frame, wide ones; None for a search weighted by `pdf_direction`.
    pdf_direction
        Distribution of directions found in the last iteration, in the particles' own frames.
    perturbation
        Random perturbation of the grid, in coarse steps.
    """

    grid: OrientationGrid
    prior: OrientationPrior | None
    pdf_direction: Float64[np.ndarray, " directions"]
    perturbation: float

    @cached_property
    def order(self) -> Int64[np.ndarray, " orientations"]:
        """Orientations whose reference axes are nearly the same line stand together: bands on tilt leave out many."""
        count = len(self.grid.pixels) * len(self.grid.psi_deg)
        directions, psis = np.divmod(np.arange(count), len(self.grid.psi_deg))
        axes = euler_to_matrix(self.grid.coarse_angles_deg(directions, psis))[:, :, 2]
        return np.argsort(line_index(axes), kind="stable")

    @property
    def directions(self) -> Int64[np.ndarray, " orientations"]:
        """Index of each orientation's direction."""
        return self.order // len(self.grid.psi_deg)

    @property
    def psis(self) -> Int64[np.ndarray, " orientations"]:
        """Index of each orientation's in-plane angle."""
        return self.order % len(self.grid.psi_deg)

    @cached_property
    def rotations(self) -> Float64[np.ndarray, "orientations 3 3"]:
        """Rotations from the reference to the shared frame, perturbed."""
        return self.grid.perturbed(self._angles_deg, self.perturbation)

    def candidates(self, frame: Float64[np.ndarray, "3 3"], centre_deg: Float64[np.ndarray, "3"]) -> Candidates:
        """Orientations that are possible for a particle, and how probable they are beforehand.

        The weights of all of them add up to the number of in-plane angles, as those of a grid in its own frame do.
        """
        seen = self._seen_from(frame, self._unperturbed)
        if self.prior is None:
            pdf = self.pdf_direction[self.grid.direction_index(seen[:, 2])]
            log_prior = np.log(pdf, out=np.full(len(pdf), -np.inf), where=pdf > 0)
        else:
            log_prior = self.prior.log_prior_of(seen, centre_deg)
        possible = np.flatnonzero(log_prior > -np.inf)
        log_prior = log_prior[possible] - logsumexp(log_prior) + np.log(len(self.grid.psi_deg))
        return Candidates(self.directions[possible], self.psis[possible], log_prior)

    def rows(self, candidates: Candidates) -> Int64[np.ndarray, " n"]:
        """Positions of candidates among all orientations."""
        return self._place[candidates.directions * len(self.grid.psi_deg) + candidates.psis]

    @cached_property
    def _place(self) -> Int64[np.ndarray, " orientations"]:
        return np.argsort(self.order)

    def own_directions(self, candidates: Candidates, frame: Float64[np.ndarray, "3 3"]) -> Int64[np.ndarray, " n"]:
        """Directions of candidates as a particle sees them in its own frame; nearest ones of the grid."""
        return self.grid.direction_index(self._seen_from(frame, self._unperturbed[self.rows(candidates)])[:, 2])

    @cached_property
    def _angles_deg(self) -> Float64[np.ndarray, "orientations 3"]:
        return self.grid.coarse_angles_deg(self.directions, self.psis)

    @cached_property
    def _unperturbed(self) -> Float64[np.ndarray, "orientations 3 3"]:
        return euler_to_matrix(self._angles_deg)

    @staticmethod
    def _seen_from(
        frame: Float64[np.ndarray, "3 3"], rotations: Float64[np.ndarray, "n 3 3"]
    ) -> Float64[np.ndarray, "n 3 3"]:
        # one product of two matrices instead of thousands of small ones
        side_by_side = frame.T @ rotations.transpose(1, 0, 2).reshape(3, -1)
        return side_by_side.reshape(3, -1, 3).transpose(1, 0, 2)


def line_index(axes: Float64[np.ndarray, "n 3"]) -> Int64[np.ndarray, " n"]:
    """Number lines, given by one of their two directions, so that neighbours mostly have close numbers."""
    upwards = np.where(axes[:, 2:] < 0, -axes, axes)
    return np.asarray(healpix.vec2pix(8, *upwards.T, nest=True), np.int64)
