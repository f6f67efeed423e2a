"""How particles are divided."""

from dataclasses import dataclass

import numpy as np

from halfmap.engine.errors import BadInput

WAYS = ("particle", "object", "tomogram", "neighbourhood")


@dataclass(frozen=True)
class SplitSettings:
    """How particles are divided.

    Parameters
    ----------
    way
        One of `WAYS`.
    distance_angstrom
        Particles no farther apart are neighbours; None takes the edge of the box.
    object_label
        Column that tells the objects; None looks for RELION's.
    cut_above
        Share of its tomogram above which a neighbourhood is cut.
    seed
        Of the random numbers.
    """

    way: str
    distance_angstrom: float | None = None
    object_label: str | None = None
    cut_above: float = 0.6
    seed: int = 1

    def __post_init__(self) -> None:
        problems = []
        if self.way not in WAYS:
            problems.append(f"--by is {self.way!r}; one of {', '.join(WAYS)} was expected.")
        if self.distance_angstrom is not None and not 0 < self.distance_angstrom < np.inf:
            problems.append(f"--distance is {self.distance_angstrom:g}; it must be above 0 Å.")
        if self.object_label and self.way != "object":
            problems.append(f"--object names a column for --by object, but --by is {self.way}.")
        if not 0 < self.cut_above <= 1:
            problems.append(f"--cut_above is {self.cut_above:g}; it must be above 0 and no more than 1.")
        if self.seed < 0:
            problems.append(f"--seed is {self.seed}; it must not be negative.")
        if problems:
            raise BadInput(*problems)
