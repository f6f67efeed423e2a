"""The simulated particle: Gaussian blobs, whose density and projections are known as formulas.

All maps and projections are limited to frequencies below the Nyquist frequency of their grid (a sphere), so that a
projection is exactly what the map's central slice says.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex128, Float, Float32, Float64
from scipy.spatial import cKDTree

from halfmap.engine.fourier.masks import background_fraction
from halfmap.engine.fourier.shells import radii
from halfmap.engine.fourier.transform import restore_map
from halfmap.engine.sampling.symmetry import PointGroup

# the phantom of a symmetry and diameter is always the same, whatever the seed of a simulation
_SEED = 20240229
_OUTER_RADIUS = 0.42  # of the diameter: the rest is solvent
_DOMAINS, _LEAST_DOMAINS = 14, 5
_BLOBS, _LEAST_BLOBS = 420, 15
_DOMAIN_RADII = (0.18, 0.10)
_CANDIDATES = 64


@dataclass(frozen=True)
class Phantom:
    """A density ρ(x) = Σ wᵢ·G(x − xᵢ), G being a normalised Gaussian.

    Parameters
    ----------
    positions_angstrom
        Centres, relative to the particle's centre.
    weights
        Integral of each blob, density times Å³.
    sigma_angstrom
        Standard deviation of all blobs along each axis.
    """

    positions_angstrom: Float64[np.ndarray, "blobs 3"]
    weights: Float64[np.ndarray, " blobs"]
    sigma_angstrom: float

    def envelope(self, frequency: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Transform of one blob of weight 1 at frequencies in 1/Å: exp(−2π²σ²u²)."""
        return np.exp(-2 * (np.pi * self.sigma_angstrom * frequency) ** 2)

    def scaled(self, factor: float) -> "Phantom":
        """Multiply the density."""
        return replace(self, weights=factor * self.weights)

    def density(self, box_px: int, pixel_size_angstrom: float) -> Float32[np.ndarray, "n n n"]:
        """Density on a cubic grid of even size with its centre at voxel n/2; index order z, y, x."""
        x, y, z = (
            plane_waves(axis / pixel_size_angstrom, box_px).T for axis in np.moveaxis(self.positions_angstrom, 1, 0)
        )
        half = box_px // 2 + 1
        plane = (y[:, None] * x[None, :half]).reshape(box_px * half, -1)
        transform = ((self.weights * z) @ plane.T).reshape(box_px, box_px, half)
        radius = radii(box_px, 3)
        transform *= self.envelope(radius / (box_px * pixel_size_angstrom)) * (radius < box_px // 2)
        return restore_map(transform / (box_px * pixel_size_angstrom) ** 3).astype(np.float32)

    def mask(self, box_px: int, pixel_size_angstrom: float, edge_px: float) -> Float32[np.ndarray, "n n n"]:
        """Soft solvent mask: 1 within three sigmas and a pixel of a blob, falling to 0 over a cosine edge."""
        axis = (np.arange(box_px) - box_px // 2) * pixel_size_angstrom
        voxels = np.stack(np.meshgrid(axis, axis, axis, indexing="ij")[::-1], axis=-1)
        distance_px = np.asarray(cKDTree(self.positions_angstrom).query(voxels)[0]) / pixel_size_angstrom
        inner_px = 3 * self.sigma_angstrom / pixel_size_angstrom + 1
        return (1 - background_fraction(distance_px, inner_px, edge_px)).astype(np.float32)


def plane_waves(position_px: Float64[np.ndarray, "*n"], box_px: int) -> Complex128[np.ndarray, "*n box"]:
    """Evaluate exp(−2πi·k·x/box) for positions x in pixels and all frequencies k of a box, in FFT order.

    Products of one exponential are taken rather than many exponentials, which is ten times faster.
    """
    unit = np.exp(-2j * np.pi * position_px / box_px)
    powers = np.empty((*position_px.shape, box_px // 2 + 1), np.complex128)
    powers[..., 0], powers[..., 1:] = 1, unit[..., None]
    powers = np.cumprod(powers, axis=-1)
    return np.concatenate([powers, powers[..., -2:0:-1].conj()], axis=-1)


def protein_like(group: PointGroup, diameter_angstrom: float, sigma_angstrom: float) -> Phantom:
    """Make a particle of a few compact domains per asymmetric unit, without any symmetry beyond the group's.

    Parameters
    ----------
    group
        Point group.
    diameter_angstrom
        Diameter of a sphere around the particle with some solvent.
    sigma_angstrom
        Width of the blobs.
    """
    rng = np.random.default_rng(_SEED)
    count = max(_LEAST_DOMAINS, round(_DOMAINS / group.order))
    centres = _domain_centres(group, count, rng)
    radius = np.linspace(*_DOMAIN_RADII, count)
    share = radius**3 / (radius**3).sum()
    domain = rng.choice(count, max(_LEAST_BLOBS, _BLOBS // group.order), p=share)
    unit = centres[domain] + radius[domain, None] * _in_unit_ball(len(domain), rng)
    unit -= unit.mean(axis=0) * group.open_axes
    positions = np.concatenate(unit @ np.swapaxes(group.operators, 1, 2))
    positions *= _OUTER_RADIUS * diameter_angstrom / np.linalg.norm(positions, axis=1).max()
    return Phantom(positions, np.ones(len(positions)), sigma_angstrom)


def _domain_centres(group: PointGroup, count: int, rng: np.random.Generator) -> Float64[np.ndarray, "domains 3"]:
    """Spread domains over the ball: each as far as can be from those before and all their symmetry mates."""
    centres = np.empty((0, 3))
    for _ in range(count):
        candidates = 0.8 * _in_unit_ball(_CANDIDATES, rng)
        mates = candidates @ np.swapaxes(group.operators, 1, 2)
        apart = np.full(_CANDIDATES, np.inf)
        if group.order > 1:
            apart = np.linalg.norm(mates[1:] - candidates, axis=-1).min(axis=0)
        for centre in centres:
            apart = np.minimum(apart, np.linalg.norm(mates - centre, axis=-1).min(axis=0))
        centres = np.vstack([centres, candidates[apart.argmax()]])
    return centres


def _in_unit_ball(count: int, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    direction = rng.standard_normal((count, 3))
    return direction / np.linalg.norm(direction, axis=1, keepdims=True) * np.cbrt(rng.random((count, 1)))
