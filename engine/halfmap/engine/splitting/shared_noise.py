"""What Fourier shell correlation the noise alone is expected to give, because boxes in different halves overlap.

Two particles of a tilt series whose boxes overlap have the noise of the overlap in common. It enters both maps, each
time as the particle's pose says. Let A be the orientations and p the positions of two particles i and j, and let a
point x of the reference lie at p_i + A_i x and p_j + A_j x. In tilt image t these are apart by

    δ_t = P_t (p_i − p_j + (A_i − A_j) x)

with P_t the projection. The noise of a shell of radius s at both points correlates as J₀(2π s |δ_t|): a ring of
Fourier components, each turned by its phase. The mean over tilt images and over points x whose partner is within the
box is the correlation c_ij(s) of what the two particles bring into their maps. Sums over pairs give

    FSC(s) = Σ_{i∈1, j∈2} c_ij / √(Σ_{i,j∈1} c_ij · Σ_{i,j∈2} c_ij).

Where there is signal as well, the measured FSC is about f + (1 − f) FSC(s), f being the true one.

Tilt images count alike here, whatever their dose; and only pairs within the distance are counted.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.special import j0

from halfmap.engine.splitting.neighbours import pair_distances

_MOST_COMPARISONS = 60_000  # pairs × symmetry operators
_BATCH = 64
_SINGLES = 50
_TILTS = 5
_POINTS = 8


@dataclass(frozen=True)
class NoiseGeometry:
    """Where the noise of particles comes from and where it goes.

    Parameters
    ----------
    position_angstrom
        Positions in the tomogram.
    rotation
        From reference to tomogram coordinates.
    tilt_series_index
        Tilt series of each particle.
    tilt_rotations
        From tomogram to image coordinates, for each tilt series.
    box_radius_angstrom
        Half the edge of a box, or what is left of it.
    operators
        Of the point group by which maps are averaged, in the reference.
    """

    position_angstrom: Float64[np.ndarray, "particles 3"]
    rotation: Float64[np.ndarray, "particles 3 3"]
    tilt_series_index: Int64[np.ndarray, " particles"]
    tilt_rotations: tuple[Float64[np.ndarray, "tilts 3 3"], ...]
    box_radius_angstrom: float
    operators: Float64[np.ndarray, "operators 3 3"]


def pair_correlations(
    geometry: NoiseGeometry, pairs: Int64[np.ndarray, "pairs 2"], frequency: Float64[np.ndarray, " shells"]
) -> Float64[np.ndarray, "pairs shells"]:
    """Correlate what the two of each pair bring into a map by the noise that they share (c_ij), shell by shell.

    Parameters
    ----------
    geometry
        See there.
    pairs
        Particles of one tilt series each; a particle may be paired with itself. A few random points and tilt
        images are looked at for each, so that means over many pairs are precise, not single values.
    frequency
        Radii of the shells, 1/Å.
    """
    found = np.zeros((len(pairs), len(frequency)))
    series = geometry.tilt_series_index[pairs[:, 0]]
    rng = np.random.default_rng(len(pairs))
    for number in np.unique(series):
        members = np.flatnonzero(series == number)
        tilts = geometry.tilt_rotations[number]
        for some in np.array_split(members, len(members) // _BATCH + 1):
            chosen = rng.choice(len(tilts), min(len(tilts), _TILTS), replace=False)
            found[some] = _correlations(geometry, pairs[some], tilts[chosen], _ball(rng, len(some)), frequency)
    return found


def _correlations(
    geometry: NoiseGeometry,
    pairs: Int64[np.ndarray, "pairs 2"],
    tilts: Float64[np.ndarray, "tilts 3 3"],
    unit_points: Float64[np.ndarray, "pairs points 3"],
    frequency: Float64[np.ndarray, " shells"],
) -> Float64[np.ndarray, "pairs shells"]:
    first, second = pairs.T
    radius = geometry.box_radius_angstrom
    points = radius * unit_points
    apart = geometry.position_angstrom[first] - geometry.position_angstrom[second]
    turned = geometry.rotation[second][:, None] @ geometry.operators
    here = (points @ np.swapaxes(geometry.rotation[first], 1, 2) + apart[:, None])[:, None]
    there = points[:, None] @ np.swapaxes(turned, 2, 3)
    inside = np.linalg.norm(here @ turned, axis=3) <= radius
    offset = np.einsum("tab,pgnb->pgnta", tilts[:, :2], here - there)
    distance = np.linalg.norm(offset, axis=4)
    weight = inside[..., None] / (_POINTS * len(tilts))
    return np.stack([(j0(2 * np.pi * s * distance) * weight).sum(axis=(1, 2, 3)) for s in frequency], axis=1)


def expected_noise_fsc(
    geometry: NoiseGeometry,
    pairs: Int64[np.ndarray, "pairs 2"],
    halves: tuple[Int64[np.ndarray, " particles"], ...],
    frequency: Float64[np.ndarray, " shells"],
) -> list[Float64[np.ndarray, " shells"]]:
    """Expect the FSC of noise alone, for several ways to divide the same particles.

    Parameters
    ----------
    geometry
        See there.
    pairs
        Close pairs. Of very many the closest are looked at, and a random sample of the others.
    halves
        Half set of each particle, 1 or 2, for each way.
    frequency
        Radii of the shells, 1/Å.
    """
    rng = np.random.default_rng(len(pairs))
    count = len(geometry.position_angstrom)
    sample, weight = _sampled(geometry, pairs, rng)
    single = rng.choice(count, min(count, _SINGLES), replace=False)
    own = pair_correlations(geometry, np.column_stack([single, single]), frequency).mean(axis=0)
    shared = pair_correlations(geometry, sample, frequency) * weight[:, None]
    return [_correlated(sample, half, own, shared) for half in halves]


def _sampled(
    geometry: NoiseGeometry, pairs: Int64[np.ndarray, "pairs 2"], rng: np.random.Generator
) -> tuple[Int64[np.ndarray, "sample 2"], Float64[np.ndarray, " sample"]]:
    """Choose the pairs to look at, and how many pairs each of them stands for."""
    most = max(_MOST_COMPARISONS // len(geometry.operators), 2)
    if len(pairs) <= most:
        return pairs, np.ones(len(pairs))
    order = np.argsort(pair_distances(geometry.position_angstrom, pairs), kind="stable")
    near, far = order[: most // 2], order[most // 2 :]
    drawn = rng.choice(far, most - len(near), replace=False)
    weight = np.concatenate([np.ones(len(near)), np.full(len(drawn), len(far) / len(drawn))])
    return pairs[np.concatenate([near, drawn])], weight


def _correlated(
    sample: Int64[np.ndarray, "sample 2"],
    half: Int64[np.ndarray, " particles"],
    own: Float64[np.ndarray, " shells"],
    shared: Float64[np.ndarray, "sample shells"],
) -> Float64[np.ndarray, " shells"]:
    first, second = half[sample[:, 0]], half[sample[:, 1]]
    across = shared[first != second].sum(axis=0)
    power = [(half == h).sum() * own + 2 * shared[(first == h) & (second == h)].sum(axis=0) for h in (1, 2)]
    return across / np.sqrt(np.maximum(power[0] * power[1], np.finfo(float).tiny))


def _ball(rng: np.random.Generator, pairs: int) -> Float64[np.ndarray, "pairs points 3"]:
    """Draw points in the unit ball, other ones for each pair, each with its opposite."""
    directions = rng.standard_normal((pairs, _POINTS // 2, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    points = directions * np.cbrt(rng.uniform(0, 1, (pairs, _POINTS // 2, 1)))
    return np.concatenate([points, -points], axis=1)
