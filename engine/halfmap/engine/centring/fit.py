"""What a comparison of a moved map comes to."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from halfmap.engine.centring.correlation import Peak, highest, peaks


@dataclass(frozen=True)
class Recipe:
    """How a map is made comparable.

    Parameters
    ----------
    low_pass_angstrom
        Resolution to which it is smoothed.
    level
        Share of its highest values where its surface is, if a mask is made from it.
    """

    low_pass_angstrom: float
    level: float | None = None


@dataclass(frozen=True)
class Fit:
    """The best displacement by one recipe.

    Parameters
    ----------
    recipe
        How the map was made comparable.
    extension_angstrom
        How far a mask that was made from it reaches beyond its surface; None where none was made.
    score
        At most 1, for every displacement along the free axes, in the order of an FFT.
    height
        The highest score within reach.
    peaks
        Its maxima, highest first; none if the score is highest where reach ends.
    """

    recipe: Recipe
    extension_angstrom: float | None
    score: Float64[np.ndarray, "*free"]
    height: float
    peaks: tuple[Peak, ...]

    @classmethod
    def of(
        cls, recipe: Recipe, extension_angstrom: float | None, score: Float64[np.ndarray, "*free"], reach_px: float
    ) -> "Fit":
        """Look for the peaks of a score."""
        return cls(recipe, extension_angstrom, score, highest(score, reach_px), tuple(peaks(score, reach_px)))


class Matcher(ABC):
    """Something that a map is moved against.

    Attributes
    ----------
    recipes
        The ways in which it is compared.
    steps_per_recipe
        How often `best` calls `tick`.
    """

    recipes: ClassVar[tuple[Recipe, ...]]
    steps_per_recipe: ClassVar[int]

    @abstractmethod
    def best(self, density: Float64[np.ndarray, "n n n"], recipe: Recipe, tick: Callable[[], None]) -> Fit:
        """Compare a map by a recipe."""

    @abstractmethod
    def like(self, density: Float64[np.ndarray, "n n n"], fit: Fit) -> Fit:
        """Compare another map in the way of an earlier fit."""
