"""What there is to tell about a split."""

from dataclasses import dataclass

from halfmap.engine.splitting.contacts import Contact, Contacts


@dataclass(frozen=True)
class NoiseFsc:
    """FSC that shared noise alone is expected to give.

    Parameters
    ----------
    resolution_angstrom
        Resolution of each value.
    before, after
        With the half sets before and after the split.
    """

    resolution_angstrom: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class SplitReport:
    """What there is to tell about a split.

    Parameters
    ----------
    particles, tomograms
        How many there are.
    by
        What a unit is that went to a half as a whole.
    seed
        Of the random numbers.
    units, largest_unit
        How many units, and particles in the largest.
    cut_components
        Neighbourhoods that filled their tomogram and were cut.
    distance_angstrom, distance_is
        Distance of neighbours, and where it comes from.
    close_pairs, closest_pairs
        Neighbours, wherever they are, and the closest of them.
    before_is
        Where the half sets before come from.
    before, after
        What the half sets share.
    noise_fsc
        None where the tilt series, or the box, are not known.
    """

    particles: int
    tomograms: int
    by: str
    seed: int
    units: int
    largest_unit: int
    cut_components: int
    distance_angstrom: float
    distance_is: str
    close_pairs: int
    closest_pairs: tuple[Contact, ...]
    before_is: str
    before: Contacts
    after: Contacts
    noise_fsc: NoiseFsc | None
