"""The backend's arithmetic once more, as plainly as possible: explicit loops, float64, no shared code.

Written from the published description of RELION's expectation and back-projection. Squared differences are taken as
they stand, never expanded; every voxel is visited by itself. Far too slow for anything but tests.
"""

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from halfmap.engine.backend.interface import Backend, Comparison, Reference, Residuals
from halfmap.engine.backend.precision import Precision
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.imaging.tilt_images import TiltImages


@dataclass(frozen=True)
class PlainReference(Reference):
    """A padded half-transform, y and z centred, x ≥ 0."""

    transform: np.ndarray


@dataclass(frozen=True)
class Corner:
    """A neighbour of a point of Fourier space and its share in trilinear interpolation."""

    z: int
    y: int
    x: int
    share: float


def half_space(p: np.ndarray) -> tuple[np.ndarray, bool]:
    """The point itself where x ≥ 0, else its opposite, which holds the conjugate."""
    return (-p, True) if p[0] < 0 else (p, False)


def corners(p: np.ndarray, centre: int) -> Iterator[Corner]:
    """The eight voxels around a point with x ≥ 0."""
    x0, y0, z0 = (math.floor(v) for v in p)
    for dz in (0, 1):
        for dy in (0, 1):
            for dx in (0, 1):
                share = (1 - abs(p[0] - x0 - dx)) * (1 - abs(p[1] - y0 - dy)) * (1 - abs(p[2] - z0 - dz))
                yield Corner(z0 + dz + centre, y0 + dy + centre, x0 + dx, share)


class PlainComparison(Comparison):
    """Each particle by itself, in its own frame."""

    def __init__(self, score, images, frames, origins_px, offsets_px) -> None:
        self.score = score
        self.particles = list(zip(images, frames, origins_px, strict=True))
        self.offsets_px = offsets_px

    @property
    def orientations_at_once(self) -> int:
        return 3

    def fill_scores(self, rotations, wanted, scores) -> None:
        for p, (images, frame, origin_px) in enumerate(self.particles):
            own = np.linalg.inv(frame)
            offsets_px = np.array([origin_px + own @ offset for offset in self.offsets_px])
            for o in np.flatnonzero(wanted[p]):
                scores[p, o] = self.score(images, np.array([own @ rotations[o]]), offsets_px)[0]


