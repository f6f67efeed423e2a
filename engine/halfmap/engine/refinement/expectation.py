"""The expectation step for one particle: compare it with the reference in all poses, and add it to the sums.

RELION: MlOptimiser::expectationOneParticle; the arithmetic is written as matrix products behind `Backend`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from halfmap.engine.arrays import Array
from halfmap.engine.backend.interface import Backend, Comparison, Reference
from halfmap.engine.imaging.pass_images import PassImages
from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.particles.pose import euler_to_matrix, matrix_to_euler
from halfmap.engine.refinement.alignment import Alignment, FinePosterior
from halfmap.engine.refinement.particle_state import Batch, ParticleState
from halfmap.engine.refinement.plan import Windows
from halfmap.engine.refinement.posterior import Posterior, best_only, posterior
from halfmap.engine.refinement.search import FinePoses, Search, considered
from halfmap.engine.refinement.sums import ExpectationSums, StoredParticle
from halfmap.engine.sampling.priors import Candidates

SCALE_NEEDS_SSNR = 3.0
_SMALLEST_SCALE = 0.001
# fine poses that are compared at once; those of the coarse pass are few enough to be held together
_POSES_AT_ONCE = 1 << 20


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
class Expectation:
    """The expectation step of one half set in one iteration.

    Priors play no part where poses are compared by correlation.

    Parameters
    ----------
    backend, model, search, settings
        What computes, what is compared with, what is searched, how images are modelled.
    windows
        Fourier windows of each optics group's images.
    adaptive_fraction, maximum_significant
        Which poses count as significant.
    correlation
        Compare by correlation and give all weight to the best pose.
    """

    backend: Backend
    model: HalfModel
    search: Search
    settings: ImageSettings
    windows: tuple[Windows, ...]
    adaptive_fraction: float
    maximum_significant: int
    correlation: bool

    def align(self, particle: ParticleState, sums: ExpectationSums) -> Alignment:
        """Compare a particle with the reference in all poses and add it to the sums."""
        images, windows = self.images_of(particle), self.windows[particle.optics]
        candidates = self.search.candidates(particle.centre_deg)
        rotations = self.search.coarse_rotations(candidates)
        scores = self._compare(particle, images.of(windows.coarse), rotations, self.search.coarse_offsets_angstrom)
        coarse = self._coarse(particle, candidates, scores, self.search.offsets.coarse_angstrom)
        poses = self.search.children(candidates, coarse)
        return self._add(particle, images, poses, int(coarse.sum()), sums)

    def images_of(self, particle: ParticleState) -> PassImages:
        """Pixels of a particle's images in each of the passes."""
        scale = float(max(self.model.scale[particle.group], _SMALLEST_SCALE))
        return PassImages(particle.images, self.settings, self.model.sigma2[particle.optics], scale)

    def comparison(self, batch: Batch) -> Comparison:
        """Prepare particles for being compared with the same slices; see `align_compared`."""
        coarse = self.windows[batch.particles[0].optics].coarse
        images = [one.of(coarse) for one in batch.images]
        pixel_size = batch.particles[0].images.optics.pixel_size_angstrom
        origins_px = np.stack([one.origin_px for one in batch.particles])
        offsets_px = self.search.coarse_offsets_angstrom / pixel_size
        prepare = self.backend.correlation if self.correlation else self.backend.comparison
        return prepare(self.model.reference, images, batch.frames, origins_px, offsets_px)

    def align_compared(
        self,
        batch: Batch,
        index: int,
        candidates: Candidates,
        scores: Float32[Array, "orientations offsets"],
        sums: ExpectationSums,
    ) -> Alignment:
        """Align one particle of a batch, whose scores in its candidates among the common grid are known."""
        particle, frame, common = batch.particles[index], batch.frames[index], self.search.common
        found = scores[self.backend.on_device(common.rows(candidates))].astype(np.float64)
        coarse = self._coarse(particle, candidates, found, self.search.offsets.coarse_angstrom @ frame)
        poses = self.search.children(candidates, coarse)
        parents = common.own_directions(candidates, frame)[coarse.any(axis=1)]
        poses = poses.seen_from(frame, np.repeat(parents, self.search.orientations.children))
        return self._add(particle, batch.images[index], poses, int(coarse.sum()), sums)

    def scores_around(self, particle: ParticleState) -> Float64[np.ndarray, "orientations offsets"]:
        """Log-likelihood of coarse offsets with orientations around the centre of a particle's prior, on the host."""
        step_deg = self.search.orientations.step_deg / 2
        around = np.stack(np.meshgrid(*[[-step_deg, 0, step_deg]] * 3), axis=-1).reshape(-1, 3)
        rotations = euler_to_matrix(particle.centre_deg + around)
        images = self.images_of(particle).of(self.windows[particle.optics].fine)
        return self.backend.on_host(self._compare(particle, images, rotations, self.search.coarse_offsets_angstrom))

    def _add(
        self, particle: ParticleState, images: PassImages, poses: FinePoses, significant: int, sums: ExpectationSums
    ) -> Alignment:
        windows = self.windows[particle.optics]
        fine = self._fine(particle, images.of(windows.fine), poses)
        self._store(particle, images.of(windows.stored), poses, fine, sums)
        return self._outcome(particle, poses, fine, significant, sums)

    def _coarse(
        self,
        particle: ParticleState,
        candidates: Candidates,
        scores: Float64[Array, "orientations offsets"],
        offsets_angstrom: Float64[np.ndarray, "offsets 3"],
    ) -> Bool[np.ndarray, "orientations offsets"]:
        """Tell which poses are significant."""
        if not self.correlation:
            on_device = self.backend.on_device
            scores += on_device(candidates.log_prior)[:, None]
            scores += on_device(self._log_offset_prior(particle, offsets_angstrom))
        return self.backend.on_host(self._judge(scores).significant)

    def _fine(self, particle: ParticleState, images: TiltImages, poses: FinePoses) -> FinePosterior:
        on_device = self.backend.on_device
        log_offset_prior = on_device(self._log_offset_prior(particle, poses.parent_offsets_angstrom))
        significant, log_prior = on_device(poses.significant), on_device(poses.log_orientation_prior)
        found, orientations, offsets = [], [], []
        for rows in _spans(len(poses.rotations), len(poses.offsets_angstrom)):
            row, column = considered(significant[on_device(poses.parents(rows))], poses.children_of_offset)
            scores = self._compare(particle, images, poses.rotations[rows], poses.offsets_angstrom)[row, column]
            found.append(scores if self.correlation else scores + log_prior[rows][row] + log_offset_prior[column])
            orientations.append(row + rows.start)
            offsets.append(column)
        return FinePosterior(self._judge(np.concatenate(found)), np.concatenate(orientations), np.concatenate(offsets))

    def _judge(self, scores: Float64[Array, "*poses"]) -> Posterior:
        return (
            best_only(scores)
            if self.correlation
            else posterior(scores, self.adaptive_fraction, self.maximum_significant)
        )

    def _compare(
        self,
        particle: ParticleState,
        images: TiltImages,
        rotations: Float64[np.ndarray, "n 3 3"],
        offsets_angstrom: Float64[np.ndarray, "m 3"],
    ) -> Float64[Array, "n m"]:
        compare = self.backend.correlations if self.correlation else self.backend.scores
        scores = compare(self.model.reference, images, rotations, particle.offsets_px(offsets_angstrom))
        return scores.astype(np.float64)

    def _log_offset_prior(
        self, particle: ParticleState, offsets_angstrom: Float64[np.ndarray, "m 3"]
    ) -> Float64[np.ndarray, " m"]:
        pixel_size = particle.images.optics.pixel_size_angstrom
        return self.search.log_offset_prior(
            particle.origin_angstrom, offsets_angstrom, particle.origin_prior_angstrom, pixel_size
        )

    def _store(
        self, particle: ParticleState, images: TiltImages, poses: FinePoses, fine: FinePosterior, sums: ExpectationSums
    ) -> None:
        """Back-project the significant poses and add up the statistics."""
        kept = fine.posterior.significant
        weight, orientation, offset = (
            self.backend.on_host(values[kept]) for values in (fine.posterior.weights, fine.orientation, fine.offset)
        )
        rows, row = np.unique(orientation, return_inverse=True)
        columns, column = np.unique(offset, return_inverse=True)
        offsets_px = particle.offsets_px(poses.offsets_angstrom[columns])
        cross, power = np.zeros(len(images.shells)), np.zeros(len(images.shells))
        for span in _spans(len(rows), len(columns)):
            here = (row >= span.start) & (row < span.stop)
            weights = np.zeros((span.stop - span.start, len(columns)), np.float32)
            weights[row[here] - span.start, column[here]] = weight[here]
            rotations = poses.rotations[rows[span]]
            residuals = self.backend.accumulate(
                self.model.reference, images, rotations, offsets_px, weights, sums.accumulator
            )
            cross += residuals.cross
            power += residuals.power
        away = particle.origin_angstrom + poses.offsets_angstrom[offset] - particle.origin_prior_angstrom
        sums.add_particle(
            StoredParticle(particle.optics, particle.group, particle.images, images, cross, power),
            self.model.scale_shells,
            float(weight.sum()),
        )
        np.add.at(sums.direction_mass, poses.directions[orientation], weight)
        sums.scalars[0] += float(weight @ (away**2).sum(axis=1))

    def _outcome(
        self, particle: ParticleState, poses: FinePoses, fine: FinePosterior, significant: int, sums: ExpectationSums
    ) -> Alignment:
        best = fine.posterior.best
        top = float(fine.posterior.weights[best])
        log_likelihood = fine.posterior.log_evidence - self._log_constants(particle)
        sums.scalars[1:] += (top, log_likelihood, 1.0)
        return Alignment(
            matrix_to_euler(poses.rotations[int(fine.orientation[best])]),
            particle.origin_angstrom + poses.offsets_angstrom[int(fine.offset[best])],
            log_likelihood,
            top,
            significant,
        )

    def _log_constants(self, particle: ParticleState) -> float:
        """Add up what the log-likelihood has beside the evidence: the images' power and the noise's normalisation.

        All of it is a constant of the particle: where the variance differs within a shell its mean is taken. Beyond the
        window RELION adds half of the power without dividing it by σ².
        """
        if self.correlation:
            return 0.0
        images, sigma2 = particle.images, self.model.sigma2[particle.optics]
        last = self.windows[particle.optics].fine.image_size_px / 2 * images.grid.shells_per_image_shell(images.optics)
        shell = np.arange(len(sigma2))
        inside = (shell > 0) & (shell <= last) & (sigma2 > 0)
        counts = images.pixel_counts[inside]
        variance = sigma2[inside] * images.noise_counts[inside] / counts
        normalisation = counts @ np.log(2 * np.pi * variance)
        whitened = 0.5 * (images.power[inside] / variance).sum()
        return float(whitened + 0.5 * images.power[shell > last].sum() + normalisation)


def _spans(rows: int, columns: int) -> Iterator[slice]:
    """Cut rows so that rows × columns stays bounded."""
    width = max(1, _POSES_AT_ONCE // max(columns, 1))
    return (slice(start, min(start + width, rows)) for start in range(0, rows, width))
