"""What is searched for a particle: coarse poses, their children, and the priors on them."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.spatial import cKDTree

from halfmap.engine.arrays import Array
from halfmap.engine.sampling.common_grid import CommonGrid
from halfmap.engine.sampling.offsets import OffsetGrid
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import Candidates, OrientationPrior, direction_tree, everywhere


@dataclass(frozen=True)
class FinePoses:
    """The children of significant coarse poses: orientations × offsets, of which some are considered.

    Parameters
    ----------
    directions, log_orientation_prior, rotations
        One entry per fine orientation.
    parent_offsets_angstrom, offsets_angstrom
        One entry per fine offset: the unperturbed coarse parent, and the offset itself.
    significant
        Which pairs of parents are significant.
    """

    directions: Int64[np.ndarray, " orientations"]
    log_orientation_prior: Float64[np.ndarray, " orientations"]
    rotations: Float64[np.ndarray, "orientations 3 3"]
    parent_offsets_angstrom: Float64[np.ndarray, "offsets 3"]
    offsets_angstrom: Float64[np.ndarray, "offsets 3"]
    significant: Bool[np.ndarray, "parents parent_offsets"]

    def seen_from(
        self, frame: Float64[np.ndarray, "3 3"], directions: Int64[np.ndarray, " orientations"]
    ) -> "FinePoses":
        """Poses counted from a particle's own frame, given the rotation from there, and the directions seen from it."""
        return replace(
            self,
            directions=directions,
            rotations=frame.T @ self.rotations,
            parent_offsets_angstrom=self.parent_offsets_angstrom @ frame,
            offsets_angstrom=self.offsets_angstrom @ frame,
        )

    def parents(self, rows: slice) -> Int64[np.ndarray, " rows"]:
        """Parent of each of some orientations."""
        return np.arange(rows.start, rows.stop) // (len(self.rotations) // len(self.significant))

    @property
    def children_of_offset(self) -> int:
        """Fine offsets of each parent."""
        return len(self.offsets_angstrom) // self.significant.shape[1]


def considered(
    significant: Bool[Array, "orientations parent_offsets"], children_of_offset: int
) -> tuple[Int64[Array, " pairs"], Int64[Array, " pairs"]]:
    """Pairs of orientations with offsets, given which parents are significant."""
    row, column = np.nonzero(np.repeat(significant, children_of_offset, axis=1))
    return row, column


@dataclass(frozen=True)
class Search:
    """What is searched, and how: the same for all particles of a half set in one iteration.

    Parameters
    ----------
    orientations, offsets
        The grids.
    prior
        Priors on the angles; None for a global search weighted by `pdf_direction`.
    pdf_direction
        Distribution of directions found in the last iteration.
    perturbation
        Random perturbation of both grids, in coarse steps.
    sigma_offset_angstrom
        Width of the prior on offsets.
    offset_prior_quirk
        Measure search offsets for the prior in Å but as if they were pixels, as RELION does.
    """

    orientations: OrientationGrid
    offsets: OffsetGrid
    prior: OrientationPrior | None
    pdf_direction: Float64[np.ndarray, " directions"]
    perturbation: float
    sigma_offset_angstrom: float
    offset_prior_quirk: bool

    @property
    def is_local(self) -> bool:
        """Each particle is searched near its own orientation."""
        return self.prior is not None and self.prior.is_local

    @cached_property
    def common(self) -> CommonGrid:
        """The grid for particles that are searched in one frame."""
        return CommonGrid(self.orientations, self.prior, self.pdf_direction, self.perturbation)

    def candidates(self, centre_deg: Float64[np.ndarray, "3"]) -> Candidates:
        """Coarse orientations searched for a particle whose prior is centred at (rot, tilt, psi)."""
        return self._everywhere if self.prior is None else self.prior.around(centre_deg, self._tree)

    def coarse_rotations(self, candidates: Candidates) -> Float64[np.ndarray, "orientations 3 3"]:
        """Perturbed coarse orientations; those of a global search are made once."""
        return self._rotations_everywhere if candidates is self._everywhere else self._rotations(candidates)

    @property
    def coarse_offsets_angstrom(self) -> Float64[np.ndarray, "offsets 3"]:
        """Perturbed coarse offsets."""
        return self.offsets.coarse_angstrom + self._offset_perturbation_angstrom

    def children(self, candidates: Candidates, significant: Bool[np.ndarray, "orientations offsets"]) -> FinePoses:
        """Split the significant coarse poses."""
        rows, columns = np.flatnonzero(significant.any(axis=1)), np.flatnonzero(significant.any(axis=0))
        grid = self.orientations
        angles = grid.fine_angles_deg(candidates.directions[rows], candidates.psis[rows])
        parents = self.offsets.coarse_angstrom[columns]
        shifted = (parents[:, None] + self.offsets.child_shifts_angstrom).reshape(-1, 3)
        return FinePoses(
            directions=np.repeat(candidates.directions[rows], grid.children),
            log_orientation_prior=np.repeat(candidates.log_prior[rows], grid.children),
            rotations=grid.perturbed(angles.reshape(-1, 3), self.perturbation),
            parent_offsets_angstrom=np.repeat(parents, self.offsets.children, axis=0),
            offsets_angstrom=shifted + self._offset_perturbation_angstrom,
            significant=significant[np.ix_(rows, columns)],
        )

    def log_offset_prior(
        self,
        origin_angstrom: Float64[np.ndarray, "3"],
        offsets_angstrom: Float64[np.ndarray, "offsets 3"],
        centre_angstrom: Float64[np.ndarray, "3"],
        pixel_size_angstrom: float,
    ) -> Float64[np.ndarray, " offsets"]:
        """Gaussian prior on offsets, up to a constant.

        Parameters
        ----------
        origin_angstrom
            The particle's current offset.
        offsets_angstrom
            Searched coarse offsets, without the perturbation.
        centre_angstrom
            Centre of the prior.
        pixel_size_angstrom
            Pixel size of the images.

        Notes
        -----
        Differs from RELION: it adds search offsets in Å to current ones in pixels, so that the former count as pixel
        size times too long: a step away is hardly possible, a slow drift is. Here both are in Å, and the prior is
        raised to the power of the pixel size, which pulls a particle that has settled as strongly as RELION does.
        Without that power some particles on lattices walk off to a neighbour (figures in
        docs/differences-from-relion.md). `offset_prior_quirk` restores RELION's.
        """
        searched, power = (pixel_size_angstrom, 1.0) if self.offset_prior_quirk else (1.0, pixel_size_angstrom)
        away = origin_angstrom + searched * offsets_angstrom - centre_angstrom
        return -0.5 * power * (away**2).sum(axis=1) / self.sigma_offset_angstrom**2

    @cached_property
    def _tree(self) -> cKDTree:
        return direction_tree(self.orientations)

    @cached_property
    def _everywhere(self) -> Candidates:
        return everywhere(self.orientations, self.pdf_direction)

    @cached_property
    def _rotations_everywhere(self) -> Float64[np.ndarray, "orientations 3 3"]:
        return self._rotations(self._everywhere)

    def _rotations(self, candidates: Candidates) -> Float64[np.ndarray, "orientations 3 3"]:
        angles = self.orientations.coarse_angles_deg(candidates.directions, candidates.psis)
        return self.orientations.perturbed(angles, self.perturbation)

    @property
    def _offset_perturbation_angstrom(self) -> float:
        return self.perturbation * self.offsets.step_angstrom