class PlainBackend(Backend):
    """Loops over poses, tilt images and pixels.

    Parameters
    ----------
    zoom
        Padding times the ratio of the grids: voxels of the padded reference per pixel index of an image.
    radius
        Radius of the filled sphere in voxels, padding times the largest shell.
    """

    def __init__(self, zoom: float, radius: int) -> None:
        self.zoom = zoom
        self.radius = radius

    def use(self, precision: Precision) -> None:
        assert precision is Precision.FP32

    def on_device(self, values: np.ndarray) -> np.ndarray:
        return values

    def on_host(self, values: np.ndarray) -> np.ndarray:
        return values

    def stack(self, particle: int, read) -> np.ndarray:
        return read(particle)

    def empty_scores(self, *shape: int) -> np.ndarray:
        return np.full(shape, np.nan, np.float32)

    def accumulator(self, geometry: AccumulatorGeometry) -> Accumulator:
        return Accumulator.empty(geometry)

    def collected(self, accumulator: Accumulator) -> Accumulator:
        return accumulator

    def reference(self, transform: np.ndarray) -> PlainReference:
        return PlainReference(transform.astype(np.complex128))

    def voxel_of(self, images: TiltImages, tilt: int, rotation: np.ndarray, pixel: int) -> np.ndarray:
        """P·A⁻¹·k with A = A_tilt·A_particle; the inverse of a rotation is its transpose."""
        full = images.rotations[tilt] @ rotation
        return self.zoom * np.linalg.inv(full) @ self.frequency(images, pixel)

    @staticmethod
    def frequency(images: TiltImages, pixel: int) -> np.ndarray:
        """k of a pixel in its image, whose plane is kz = 0, or in its volume."""
        kz = 0.0 if images.pixels.kz is None else images.pixels.kz[pixel]
        return np.array([images.pixels.kx[pixel], images.pixels.ky[pixel], kz], float)

    def is_outside(self, p: np.ndarray) -> bool:
        return float(p @ p) > self.radius**2 * (1 + 1e-9)

    def slice_value(self, reference: Reference, p: np.ndarray) -> complex:
        """Trilinear interpolation between stored voxels."""
        if self.is_outside(p):
            return 0j
        assert isinstance(reference, PlainReference)
        volume = reference.transform
        q, conjugate = half_space(p)
        value = sum(
            (c.share * complex(volume[c.z, c.y, c.x]) for c in corners(q, volume.shape[0] // 2) if c.share > 0), 0j
        )
        return value.conjugate() if conjugate else value

    def shift_factor(self, images: TiltImages, tilt: int, offset_px: np.ndarray, pixel: int) -> complex:
        """exp(−2πi k·s/n), s being A_tilt·offset, of which an image sees two components: content moves by +s."""
        shift = images.rotations[tilt] @ offset_px
        cycles = self.frequency(images, pixel) @ shift / images.pixels.box_px
        return cmath.exp(-2j * math.pi * cycles)

    def comparison_weight(self, images: TiltImages, tilt: int, pixel: int) -> float:
        """1/(σ² m), and 0 at the origin and below the first shell that counts."""
        left_out = images.shells[pixel] == 0 or images.shells[pixel] < images.first_shell
        share = 1.0 if images.inverse_multiplicity is None else float(images.inverse_multiplicity[tilt, pixel])
        return 0.0 if left_out else share * float(images.inverse_sigma2[pixel])

    def slices(self, reference: Reference, images: TiltImages, rotations: np.ndarray) -> np.ndarray:
        tilts, pixels = images.ctf.shape
        out = np.zeros((len(rotations), tilts, pixels), np.complex128)
        for o, rotation in enumerate(rotations):
            for f in range(tilts):
                for k in range(pixels):
                    out[o, f, k] = self.slice_value(reference, self.voxel_of(images, f, rotation, k))
        return out

    def comparison(self, reference, images, frames, origins_px, offsets_px) -> PlainComparison:
        return PlainComparison(
            lambda one, *poses: self.scores(reference, one, *poses), images, frames, origins_px, offsets_px
        )

    def correlation(self, reference, images, frames, origins_px, offsets_px) -> PlainComparison:
        return PlainComparison(
            lambda one, *poses: self.correlations(reference, one, *poses), images, frames, origins_px, offsets_px
        )

    def scores(
        self, reference: Reference, images: TiltImages, rotations: np.ndarray, offsets_px: np.ndarray
    ) -> np.ndarray:
        """Minus half the weighted squared difference, plus half the images' own power, which no pose changes."""
        slices = self.slices(reference, images, rotations)
        out = np.zeros((len(rotations), len(offsets_px)))
        for o in range(len(rotations)):
            for t, offset in enumerate(offsets_px):
                for f, k in np.ndindex(images.ctf.shape):
                    weight = self.comparison_weight(images, f, k)
                    image = complex(images.masked[f, k]) * self.shift_factor(images, f, offset, k)
                    model = images.scale * float(images.ctf[f, k]) * slices[o, f, k]
                    out[o, t] += -0.5 * weight * abs(model - image) ** 2 + 0.5 * weight * abs(image) ** 2
        return out

    def correlations(
        self, reference: Reference, images: TiltImages, rotations: np.ndarray, offsets_px: np.ndarray
    ) -> np.ndarray:
        slices = self.slices(reference, images, rotations)
        out = np.zeros((len(rotations), len(offsets_px)))
        for o in range(len(rotations)):
            for f in range(len(images.ctf)):  # a volume is one image
                models = images.ctf[f].astype(float) * slices[o, f]
                norm = math.sqrt(sum(abs(m) ** 2 for m in models))
                if norm == 0:
                    continue
                for t, offset in enumerate(offsets_px):
                    for k, model in enumerate(models):
                        image = complex(images.masked[f, k]) * self.shift_factor(images, f, offset, k)
                        out[o, t] += (model * image.conjugate()).real / norm
        return out

    def squared_differences(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: np.ndarray,
        offsets_px: np.ndarray,
        weights: np.ndarray,
    ) -> np.ndarray:
        """Σ over poses and tilt images of w·|s·C·P − S·X|², per pixel."""
        slices = self.slices(reference, images, rotations)
        out = np.zeros(images.ctf.shape[1])
        for o, t in np.ndindex(weights.shape):
            for f, k in np.ndindex(images.ctf.shape):
                image = complex(images.masked[f, k]) * self.shift_factor(images, f, offsets_px[t], k)
                model = images.scale * float(images.ctf[f, k]) * slices[o, f, k]
                out[k] += float(weights[o, t]) * abs(model - image) ** 2
        return out

    def accumulate(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: np.ndarray,
        offsets_px: np.ndarray,
        weights: np.ndarray,
        accumulator: Accumulator,
    ) -> Residuals:
        slices = self.slices(reference, images, rotations)
        cross, power = np.zeros(images.ctf.shape[1]), np.zeros(images.ctf.shape[1])
        for o, t in np.ndindex(weights.shape):
            w = float(weights[o, t])
            for f, k in np.ndindex(images.ctf.shape):
                shift = self.shift_factor(images, f, offsets_px[t], k)
                model = float(images.ctf[f, k]) * slices[o, f, k]
                cross[k] += w * (model * (complex(images.masked[f, k]) * shift).conjugate()).real
                power[k] += w * abs(model) ** 2
                data, weight = self.contribution(images, f, k)
                self.insert(accumulator, self.voxel_of(images, f, rotations[o], k), w * data * shift, w * weight)
        return Residuals(cross, power)

    @staticmethod
    def contribution(images: TiltImages, tilt: int, pixel: int) -> tuple[complex, float]:
        """Data and weight of one pixel: W·X and W·C·s if the image carries its CTF, else s·C·W·X and s²·C²·W."""
        if not images.back_projects[pixel]:
            return 0j, 0.0
        c, s, w = float(images.ctf[tilt, pixel]), images.scale, float(images.inverse_sigma2[pixel])
        image = complex(images.unmasked[tilt, pixel])
        return (w * image, w * c * s) if images.premultiplied else (s * c * w * image, s**2 * c**2 * w)

    def insert(self, accumulator: Accumulator, p: np.ndarray, data: complex, weight: float) -> None:
        """Spread a value over the eight neighbours; pixels without weight are left out."""
        if self.is_outside(p) or weight <= 0:
            return
        q, conjugate = half_space(p)
        value = data.conjugate() if conjugate else data
        for c in corners(q, accumulator.sums.shape[0] // 2):
            if c.share > 0:
                accumulator.sums[c.z, c.y, c.x] += c.share * np.array([value.real, value.imag, weight])

    def symmetrise(self, accumulator: Accumulator, operators: np.ndarray) -> Accumulator:
        """Σ over the group of the accumulator read at R·k, within the filled sphere."""
        sums = accumulator.sums
        centre = sums.shape[0] // 2
        out = sums.copy()
        for zi, yi, xi in np.ndindex(sums.shape[:3]):
            k = np.array([xi, yi - centre, zi - centre], float)
            if k @ k > self.radius**2:
                continue
            out[zi, yi, xi] = sum((self._read(sums, operator @ k) for operator in operators), np.zeros(3))
        return accumulator.with_sums(out)

    @staticmethod
    def _read(sums: np.ndarray, p: np.ndarray) -> np.ndarray:
        q, conjugate = half_space(p)
        centre = sums.shape[0] // 2
        value = sum((c.share * sums[c.z, c.y, c.x] for c in corners(q, centre) if c.share > 0), np.zeros(3))
        return value * np.array([1.0, -1.0 if conjugate else 1.0, 1.0])
