"""Which particles are multiplied with which orientations at once, where not each particle wants all of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

_TOLERATED_WASTE = 0.15
"""Share of a product that nobody wants: less would make products so small that they take longer."""


@dataclass(frozen=True)
class Rectangle:
    """Neighbouring particles and neighbouring orientations.

    Parameters
    ----------
    particles, orientations
        Which.
    """

    particles: slice
    orientations: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Number of orientations and of particles."""
        counts = (some.stop - some.start for some in (self.orientations, self.particles))
        orientations, particles = map(int, counts)
        return orientations, particles


def rectangles(wanted: Bool[np.ndarray, "particles orientations"], block: int) -> list[Rectangle]:
    """Cover what is wanted, without overlaps, by blocks of so many orientations."""
    count = wanted.shape[1]
    found = []
    for first, last, low, high in _groups(_ranges(wanted, block)):
        found.append(Rectangle(slice(first, last), slice(block * low, min(block * high, count))))
    return found


def _ranges(wanted: Bool[np.ndarray, "particles orientations"], block: int) -> Int64[np.ndarray, "particles 2"]:
    """First block that each particle wants, and the one after the last; two equal numbers if it wants nothing."""
    edges = np.arange(0, wanted.shape[1], block)
    by_block = np.logical_or.reduceat(wanted, edges, axis=1)
    some = by_block.any(axis=1)
    first = by_block.argmax(axis=1)
    last = by_block.shape[1] - by_block[:, ::-1].argmax(axis=1)
    return np.column_stack([np.where(some, first, 0), np.where(some, last, 0)])


def _groups(ranges: Int64[np.ndarray, "particles 2"]) -> Iterator[tuple[int, int, int, int]]:
    """Give first and last particle and first and last block of each group: particles that want nearly the same."""
    start, low, high, useful = 0, 0, 0, 0
    for particle, (first, last) in enumerate(ranges.tolist()):
        together = min(low, first), max(high, last)
        area = (particle + 1 - start) * (together[1] - together[0])
        fits = first < last and area - useful - (last - first) <= _TOLERATED_WASTE * area
        if high > low and not fits:
            yield start, particle, low, high
            low = high = useful = 0
        if first == last:
            continue
        if high == low:
            start, together = particle, (first, last)
        low, high = together
        useful += last - first
    if high > low:
        yield start, len(ranges), low, high
