"""Point groups: their operators, their asymmetric units and the angular distance between orientations.

Conventions follow RELION (symmetries.cpp, healpix_sampling.cpp): Cn and Dn have their main axis along z, D's two-fold
axis is x, and the icosahedral settings are I1 to I4 with I = I2.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64
from scipy.spatial.transform import Rotation

from halfmap.contract.spelling import SYMMETRIES, is_symmetry
from halfmap.engine.particles.pose import direction, euler_to_matrix

_ON_BORDER = 1e-9
_GOLDEN = (1 + 5**0.5) / 2

# fold and axis of the generators of each group that is not Cn or Dn
_GENERATORS: dict[str, list[tuple[int, tuple[float, float, float]]]] = {
    "T": [(3, (0, 0, 1)), (2, (0, 2**0.5, 1))],
    "O": [(3, (1, 1, 1)), (4, (0, 0, 1))],
    "I1": [(2, (1, 0, 0)), (5, (_GOLDEN, 0, -1)), (3, (_GOLDEN**2, 1, 0))],
    "I2": [(2, (0, 0, 1)), (5, (1, 0, _GOLDEN)), (3, (0, 1, _GOLDEN**2))],
    "I3": [(2, (-1, 0, _GOLDEN)), (5, (0, 0, 1)), (3, (-0.4911234779, 0.3568220765, 0.7946544754))],
    "I4": [(2, (1, 0, _GOLDEN)), (5, (2, 0, 1)), (3, (0.4911234779, 0.3568220765, 0.7946544754))],
}
# inward normals of the planes that bound the asymmetric unit
_I2_PLANES = np.array([[0, 1, 0], [-0.49999998, -0.80901701, 0.30901699], [0.49999998, -0.80901701, 0.30901699]])
_I4_PLANES = -np.array([[0, 0, 1], [0.1875925, -0.3035310, -0.4911235], [0.1875925, 0.3035310, -0.4911235]])
_PLANES = {
    "T": np.array([[-0.942809, 0, 0], [0.471405, 0.272165, 0.7698], [0.471404, 0.816497, 0]]),
    "O": np.array([[0, -1.0, 1], [1, 1, 0], [-1, 1, 0]]),
    "I1": _I2_PLANES @ euler_to_matrix(np.array([0.0, 90, 0])).T,
    "I2": _I2_PLANES,
    "I3": _I2_PLANES @ euler_to_matrix(np.array([0.0, 31.7174745559, 0])).T,
    "I4": _I4_PLANES @ euler_to_matrix(np.array([0.0, -31.7174745559, 0])).T,
}


@dataclass(frozen=True)
class PointGroup:
    """A point group by its canonical name: ``C6``, ``D2``, ``T``, ``O``, ``I1`` … ``I4``."""

    name: str

    @classmethod
    def parse(cls, text: str) -> "PointGroup":
        """Read a symmetry as typed (`c6`, `I`); ValueError says what is offered."""
        name = text.strip().upper()
        if not is_symmetry(name):
            raise ValueError(f"symmetry {text!r} is not known; offered are {SYMMETRIES}")
        return cls({"I": "I2"}.get(name, name))

    @cached_property
    def operators(self) -> Float64[np.ndarray, "g 3 3"]:
        """All rotations of the group, the identity first."""
        return _closure([_turn(fold, axis) for fold, axis in self._generators()])

    @property
    def order(self) -> int:
        """Number of rotations."""
        return len(self.operators)

    @property
    def open_axes(self) -> tuple[bool, bool, bool]:
        """Axes along which the symmetry leaves the origin of a map open: all for C1, z for Cn, none otherwise."""
        return (True, True, True) if self.order == 1 else (False, False, self.name.startswith("C"))

    def in_asymmetric_unit(
        self, rot_deg: Float64[np.ndarray, " n"], tilt_deg: Float64[np.ndarray, " n"]
    ) -> Bool[np.ndarray, " n"]:
        """Tell which viewing directions lie in the asymmetric unit, its border included.

        RELION: HealpixSampling::removeSymmetryEquivalentPointsGeometric.
        """
        family, fold = self.name[0], int(self.name[1:] or 0)
        if family == "C":
            return np.abs(rot_deg) <= 180 / fold + _ON_BORDER
        if family == "D":
            lower = tilt_deg <= 90 + _ON_BORDER
            return lower if fold == 1 else lower & (np.abs(rot_deg - 90) <= 180 / fold + _ON_BORDER)
        inside = np.all(direction(rot_deg, tilt_deg) @ _PLANES[self.name].T >= -_ON_BORDER, axis=1)
        if family == "T":
            return inside & (((rot_deg >= 90 - _ON_BORDER) & (rot_deg <= 150 + _ON_BORDER)) | (rot_deg == 0))
        if family == "O":
            front = (rot_deg >= 45 - _ON_BORDER) & (rot_deg <= 135 + _ON_BORDER) & (tilt_deg <= 90 + _ON_BORDER)
            return inside & (front | (rot_deg == 0))
        return inside

    def _generators(self) -> list[tuple[int, tuple[float, float, float]]]:
        if self.name in _GENERATORS:
            return _GENERATORS[self.name]
        main = (int(self.name[1:]), (0.0, 0.0, 1.0))
        return [main] if self.name[0] == "C" else [main, (2, (1.0, 0.0, 0.0))]


def _turn(fold: int, axis: tuple[float, float, float]) -> Float64[np.ndarray, "3 3"]:
    unit = np.array(axis) / np.linalg.norm(axis)
    return np.asarray(Rotation.from_rotvec(2 * np.pi / fold * unit).as_matrix())


def _closure(generators: list[Float64[np.ndarray, "3 3"]]) -> Float64[np.ndarray, "g 3 3"]:
    """Multiply until nothing new appears; each product is made orthonormal again."""
    group = np.eye(3)[None]
    while True:
        products = np.concatenate([group, *(group @ g for g in generators)])
        products = np.asarray(Rotation.from_matrix(products).as_matrix())
        different = np.abs(products[:, None] - products[None]).max(axis=(2, 3)) > 1e-3
        first = np.array([different[i, :i].all() for i in range(len(products))])
        if first.sum() == len(group):
            return group
        group = products[first]


def angular_distance_deg(
    first: Float64[np.ndarray, "n 3 3"], second: Float64[np.ndarray, "n 3 3"], group: PointGroup
) -> Float64[np.ndarray, " n"]:
    """Distance between orientations, least over the symmetry mates of the second.

    The mean of the three angles between the rows of the two matrices (RELION: calculateAngularDistance).
    """
    mates = np.einsum("nij,gjk->ngik", second, group.operators)
    cosines = np.clip(np.einsum("nij,ngij->ngi", first, mates), -1, 1)
    return np.rad2deg(np.arccos(cosines)).mean(axis=2).min(axis=1)
