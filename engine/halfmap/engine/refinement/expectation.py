"""The expectation step for one particle: compare it with the reference in all poses, and add it to the sums.

RELION: MlOptimiser::expectationOneParticle; the arithmetic is written as matrix products behind `Backend`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.spatial import cKDTree

from halfmap.engine.backend.interface import Backend, Reference
from halfmap.engine.fourier.shells import shell_sums
from halfmap.engine.imaging.preparation import ImageSettings, ParticleImages, PassSettings, tilt_images
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.particles.pose import matrix_to_euler
from halfmap.engine.refinement.plan import Windows
from halfmap.engine.refinement.posterior import Posterior, best_only, posterior
from halfmap.engine.refinement.sums import ExpectationSums
from halfmap.engine.sampling.offsets import OffsetGrid
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import Candidates, OrientationPrior, direction_tree, everywhere

SCALE_NEEDS_SSNR = 3.0


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
    adaptive_fraction, maximum_significant
        Which poses count as significant.
    correlation
        Compare by correlation and give all weight to the best pose.
    offset_prior_quirk
        Measure search offsets for the prior in Å but as if they were pixels, as RELION does.
    """

    orientations: OrientationGrid
    offsets: OffsetGrid
    prior: OrientationPrior | None
    pdf_direction: Float64[np.ndarray, " directions"]
    perturbation: float
    sigma_offset_angstrom: float
    adaptive_fraction: float
    maximum_significant: int
    correlation: bool
    offset_prior_quirk: bool

    @cached_property
    def tree(self) -> cKDTree:
        """Search tree over the directions."""
        return direction_tree(self.orientations)

    @cached_property
    def global_candidates(self) -> Candidates:
        """All orientations with the distribution of directions as prior."""
        return everywhere(self.orientations, self.pdf_direction)

    def candidates(self, centre_deg: Float64[np.ndarray, "3"]) -> Candidates:
        """Coarse orientations searched for a particle whose prior is centred at (rot, tilt, psi)."""
        return self.global_candidates if self.prior is None else self.prior.around(centre_deg, self.tree)

    @property
    def offset_perturbation_angstrom(self) -> float:
        """Shift of all searched offsets along each axis."""
        return self.perturbation * self.offsets.step_angstrom


@dataclass(frozen=True)
class HalfModel:
    """What the expectation step compares the particles of a half set with.

    Parameters
    ----------
    reference
        The sliced reference.
    sigma2
        Noise spectra by optics group.
    scale
        Intensity scale by group.
    scale_shells
        Shells on which intensity scales are measured.
    """

    reference: Reference
    sigma2: Float64[np.ndarray, "optics shells"]
    scale: Float64[np.ndarray, " groups"]
    scale_shells: Bool[np.ndarray, " shells"]


@dataclass(frozen=True)
class ParticleState:
    """A particle at the start of an iteration.

    Parameters
    ----------
    images
        Its images.
    optics, group
        Indices of its optics group and scale group.
    centre_deg
        Centre of the prior on its angles.
    origin_angstrom
        Its current offset.
    origin_prior_angstrom
        Centre of the prior on its offset.
    """

    images: ParticleImages
    optics: int
    group: int
    centre_deg: Float64[np.ndarray, "3"]
    origin_angstrom: Float64[np.ndarray, "3"]
    origin_prior_angstrom: Float64[np.ndarray, "3"]


@dataclass(frozen=True)
class Alignment:
    """Outcome for one particle.

    Parameters
    ----------
    angles_deg, origin_angstrom
        Best pose.
    log_likelihood, max_probability, significant_samples
        See `Assignments`.
    """

    angles_deg: Float64[np.ndarray, "3"]
    origin_angstrom: Float64[np.ndarray, "3"]
    log_likelihood: float
    max_probability: float
    significant_samples: int


