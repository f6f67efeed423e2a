"""Resampling a picture by area: each new pixel is the mean of what it covers, however the sizes divide."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def resampled(picture: "Array", rows: int, columns: int) -> "Array":
    """Resample to a number of rows and columns; where it is enlarged by whole numbers, pixels become squares."""
    down, across = _shares(picture.shape[0], rows), _shares(picture.shape[1], columns)
    return down @ picture @ across.T


@lru_cache(maxsize=64)
def _shares(before: int, after: int) -> "Array":
    """Give which share of each new pixel is covered by each old one: (after, before); rows sum to 1."""
    import numpy as np

    edges = np.arange(after + 1) * (before / after)
    old = np.arange(before)
    covered = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    shares = np.clip(covered, 0, None)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
