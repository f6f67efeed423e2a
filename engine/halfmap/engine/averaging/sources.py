"""What an average is made from, and what it may take."""

from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.formats.optimisation_set import NamedFiles


@dataclass(frozen=True)
class Sources:
    """What an average is made from.

    Parameters
    ----------
    files
        Particles, tomograms and what belongs to them.
    mask
        Mask in which the half maps are compared; None for no comparison.
    """

    files: NamedFiles
    mask: Path | None = None


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
