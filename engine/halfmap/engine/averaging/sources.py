"""What an average is made from, and what it may take."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.formats import labels


@dataclass(frozen=True)
class Sources:
    """What an average is made from.

    Parameters
    ----------
    entries
        Of the optimisation set, particles and tomograms among them.
    mask
        Mask in which the half maps are compared; None for no comparison.
    project
        Directory to which paths are relative.
    """

    entries: Mapping[str, str]
    mask: Path | None = None
    project: Path = Path()

    def file(self, label: str) -> Path | None:
        """Path of an entry, if there is one."""
        return self.project / self.entries[label] if self.entries.get(label) else None

    @property
    def texts(self) -> list[Path]:
        """Files that the particles and their tilt series are named in."""
        found = (self.file(label) for label in (labels.PARTICLES_FILE, labels.TOMOGRAMS_FILE, labels.TRAJECTORIES_FILE))
        return [path for path in found if path is not None]


@dataclass(frozen=True)
class Effort:
    """What an average may take.

    Parameters
    ----------
    threads
        Threads of transforms and symmetry.
    adding_threads
        Threads that add particles up.
    memory_gb
        Memory that may be taken, in units of 2³⁰ bytes; None for as much as is useful.
    keeps_sums
        Keep sums now and then, from which an average that is stopped can go on.
    """

    threads: int
    adding_threads: int
    memory_gb: float | None = None
    keeps_sums: bool = True
