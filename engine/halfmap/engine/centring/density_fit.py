"""How well a map resembles a reference, when it is moved."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from halfmap.engine.centring.correlation import Open, Template
from halfmap.engine.centring.fit import Fit, Matcher, Recipe
from halfmap.engine.fourier.filters import low_pass


@dataclass(frozen=True)
class DensityFit(Matcher):
    """A reference that a moved map is compared with, by correlation within a mask.

    Parameters
    ----------
    reference, mask
        Densities and weights.
    open_axes
        Which of x, y, z are free.
    pixel_size_angstrom
        Of their grid.
    reach_px
        Largest displacement.
    """

    reference: Float64[np.ndarray, "n n n"]
    mask: Float64[np.ndarray, "n n n"]
    open_axes: Open
    pixel_size_angstrom: float
    reach_px: float

    recipes = tuple(Recipe(low_pass_angstrom) for low_pass_angstrom in (20.0, 30.0, 40.0))
    steps_per_recipe = 1

    def best(self, density: Float64[np.ndarray, "n n n"], recipe: Recipe, tick: Callable[[], None]) -> Fit:
        """Correlate map and reference, both smoothed; `tick` is called afterwards."""
        cut = density.shape[0] * self.pixel_size_angstrom / recipe.low_pass_angstrom
        score = self._correlation(low_pass(density, cut), low_pass(self.reference, cut))
        tick()
        return Fit.of(recipe, None, score, self.reach_px)

    def like(self, density: Float64[np.ndarray, "n n n"], fit: Fit) -> Fit:
        """Compare another map in the way of an earlier fit."""
        return self.best(density, fit.recipe, lambda: None)

    def _correlation(
        self, density: Float64[np.ndarray, "n n n"], reference: Float64[np.ndarray, "n n n"]
    ) -> Float64[np.ndarray, "*free"]:
        """Correlation coefficient over voxels, each weighing as much as the mask says, for every displacement."""
        total = self.mask.sum()
        weighted = self.mask * (reference - (self.mask * reference).sum() / total)
        mask = Template.of(self.mask, self.open_axes)
        moved = mask.transform(density)
        covariance = Template.of(weighted, self.open_axes).moved_sums(moved)
        variance = mask.moved_sums(mask.transform(density**2)) - mask.moved_sums(moved) ** 2 / total
        scale = np.sqrt(np.maximum(variance, 0) * float((weighted * reference).sum()))
        return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 1e-9 * scale.max())
