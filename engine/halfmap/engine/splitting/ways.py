"""The ways to divide particles: what belongs together in each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from jaxtyping import Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import required
from halfmap.engine.formats.located_particles import LocatedParticles
from halfmap.engine.splitting.assignment import balanced_halves
from halfmap.engine.splitting.bisection import cut_in_blocks
from halfmap.engine.splitting.neighbours import linked

_NEGLIGIBLE_SHARE = 0.01  # of all particles: a component so small upsets no balance and is never cut


@dataclass(frozen=True)
class Division:
    """Particles divided into two halves.

    Parameters
    ----------
    half_set
        1 or 2 for each particle.
    units
        How many units there are that went to a half as a whole.
    largest_unit
        Particles in the largest of them.
    unit_name
        What a unit is.
    cut_components
        Components that filled their tomogram and were cut into blocks.
    """

    half_set: Int64[np.ndarray, " particles"]
    units: int
    largest_unit: int
    unit_name: str
    cut_components: int = 0


def by_particle(particles: LocatedParticles, seed: int) -> Division:
    """Divide at random, evenly within each optics group of each tomogram."""
    stratum = _numbered(particles.tomogram_index, particles.optics_group)
    return _division(np.arange(len(particles)), stratum, seed, "particle")


def by_tomogram(particles: LocatedParticles, seed: int) -> Division:
    """Put whole tomograms into a half, evenly within each optics group."""
    return _division(particles.tomogram_index, particles.optics_group, seed, "tomogram")


def by_object(particles: LocatedParticles, label: str | None, seed: int) -> Division:
    """Put whole objects into a half: what has the same value in a column, in the same tomogram.

    Parameters
    ----------
    particles
        Particles.
    label
        The column; None takes the filament's (`rlnHelicalTubeID`), else the surface's (`rlnTomoManifoldIndex`).
    seed
        Of the random numbers.
    """
    known = [label] if label else [labels.HELICAL_TUBE_ID, labels.MANIFOLD_INDEX]
    found = next((name for name in known if name in particles.table), None)
    if found is None:
        raise BadInput(
            f"{particles.path}: no column tells the objects ({', '.join(known)}); name one with --object LABEL."
        )
    values = np.unique(required(particles.table, found, particles.path), return_inverse=True)[1]
    return _division(_numbered(particles.tomogram_index, values), particles.tomogram_index, seed, f"object ({found})")


def by_neighbourhood(
    particles: LocatedParticles, pairs: Int64[np.ndarray, "pairs 2"], cut_above: float, seed: int
) -> Division:
    """Put what close pairs link into the same half; a component that fills its tomogram is cut.

    Parameters
    ----------
    particles
        Particles.
    pairs
        Close pairs.
    cut_above
        A component is cut by planes if it holds more than this share of the particles of its tomogram, 0 to 1.
    seed
        Of the random numbers.
    """
    component = linked(pairs, len(particles))
    unit, cut = component.copy(), 0
    in_tomogram = np.bincount(particles.tomogram_index)
    sizes = np.bincount(component)
    for number in np.flatnonzero(sizes > _NEGLIGIBLE_SHARE * len(particles)):
        members = np.flatnonzero(component == number)
        allowed = ceil(cut_above * in_tomogram[particles.tomogram_index[members[0]]])
        if sizes[number] > allowed:
            own = pairs[component[pairs[:, 0]] == number]
            blocks = cut_in_blocks(particles.position_angstrom[members], np.searchsorted(members, own), allowed)
            unit[members] = np.where(blocks == 0, number, unit.max() + blocks)
            cut += 1
    return _division(unit, particles.tomogram_index, seed, "neighbourhood", cut)


def _division(
    unit: Int64[np.ndarray, " particles"],
    stratum: Int64[np.ndarray, " particles"],
    seed: int,
    name: str,
    cut: int = 0,
) -> Division:
    sizes = np.unique(unit, return_counts=True)[1]
    return Division(balanced_halves(unit, stratum, seed), len(sizes), int(sizes.max()), name, cut)


def _numbered(*columns: Sequence[int] | np.ndarray) -> Int64[np.ndarray, " particles"]:
    """Give the same number to rows that agree in all columns."""
    return np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].reshape(-1)
