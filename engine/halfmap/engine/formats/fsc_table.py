"""FSC curves in STAR files."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_integers, require_table
from halfmap.engine.formats.star import read_star

_CURVES = (labels.FSC, labels.CORRECTED_FSC)


def read_fsc(path: Path) -> Float64[np.ndarray, " shells"]:
    """Read the gold-standard FSC of a model file, or the corrected one of a post-processing, by shell.

    Raises
    ------
    BadInput
        If there is none, or shells are missing.
    """
    tables = read_star(path)
    for curve in _CURVES:
        for name in tables:
            table = require_table(tables, name, path)
            if curve in table and labels.SPECTRAL_INDEX in table:
                shells = as_integers(table, labels.SPECTRAL_INDEX, path)
                if not np.array_equal(shells, np.arange(len(shells))):
                    raise BadInput(f"{path}: {labels.SPECTRAL_INDEX} of data_{name} does not count from 0 by 1.")
                return as_floats(table, curve, path)
    raise BadInput(f"{path}: holds no FSC curve ({labels.SPECTRAL_INDEX} and {' or '.join(_CURVES)}).")
