"""Taking checked columns out of STAR tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.star import List


def require_table(tables: Mapping[str, List | pd.DataFrame], name: str, path: Path) -> pd.DataFrame:
    """Return a table as rows; a list counts as one row."""
    if name not in tables:
        raise BadInput(f"{path}: has no table data_{name}; it holds {', '.join('data_' + t for t in tables)}.")
    table = tables[name]
    return table if isinstance(table, pd.DataFrame) else pd.DataFrame([table])


def required(table: pd.DataFrame, label: str, path: Path) -> list[str]:
    """Return a text column that must be there."""
    if label not in table:
        raise BadInput(f"{path}: has no column _{label}, which is needed.")
    return [str(value) for value in table[label]]


def as_floats(
    table: pd.DataFrame, label: str, path: Path, default: float | None = None
) -> Float64[np.ndarray, " rows"]:
    """Return a column as finite numbers, or a default where the column is missing."""
    if label not in table and default is not None:
        return np.full(len(table), float(default))
    text = required(table, label, path)
    numbers = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise BadInput(f"{path}: _{label} of row {bad[0] + 1} is {text[bad[0]]!r}; a finite number was expected.")
    return numbers


def as_integers(table: pd.DataFrame, label: str, path: Path, default: int | None = None) -> Int64[np.ndarray, " rows"]:
    """Return a column as whole numbers, or a default where the column is missing."""
    return np.rint(as_floats(table, label, path, default)).astype(np.int64)


def as_vectors(
    table: pd.DataFrame, names: Sequence[str], path: Path, default: float | None = None
) -> Float64[np.ndarray, "rows columns"]:
    """Return several columns side by side."""
    return np.column_stack([as_floats(table, name, path, default) for name in names])


def as_lists(table: pd.DataFrame, label: str, path: Path, length: int) -> Float64[np.ndarray, "rows length"]:
    """Return a column of lists such as [1,0,0,4.5], one row each."""
    rows = []
    for number, text in enumerate(required(table, label, path), 1):
        try:
            row = [float(word) for word in text.strip().strip("[]").split(",")]
        except ValueError:
            row = []
        if len(row) != length or not np.isfinite(row).all():
            raise BadInput(f"{path}: _{label} of row {number} is {text!r}; {length} numbers as [a,b,…] were expected.")
        rows.append(row)
    return np.array(rows, np.float64).reshape(len(rows), length)
