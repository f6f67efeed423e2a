"""Where a structure lies relative to what a map is compared with, and how certain that is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from halfmap.engine.centring.correlation import Open, Peak, free_axes
from halfmap.engine.centring.fit import Fit, Matcher
from halfmap.engine.errors import BadInput

# how much worse a recipe may fit until it counts by 1/e
_SCORE_WIDTH = 0.01
_ALTERNATIVES = 3

Vector = Float64[np.ndarray, "3"]


@dataclass(frozen=True)
class Alternative:
    """Another place where the map would fit.

    Parameters
    ----------
    angstrom
        Displacement (x, y, z).
    share
        Its score over the best one.
    """

    angstrom: tuple[float, float, float]
    share: float


@dataclass(frozen=True)
class Offset:
    """Where the structure lies.

    Parameters
    ----------
    angstrom
        The point of the map (x, y, z, from its centre) that belongs in the centre.
    spread_angstrom
        Largest deviation of a single recipe from their mean.
    noise_angstrom
        Half of the difference between the half maps; None without half maps.
    score
        The best one, at most 1.
    alternatives
        Further maxima within reach, best first.
    profile
        Displacement along z in Å, rising, and the best recipe's score there.
    """

    angstrom: Vector
    spread_angstrom: Vector
    noise_angstrom: Vector | None
    score: float
    alternatives: tuple[Alternative, ...]
    profile: tuple[tuple[float, float], ...]

    @property
    def uncertainty_angstrom(self) -> Vector:
        """Spread and noise together."""
        noise = self.noise_angstrom if self.noise_angstrom is not None else np.zeros(3)
        return np.hypot(self.spread_angstrom, noise)


def find_offset(
    matcher: Matcher,
    density: Float64[np.ndarray, "n n n"],
    halves: tuple[Float64[np.ndarray, "n n n"], Float64[np.ndarray, "n n n"]] | None,
    pixel_size_angstrom: float,
    open_axes: Open,
    tick: Callable[[], None] = lambda: None,
) -> Offset:
    """Move a map against a mask or a reference.

    Parameters
    ----------
    matcher
        What it is moved against.
    density, halves
        The map and, if there are any, its half maps.
    pixel_size_angstrom
        Of their grid.
    open_axes
        Which of x, y, z are free.
    tick
        Called after each step.

    Raises
    ------
    BadInput
        If the score is highest where reach ends.

    Notes
    -----
    The result is a mean over recipes, each weighed by how well it fits. The spread counts them all alike, because
    nobody knows how the mask was made: a standard deviation over recipes proved half as wide as the errors. The half
    maps are compared by the same recipes with the same weights; half of their difference is the standard deviation of
    their mean, estimated from two.
    """
    fits = [matcher.best(density, recipe, tick) for recipe in matcher.recipes]
    found = [fit for fit in fits if fit.peaks]
    if not found:
        raise BadInput("the map fits best where reach ends; give a larger --max_shift, or look at map and mask.")
    best = max(found, key=lambda fit: fit.height)
    weights = np.exp((np.array([fit.height for fit in found]) - best.height) / _SCORE_WIDTH)
    places = np.array([_vector(fit.peaks[0], open_axes) for fit in found]) * pixel_size_angstrom
    mean = np.average(places, axis=0, weights=weights)
    return Offset(
        angstrom=mean,
        spread_angstrom=np.abs(places - mean).max(axis=0),
        noise_angstrom=None
        if halves is None
        else _noise(matcher, halves, found, weights, open_axes) * pixel_size_angstrom,
        score=best.height,
        alternatives=_alternatives(best, pixel_size_angstrom, open_axes),
        profile=_profile(best, pixel_size_angstrom),
    )


def _noise(
    matcher: Matcher,
    halves: tuple[Float64[np.ndarray, "n n n"], Float64[np.ndarray, "n n n"]],
    fits: list[Fit],
    weights: Float64[np.ndarray, " fits"],
    open_axes: Open,
) -> Vector:
    """Half of the difference between half maps, in voxels; recipes by which one of them does not fit are left out."""
    pairs = [tuple(matcher.like(half, fit).peaks[:1] for half in halves) for fit in fits]
    seen = [all(pair) for pair in pairs]
    if not any(seen):
        raise BadInput("a half map does not fit within reach, unlike the map; do they belong together?")
    apart = [
        _vector(first[0], open_axes) - _vector(second[0], open_axes) for first, second in pairs if first and second
    ]
    return np.abs(np.average(apart, axis=0, weights=weights[seen])) / 2


def _alternatives(fit: Fit, pixel_size_angstrom: float, open_axes: Open) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(tuple((_vector(peak, open_axes) * pixel_size_angstrom).tolist()), peak.height / fit.height)
        for peak in fit.peaks[1 : _ALTERNATIVES + 1]
    )


def _vector(peak: Peak, open_axes: Open) -> Vector:
    """Put displacements along the free axes (array order: z first) to their places among x, y, z."""
    vector = np.zeros(3)
    vector[[2 - axis for axis in free_axes(open_axes)]] = peak.displacement_px
    return vector


def _profile(fit: Fit, pixel_size_angstrom: float) -> tuple[tuple[float, float], ...]:
    """Score along z through the best displacement."""
    line = fit.score
    for displacement in reversed(fit.peaks[0].displacement_px[1:]):
        line = line[..., round(displacement)]
    half = len(line) // 2
    steps = range(-half, len(line) - half)
    return tuple((step * pixel_size_angstrom, float(line[step])) for step in steps)
