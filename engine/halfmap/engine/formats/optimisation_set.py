"""Optimisation sets: which particle, tomogram and other files belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import require_table
from halfmap.engine.formats.star import read_star, write_star


@dataclass(frozen=True)
class NamedFiles:
    """Files that belong together, as options and an optimisation set name them.

    Parameters
    ----------
    entries
        Names by label, none of them empty, relative to the project directory, from which programs are started.
    set_file
        The optimisation set; None where none was given.
    """

    entries: Mapping[str, str]
    set_file: Path | None = None

    def file(self, label: str) -> Path:
        """Path of an entry that is named, as those are that were needed."""
        return Path(self.entries[label])

    @property
    def particles(self) -> Path:
        """Particle file, which is always named."""
        return self.file(labels.PARTICLES_FILE)

    @property
    def tomograms(self) -> Path | None:
        """Tomogram set, if one is named."""
        return self.file(labels.TOMOGRAMS_FILE) if labels.TOMOGRAMS_FILE in self.entries else None

    @property
    def trajectories(self) -> Path | None:
        """Trajectory set, if one is named."""
        return self.file(labels.TRAJECTORIES_FILE) if labels.TRAJECTORIES_FILE in self.entries else None

    @property
    def read(self) -> list[Path]:
        """All of these three that are named."""
        return [path for path in (self.particles, self.tomograms, self.trajectories) if path is not None]


def named_files(
    set_file: Path | None, given: Mapping[str, Path | None], needed: Mapping[str, str], set_flag: str = "--i"
) -> NamedFiles:
    """Find out which files are meant.

    Parameters
    ----------
    set_file
        Optimisation set, if one was given.
    given
        Files that options name, by label; they go before those of the set.
    needed
        Labels that must be named, and the option of each; the particles among them.
    set_flag
        Option of the optimisation set.

    Raises
    ------
    BadInput
        Naming all files that are missing.
    """
    entries = read_optimisation_set(set_file) if set_file else {}
    entries |= {label: path.as_posix() for label, path in given.items() if path}
    missing = [
        f"no file is named as {label}; give it with {flag}, or a set with {set_flag}."
        for label, flag in needed.items()
        if not entries.get(label)
    ]
    if missing:
        raise BadInput(*missing)
    return NamedFiles({label: name for label, name in entries.items() if name}, set_file)


def read_optimisation_set(path: Path) -> dict[str, str]:
    """Read the first table, whatever its name: file names by label, empty where there is none."""
    tables = read_star(path)
    row = require_table(tables, next(iter(tables)), path).iloc[0].to_dict()
    return {str(label): "" if value in ('""', "None") else str(value) for label, value in row.items()}


def write_optimisation_set(path: Path, entries: Mapping[str, str]) -> None:
    """Write file names by label."""
    write_star(path, {"": entries})
