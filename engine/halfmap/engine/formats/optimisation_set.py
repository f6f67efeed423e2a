"""Optimisation sets: which particle, tomogram and other files belong together."""

from collections.abc import Mapping
from pathlib import Path

from halfmap.engine.formats.columns import require_table
from halfmap.engine.formats.star import read_star, write_star


def read_optimisation_set(path: Path) -> dict[str, str]:
    """Read the first table, whatever its name: file names by label, empty where there is none."""
    tables = read_star(path)
    row = require_table(tables, next(iter(tables)), path).iloc[0].to_dict()
    return {str(label): "" if value in ('""', "None") else str(value) for label, value in row.items()}


def write_optimisation_set(path: Path, entries: Mapping[str, str]) -> None:
    """Write file names by label."""
    write_star(path, {"": entries})
