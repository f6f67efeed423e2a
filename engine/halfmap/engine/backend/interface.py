"""What the heavy arithmetic of a refinement consists of, whatever computes it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex64, Float, Float32, Float64

from halfmap.engine.arrays import Array
from halfmap.engine.backend.precision import Precision
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.imaging.tilt_images import TiltImages

_OWN_FRAME, _NO_OFFSET = np.eye(3)[None], np.zeros((1, 3))


@dataclass(frozen=True)
class Residuals:
    """Pose-dependent terms of Σ w |C P − X|², per pixel of the images; the slice is not scaled.

    Parameters
    ----------
    cross
        Σ w Re(C P · conj(X)).
    power
        Σ w |C P|².
    """

    cross: Float64[np.ndarray, " pixels"]
    power: Float64[np.ndarray, " pixels"]


class Reference:
    """A reference on the device, ready to be sliced; each backend has its own kind."""


class Comparison(ABC):
    """Particles that are compared with the same slices, because their tilt images are seen from the same sides."""

    @property
    @abstractmethod
    def orientations_at_once(self) -> int:
        """How many orientations are best compared at once."""

    @abstractmethod
    def fill_scores(
        self,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        wanted: Bool[np.ndarray, "particles orientations"],
        scores: Float32[Array, "particles orientations offsets"],
    ) -> None:
        """Fill in the scores that are wanted, and perhaps some others.

        Orientations are counted from the frame that the particles share.
        """


class Backend(ABC):
    """Products, gathers and scatters of the expectation step.

    Orientations are rotation matrices from reference to subtomogram coordinates; offsets are in image pixels in the
    subtomogram frame and include the particle's current offset. Scores and slices stay where they are computed.
    """

    memory_bytes: int = 0
    """Memory of the device that may be used; 0 if it is that of this machine."""
    precision: Precision = Precision.FP32
    """Of the factors of matrix products."""

    @abstractmethod
    def use(self, precision: Precision) -> None:
        """Multiply with another precision from now on."""

    @abstractmethod
    def on_device(self, values: np.ndarray) -> Array:
        """Copy an array to where scores are."""

    @abstractmethod
    def on_host(self, values: Array) -> np.ndarray:
        """Copy an array from there."""

    @abstractmethod
    def stack(self, particle: int, read: Callable[[int], Float[np.ndarray, "tilts n n"]]) -> Float[Array, "tilts n n"]:
        """Give a particle's images where this backend computes, read anew or kept from the last time."""

    @abstractmethod
    def empty_scores(self, *shape: int) -> Float32[Array, "*shape"]:
        """Make room for scores."""

    @abstractmethod
    def accumulator(self, geometry: AccumulatorGeometry) -> Accumulator:
        """Make sums of nothing, to which `accumulate` adds; to be `collected` in the end."""

    @abstractmethod
    def collected(self, accumulator: Accumulator) -> Accumulator:
        """Bring sums to the host."""

    @abstractmethod
    def reference(self, transform: Complex64[np.ndarray, "z y x"]) -> Reference:
        """Take over a padded reference transform (see `fourier.projector.reference_transform`)."""

    @abstractmethod
    def slices(
        self, reference: Reference, images: TiltImages, rotations: Float64[np.ndarray, "orientations 3 3"]
    ) -> Complex64[Array, "orientations tilts pixels"]:
        """Read the slices that predict a particle's images."""

    @abstractmethod
    def comparison(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        frames: Float64[np.ndarray, "particles 3 3"],
        origins_px: Float64[np.ndarray, "particles 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Comparison:
        """Prepare particles for being compared with the same slices.

        Parameters
        ----------
        reference
            What slices are read from.
        images
            Images of each particle, all with the same pixels and the same number of tilts.
        frames
            Rotation from each particle's frame to the one that they share.
        origins_px
            Current offset of each particle, in its own frame.
        offsets_px
            Offsets from there that are searched, in the shared frame.
        """

    @abstractmethod
    def correlation(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        frames: Float64[np.ndarray, "particles 3 3"],
        origins_px: Float64[np.ndarray, "particles 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Comparison:
        """Prepare particles as `comparison` does, for scores that are sums of correlation coefficients.

        Of each tilt image with the slice times its CTF; the images are expected to be of unit power.
        """

    def scores(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Float32[Array, "orientations offsets"]:
        """Log-likelihood of each pose of one particle, without priors and without the images' own power.

        Σ Re(X · conj(sCP))/σ² − ½ Σ |sCP|²/σ² over all tilt images.
        """
        return self._alone(
            self.comparison(reference, [images], _OWN_FRAME, _NO_OFFSET, offsets_px), rotations, offsets_px
        )

    def correlations(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Float32[Array, "orientations offsets"]:
        """Sum of the tilt images' correlation coefficients for each pose of one particle."""
        return self._alone(
            self.correlation(reference, [images], _OWN_FRAME, _NO_OFFSET, offsets_px), rotations, offsets_px
        )

    @abstractmethod
    def accumulate(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
        weights: Float32[np.ndarray, "orientations offsets"],
        accumulator: Accumulator,
    ) -> Residuals:
        """Back-project a particle's images with the posterior of each pose, in place, and return residual terms."""

    @abstractmethod
    def symmetrise(self, accumulator: Accumulator, operators: Float64[np.ndarray, "g 3 3"]) -> Accumulator:
        """Sum an accumulator over a point group."""

    def _alone(
        self,
        comparison: Comparison,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Float32[Array, "orientations offsets"]:
        scores = self.empty_scores(1, len(rotations), len(offsets_px))
        for start in range(0, len(rotations), comparison.orientations_at_once):
            tile = slice(start, start + comparison.orientations_at_once)
            comparison.fill_scores(rotations[tile], np.ones((1, len(rotations[tile])), bool), scores[:, tile])
        return scores[0]