@dataclass(frozen=True)
class Expectation:
    """The expectation step of one half set in one iteration.

    Parameters
    ----------
    backend, model, search, settings
        What computes, what is compared with, what is searched, how images are modelled.
    windows
        Fourier windows of each optics group's images.
    """

    backend: Backend
    model: HalfModel
    search: Search
    settings: ImageSettings
    windows: tuple[Windows, ...]

    def align(self, particle: ParticleState, sums: ExpectationSums) -> Alignment:
        """Compare a particle with the reference in all poses and add it to the sums."""
        candidates = self.search.candidates(particle.centre_deg)
        coarse = self._coarse(particle, candidates)
        poses = self._children(candidates, coarse.significant)
        fine = self._fine(particle, poses)
        self._accumulate(particle, poses, fine, sums)
        return self._outcome(particle, poses, fine, int(coarse.significant.sum()), sums)

    def _coarse(self, particle: ParticleState, candidates: Candidates) -> Posterior:
        grid, search = self.search.orientations, self.search
        rotations = grid.perturbed(grid.coarse_angles_deg(candidates.directions, candidates.psis), search.perturbation)
        offsets = search.offsets.coarse_angstrom + search.offset_perturbation_angstrom
        images = self._images(particle, self.windows[particle.optics].coarse)
        scores = self._compare(images, particle, rotations, offsets)
        prior = self._log_offset_prior(particle, search.offsets.coarse_angstrom)
        return self._judge(scores, candidates.log_prior[:, None] + prior)

    def _children(self, candidates: Candidates, significant: Bool[np.ndarray, "n m"]) -> "FinePoses":
        rows, columns = np.flatnonzero(significant.any(axis=1)), np.flatnonzero(significant.any(axis=0))
        grid, search = self.search.orientations, self.search
        angles = grid.fine_angles_deg(candidates.directions[rows], candidates.psis[rows])
        rotations = grid.perturbed(angles.reshape(-1, 3), search.perturbation)
        parents = search.offsets.coarse_angstrom[columns]
        offsets = (parents[:, None] + search.offsets.child_shifts_angstrom).reshape(-1, 3)
        return FinePoses(
            directions=np.repeat(candidates.directions[rows], grid.children),
            log_orientation_prior=np.repeat(candidates.log_prior[rows], grid.children),
            rotations=rotations,
            parent_offsets_angstrom=np.repeat(parents, search.offsets.children, axis=0),
            offsets_angstrom=offsets + search.offset_perturbation_angstrom,
            considered=np.repeat(
                np.repeat(significant[np.ix_(rows, columns)], grid.children, axis=0), search.offsets.children, axis=1
            ),
        )

    def _fine(self, particle: ParticleState, poses: "FinePoses") -> Posterior:
        images = self._images(particle, self.windows[particle.optics].fine)
        scores = self._compare(images, particle, poses.rotations, poses.offsets_angstrom)
        prior = poses.log_orientation_prior[:, None] + self._log_offset_prior(particle, poses.parent_offsets_angstrom)
        scores[~poses.considered] = -np.inf
        return self._judge(scores, prior)

    def _judge(self, scores: Float64[np.ndarray, "n m"], log_prior: Float64[np.ndarray, "n m"]) -> Posterior:
        if self.search.correlation:
            return best_only(scores)
        return posterior(scores + log_prior, self.search.adaptive_fraction, self.search.maximum_significant)

    def _compare(
        self,
        images: TiltImages,
        particle: ParticleState,
        rotations: Float64[np.ndarray, "n 3 3"],
        offsets_angstrom: Float64[np.ndarray, "m 3"],
    ) -> Float64[np.ndarray, "n m"]:
        compare = self.backend.correlations if self.search.correlation else self.backend.scores
        return compare(self.model.reference, images, rotations, self._offsets_px(particle, offsets_angstrom))

    def _offsets_px(
        self, particle: ParticleState, offsets_angstrom: Float64[np.ndarray, "m 3"]
    ) -> Float64[np.ndarray, "m 3"]:
        return (particle.origin_angstrom + offsets_angstrom) / particle.images.optics.pixel_size_angstrom

    def _images(self, particle: ParticleState, one_pass: PassSettings) -> TiltImages:
        scale = float(max(self.model.scale[particle.group], 0.001))
        return tilt_images(particle.images, self.settings, one_pass, self.model.sigma2[particle.optics], scale)

    def _log_offset_prior(
        self, particle: ParticleState, offsets_angstrom: Float64[np.ndarray, "m 3"]
    ) -> Float64[np.ndarray, " m"]:
        """Gaussian around the prior offset, at coarse offsets without the perturbation.

        Differs from RELION: it adds search offsets in Å to current ones in pixels, so that the former count as pixel
        size times too long; `offset_prior_quirk` does the same.
        """
        unit = particle.images.optics.pixel_size_angstrom if self.search.offset_prior_quirk else 1.0
        away = particle.origin_angstrom + unit * offsets_angstrom - particle.origin_prior_angstrom
        return -0.5 * (away**2).sum(axis=1) / self.search.sigma_offset_angstrom**2

    def _accumulate(self, particle: ParticleState, poses: "FinePoses", fine: Posterior, sums: ExpectationSums) -> None:
        stored = fine.stored
        rows, columns = np.flatnonzero(stored.any(axis=1)), np.flatnonzero(stored.any(axis=0))
        weights = stored[np.ix_(rows, columns)]
        images = self._images(particle, self.windows[particle.optics].stored)
        offsets_px = self._offsets_px(particle, poses.offsets_angstrom[columns])
        residuals = self.backend.accumulate(
            self.model.reference,
            images,
            poses.rotations[rows],
            offsets_px,
            weights.astype(np.float32),
            sums.accumulator,
        )
        mass = float(weights.sum())
        shells = self.model.sigma2.shape[1]
        cross = shell_sums(residuals.cross, images.shells, shells)
        power = shell_sums(residuals.power, images.shells, shells)
        sums.residual[particle.optics] += (
            images.scale**2 * power - 2 * images.scale * cross + mass * particle.images.power()
        )
        sums.pixel_count[particle.optics] += particle.images.pixel_counts()
        sums.signal_product[particle.group] += cross[self.model.scale_shells].sum()
        sums.reference_power[particle.group] += power[self.model.scale_shells].sum()
        np.add.at(sums.direction_mass, poses.directions[rows], weights.sum(axis=1))
        away = particle.origin_angstrom + poses.offsets_angstrom[columns] - particle.origin_prior_angstrom
        sums.scalars[0] += float(weights.sum(axis=0) @ (away**2).sum(axis=1))

    def _outcome(
        self, particle: ParticleState, poses: "FinePoses", fine: Posterior, significant: int, sums: ExpectationSums
    ) -> Alignment:
        orientation, offset = fine.best
        top = float(fine.weights[orientation, offset])
        log_likelihood = fine.log_evidence - self._log_constants(particle)
        sums.scalars[1:] += (top, log_likelihood, 1.0)
        return Alignment(
            matrix_to_euler(poses.rotations[orientation]),
            particle.origin_angstrom + poses.offsets_angstrom[offset],
            log_likelihood,
            top,
            significant,
        )

    def _log_constants(self, particle: ParticleState) -> float:
        """Add up what the log-likelihood has beside the evidence: the images' power and the noise's normalisation.

        Beyond the window RELION adds half of the power without dividing it by σ²; it is a constant of the particle.
        """
        if self.search.correlation:
            return 0.0
        images, sigma2 = particle.images, self.model.sigma2[particle.optics]
        last = self.windows[particle.optics].fine.image_size_px / 2 * images.grid.shells_per_image_shell(images.optics)
        shell = np.arange(len(sigma2))
        power, count = images.power(), images.pixel_counts()
        inside = (shell > 0) & (shell <= last) & (sigma2 > 0)
        normalisation = count[inside] @ np.log(2 * np.pi * sigma2[inside])
        return float(0.5 * (power[inside] / sigma2[inside]).sum() + 0.5 * power[shell > last].sum() + normalisation)


@dataclass(frozen=True)
class FinePoses:
    """The children of the significant coarse poses: orientations × offsets, of which some are considered.

    Parameters
    ----------
    directions, log_orientation_prior, rotations
        One entry per fine orientation.
    parent_offsets_angstrom, offsets_angstrom
        One entry per fine offset: the unperturbed coarse parent, and the offset itself.
    considered
        Pairs whose parents are significant.
    """

    directions: Int64[np.ndarray, " n"]
    log_orientation_prior: Float64[np.ndarray, " n"]
    rotations: Float64[np.ndarray, "n 3 3"]
    parent_offsets_angstrom: Float64[np.ndarray, "m 3"]
    offsets_angstrom: Float64[np.ndarray, "m 3"]
    considered: Bool[np.ndarray, "n m"]
