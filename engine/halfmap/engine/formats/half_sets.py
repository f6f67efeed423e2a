"""Half sets of a particle file."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats


def half_set_column(table: pd.DataFrame, path: Path) -> Int64[np.ndarray, " particles"]:
    """Half set of each particle, 1 or 2; 0 where the file does not tell. Others are refused (BadInput)."""
    values = as_floats(table, labels.RANDOM_SUBSET, path, 0.0)
    strange = np.flatnonzero(~np.isin(values, (0, 1, 2)))
    if len(strange):
        raise BadInput(
            f"{path}: {labels.RANDOM_SUBSET} of row {strange[0] + 1} is {values[strange[0]]:g}; 1 or 2 was expected, "
            f"or 0 where none is assigned."
        )
    return values.astype(np.int64)


def read_half_sets(table: pd.DataFrame, path: Path) -> Int64[np.ndarray, " particles"]:
    """Half set of each particle, 1 or 2; 0 for all where the file does not tell.

    Raises
    ------
    BadInput
        If only some are assigned, or all to the same half.
    """
    subsets = half_set_column(table, path)
    if (subsets == 0).any() and (subsets > 0).any():
        raise BadInput(
            f"{path}: {labels.RANDOM_SUBSET} is 0 for {np.count_nonzero(subsets == 0)} particles and set for others; "
            f"fill it for all or remove the column."
        )
    for half in (1, 2):
        if subsets.any() and not (subsets == half).any():
            raise BadInput(f"{path}: half set {half} is empty ({labels.RANDOM_SUBSET}); both need particles.")
    return subsets
