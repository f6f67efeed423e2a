"""The MTF of a detector, as RELION keeps it in a STAR file."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.columns import as_floats, require_table
from halfmap.engine.formats.star import read_star


def read_mtf(path: Path) -> tuple[Float64[np.ndarray, " points"], Float64[np.ndarray, " points"]]:
    """Read frequencies in 1/px of the detector, rising, and the MTF there, from the first table of a file.

    Raises
    ------
    BadInput
        Naming the file and what is wrong with it.
    """
    tables = read_star(path)
    table = require_table(tables, next(iter(tables)), path)
    frequency, values = (as_floats(table, label, path) for label in ("rlnResolutionInversePixel", "rlnMtfValue"))
    if len(frequency) < 2 or not (np.diff(frequency) > 0).all():
        raise BadInput(f"{path}: _rlnResolutionInversePixel has to rise from row to row, over two rows at least.")
    if not (values > 0).all():
        raise BadInput(f"{path}: _rlnMtfValue of row {int(np.argmin(values)) + 1} is not above 0.")
    return frequency, values
