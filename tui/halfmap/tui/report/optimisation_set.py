"""What an optimisation set names: a STAR file of one table with one row, as a list of pairs or as a loop."""

import shlex
from collections.abc import Mapping
from pathlib import Path

_MOST_BYTES = 2**16
_NO_ROW = ("_", "#", "data_", "loop_")
_LABELS = {"_rlnTomoParticlesFile": "particles", "_rlnTomoTomogramsFile": "tomograms"}


def files_of_set(path: Path) -> Mapping[str, str]:
    """Give the set's particles and tomograms; a file that cannot be read names nothing."""
    try:
        with path.open("rb") as file:
            lines = file.read(_MOST_BYTES).decode(errors="replace").splitlines()
    except (OSError, ValueError):
        return {}
    words = [_words(line) for line in lines]
    pairs = {one[0]: one[1] for one in words if len(one) > 1 and one[0] in _LABELS and not one[1].startswith("#")}
    return {_LABELS[label]: value for label, value in (pairs or _of_loop(words)).items()}


def _of_loop(words: list[list[str]]) -> dict[str, str]:
    labels = [one[0] for one in words if one and one[0].startswith("_")]
    rows = [one for one in words if len(one) == len(labels) and one and not one[0].startswith(_NO_ROW)]
    return {label: value for label, value in zip(labels, rows[0], strict=True) if label in _LABELS} if rows else {}


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, posix=True)
    except ValueError:
        return line.split()
