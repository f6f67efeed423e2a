"""How well masks made from a map fit a given mask, when the map is moved.

A mask is made from a map by a recipe: smooth, cut at a level, extend, soften the edge. Extended far, it is so much
larger than the density that the density correlates with it as well at one place as at the next, and edges of the
density pull towards edges of the mask. So the recipe is repeated on the map, with the extension that fits best, and
mask is compared with mask.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from halfmap.engine.centring.correlation import Open, Template, free_axes
from halfmap.engine.centring.envelope import distance_from_surface, level_of, soft_envelope
from halfmap.engine.centring.fit import Fit, Matcher, Recipe
from halfmap.engine.fourier.filters import low_pass

EDGE_ANGSTROM = 16.0
_EXTENSIONS_ANGSTROM = np.arange(-8.0, 61.0, 4.0)
_FINER_ANGSTROM = (-2.0, 2.0)
_AROUND_ANGSTROM = 24.0
_LEAST = 0.05


@dataclass(frozen=True)
class MaskFit(Matcher):
    """A mask that masks of a moved map are compared with.

    The score is twice the overlap (sum of products) over the sum of both squares: 1 where both masks are the same.

    Parameters
    ----------
    mask, around
        The mask, and the region in which a map's mask counts: what the mask can reach along the only free axis, or a
        margin around it where all three are free.
    volume_px, square
        Sum of the mask, and of its square.
    pixel_size_angstrom
        Of its grid.
    reach_px
        Largest displacement.
    part
        Where a map can meet the mask: all along free axes, the mask's width along others.
    """

    mask: Template
    around: Template
    volume_px: float
    square: float
    pixel_size_angstrom: float
    reach_px: float
    part: tuple[slice, slice, slice]

    recipes = tuple(Recipe(low_pass, level) for low_pass in (20.0, 30.0) for level in (0.12, 0.22, 0.35, 0.5))
    steps_per_recipe = len(_EXTENSIONS_ANGSTROM) + len(_FINER_ANGSTROM)

    @classmethod
    def of(
        cls, mask: Float64[np.ndarray, "n n n"], pixel_size_angstrom: float, open_axes: Open, reach_px: float
    ) -> "MaskFit":
        """Prepare a mask for many comparisons."""
        around = _around(mask > _LEAST, open_axes, _AROUND_ANGSTROM / pixel_size_angstrom)
        part = _part(mask > _LEAST, open_axes)
        return cls(
            mask=Template.of(mask[part], open_axes),
            around=Template.of(around[part].astype(np.float64), open_axes),
            volume_px=float(mask.sum()),
            square=float((mask[part] ** 2).sum()),
            pixel_size_angstrom=pixel_size_angstrom,
            reach_px=reach_px,
            part=part,
        )

    def best(self, density: Float64[np.ndarray, "n n n"], recipe: Recipe, tick: Callable[[], None]) -> Fit:
        """Try all extensions, then two finer ones around the best; `tick` is called after each."""
        distance = self._distance(density, recipe)
        coarse = self._best_of(distance, recipe, _EXTENSIONS_ANGSTROM, tick)
        assert coarse.extension_angstrom is not None
        finer = [coarse.extension_angstrom + step for step in _FINER_ANGSTROM]
        return max(coarse, self._best_of(distance, recipe, finer, tick), key=lambda fit: fit.height)

    def like(self, density: Float64[np.ndarray, "n n n"], fit: Fit) -> Fit:
        """Compare another map by the recipe and extension of an earlier fit."""
        assert fit.extension_angstrom is not None
        return self._fit(self._distance(density, fit.recipe), fit.recipe, fit.extension_angstrom)

    def _distance(self, density: Float64[np.ndarray, "n n n"], recipe: Recipe) -> Float64[np.ndarray, "z y x"]:
        extent = density.shape[0] * self.pixel_size_angstrom
        smooth = low_pass(density, extent / recipe.low_pass_angstrom)
        assert recipe.level is not None
        inside = smooth > recipe.level * level_of(smooth, self.volume_px)
        return distance_from_surface(inside[self.part])

    def _best_of(
        self,
        distance_px: Float64[np.ndarray, "z y x"],
        recipe: Recipe,
        extensions_angstrom: Iterable[float],
        tick: Callable[[], None],
    ) -> Fit:
        best: Fit | None = None
        for extension in extensions_angstrom:
            fit = self._fit(distance_px, recipe, float(extension))
            best = fit if best is None or fit.height > best.height else best
            tick()
        assert best is not None
        return best

    def _fit(self, distance_px: Float64[np.ndarray, "z y x"], recipe: Recipe, extension_angstrom: float) -> Fit:
        pixel = self.pixel_size_angstrom
        made = soft_envelope(distance_px, extension_angstrom / pixel, EDGE_ANGSTROM / pixel)
        overlap = self.mask.moved_sums(self.mask.transform(made))
        square = self.around.moved_sums(self.around.transform(made**2))
        score = 2 * overlap / (square + self.square)
        return Fit.of(recipe, extension_angstrom, score, self.reach_px)


def _around(inside: Bool[np.ndarray, "n n n"], open_axes: Open, margin_px: float) -> Bool[np.ndarray, "n n n"]:
    if all(open_axes):
        return distance_from_surface(inside) <= margin_px
    return np.broadcast_to(inside.any(axis=free_axes(open_axes), keepdims=True), inside.shape).copy()


def _part(inside: Bool[np.ndarray, "n n n"], open_axes: Open) -> tuple[slice, slice, slice]:
    slices = [slice(None)] * 3
    for axis in set(range(3)) - set(free_axes(open_axes)):
        taken = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        slices[axis] = slice(int(taken[0]), int(taken[-1]) + 1)
    return slices[0], slices[1], slices[2]
