"""The grid of offsets: points of a cubic lattice within a sphere, with oversampling.

RELION: HealpixSampling::setTranslations, getTranslationsInPixel; offsets of tomographic data are three-dimensional.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True)
class OffsetGrid:
    """Offsets around a particle's current one, in Å.

    Parameters
    ----------
    range_angstrom
        Radius of the searched sphere.
    step_angstrom
        Coarse step.
    oversampling
        How often the coarse step is halved in the fine pass.
    """

    range_angstrom: float
    step_angstrom: float
    oversampling: int

    @property
    def fine_step_angstrom(self) -> float:
        """Step after oversampling in Å."""
        return float(self.step_angstrom / 2**self.oversampling)

    @cached_property
    def coarse_angstrom(self) -> Float64[np.ndarray, "offsets 3"]:
        """Coarse offsets, unperturbed, in Å."""
        reach = int(np.ceil(self.range_angstrom / self.step_angstrom))
        axis = np.arange(-reach, reach + 1) * self.step_angstrom
        points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        return points[(points**2).sum(axis=1) <= self.range_angstrom**2]

    @property
    def children(self) -> int:
        """Fine offsets per coarse one."""
        return int(8**self.oversampling)

    @cached_property
    def child_shifts_angstrom(self) -> Float64[np.ndarray, "children 3"]:
        """Displacements of the children from their coarse offset, in Å."""
        splits = 2**self.oversampling
        axis = (np.arange(splits) + 0.5) * self.step_angstrom / splits - self.step_angstrom / 2
        return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
