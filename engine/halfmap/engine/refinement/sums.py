"""What the expectation step adds up over the particles of a half set."""

from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool, Float64

from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.fourier.shells import shell_sums
from halfmap.engine.imaging.particle_images import ParticleImages
from halfmap.engine.imaging.tilt_images import TiltImages


@dataclass(frozen=True)
class StoredParticle:
    """One particle's part in the statistics.

    Parameters
    ----------
    optics, group
        Indices of its optics group and scale group.
    whole, images
        Its transforms, and the pixels that were compared.
    cross, power
        Σ w Re⟨C P, X⟩ and Σ w |C P|² by pixel; the slice is not scaled.
    """

    optics: int
    group: int
    whole: ParticleImages
    images: TiltImages
    cross: Float64[np.ndarray, " pixels"]
    power: Float64[np.ndarray, " pixels"]


@dataclass(frozen=True)
class ExpectationSums:
    """Sums over particles, weighted by their posteriors; added to in place.

    Parameters
    ----------
    accumulator
        Back-projected images.
    residual, noise_count, relion_count
        Σ |model − image|², how many times σ² the noise of these pixels has, and how many times with RELION's model of
        the noise (once for each pixel), by optics group and shell; means over the tilt images of each particle.
    signal_product, reference_power
        Σ Re⟨C P, X⟩ and Σ |C P|² by scale group, for the intensity scales.
    direction_mass
        Posterior mass by searched direction.
    scalars
        Σ squared distance from the prior offset (Å²), Σ maximum probability, log-likelihood, particles.
    """

    accumulator: Accumulator
    residual: Float64[np.ndarray, "optics shells"]
    noise_count: Float64[np.ndarray, "optics shells"]
    relion_count: Float64[np.ndarray, "optics shells"]
    signal_product: Float64[np.ndarray, " groups"]
    reference_power: Float64[np.ndarray, " groups"]
    direction_mass: Float64[np.ndarray, " directions"]
    scalars: Float64[np.ndarray, "4"]

    @classmethod
    def empty(
        cls, accumulator: Accumulator, optics_groups: int, shells: int, scale_groups: int, directions: int
    ) -> "ExpectationSums":
        """Start with nothing, given an empty accumulator."""
        spectra = (optics_groups, shells)
        return cls(
            accumulator,
            np.zeros(spectra),
            np.zeros(spectra),
            np.zeros(spectra),
            np.zeros(scale_groups),
            np.zeros(scale_groups),
            np.zeros(directions),
            np.zeros(4),
        )

    def arrays(self) -> list[Float64[np.ndarray, "*n"]]:
        """All arrays, to be added up over threads and ranks."""
        return [self.accumulator.sums, *(getattr(self, field.name) for field in fields(self)[1:])]

    def add_particle(self, particle: StoredParticle, scale_shells: Bool[np.ndarray, " shells"], mass: float) -> None:
        """Add a particle's residuals and the terms of its group's intensity scale.

        Parameters
        ----------
        particle
            Its images and the pose-dependent terms.
        scale_shells
            Shells on which scales are measured.
        mass
            Posterior mass of the stored poses.

        Notes
        -----
        Every particle has the same say on the noise, however many tilt images it has (RELION's accelerated programs).
        """
        images, shells = particle.images, self.residual.shape[1]
        cross, power = (shell_sums(values, images.shells, shells) for values in (particle.cross, particle.power))
        model = images.scale**2 * power - 2 * images.scale * cross
        tilts = particle.whole.tilts
        self.residual[particle.optics] += (model + mass * particle.whole.power) / tilts
        self.noise_count[particle.optics] += mass * particle.whole.noise_counts / tilts
        self.relion_count[particle.optics] += mass * particle.whole.relion_counts / tilts
        self.signal_product[particle.group] += cross[scale_shells].sum()
        self.reference_power[particle.group] += power[scale_shells].sum()

    def add(self, other: "ExpectationSums") -> None:
        """Add another set of sums in place."""
        for mine, theirs in zip(self.arrays(), other.arrays(), strict=True):
            np.add(mine, theirs, out=mine)

    @property
    def particles(self) -> float:
        """Number of particles."""
        return float(self.scalars[3])

    def without_accumulator(self) -> "ExpectationSums":
        """Keep everything but the back-projected images, which are large."""
        accumulator = self.accumulator
        return replace(self, accumulator=accumulator.with_sums(np.zeros((0, 0, 0, 3))))


def pooled(first: ExpectationSums, second: ExpectationSums) -> ExpectationSums:
    """Add up the sums of both halves, without their accumulators."""
    total = replace(first, **{field.name: getattr(first, field.name).copy() for field in fields(first)[1:]})
    total.add(second)
    return total
