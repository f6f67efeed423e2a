"""STAR files of very many small tables of numbers, such as trajectories: read faster than one by one."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.star import check_star_text, read_star_text

_TABLE_START = re.compile(r"^[ \t]*data_", re.MULTILINE)


def tables_of_numbers(path: Path) -> dict[str, str]:
    """Find the tables of a file that holds very many small ones, to be read by `numbers_of`; refuse as `read_star`."""
    text = read_star_text(path)
    check_star_text(path, text)
    blocks = (block.partition("\n") for block in _TABLE_START.split(text)[1:])
    return {name.strip(): body for name, _, body in blocks}


def numbers_of(body: str, columns: Sequence[str], table: str, path: Path) -> Float64[np.ndarray, "rows columns"]:
    """Read columns of numbers out of the text of a table (BadInput if one is missing or not finite)."""
    lines = [line.strip() for line in body.split("\n")]
    labels = [line.split()[0][1:] for line in lines if line.startswith("_")]
    rows = [line for line in lines if line and line != "loop_" and not line.startswith(("_", "#", ";"))]
    missing = [name for name in columns if name not in labels]
    if missing:
        raise BadInput(f"{path}: table data_{table} has no column _{missing[0]}, which is needed.")
    try:
        values = np.array(" ".join(rows).split(), np.float64).reshape(-1, len(labels))
    except ValueError:
        values = np.full((1, len(labels)), np.nan)
    values = values[:, [labels.index(name) for name in columns]]
    if not np.isfinite(values).all():
        raise BadInput(f"{path}: table data_{table} holds something else than finite numbers.")
    return values
