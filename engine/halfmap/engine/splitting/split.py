"""From a particle file to one with half sets, and to what there is to tell about them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats
from halfmap.engine.formats.located_particles import LocatedParticles
from halfmap.engine.particles.tilt_series import TiltSeries
from halfmap.engine.sampling.random_numbers import random_half_sets
from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.splitting.contacts import Contact, Contacts, closest, contacts
from halfmap.engine.splitting.neighbours import close_pairs, pair_distances
from halfmap.engine.splitting.shared_noise import NoiseGeometry, expected_noise_fsc
from halfmap.engine.splitting.ways import Division, by_neighbourhood, by_object, by_particle, by_tomogram

WAYS = ("particle", "object", "tomogram", "neighbourhood")
_RESOLUTIONS_ANGSTROM = (80.0, 60.0, 40.0, 30.0, 20.0, 15.0, 10.0, 8.0, 6.0, 4.0)


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


def split(
    particles: LocatedParticles,
    settings: SplitSettings,
    series: dict[str, TiltSeries] | None = None,
    group: PointGroup | None = None,
) -> tuple[Int64[np.ndarray, " particles"], SplitReport]:
    """Divide particles into half sets.

    Parameters
    ----------
    particles
        Particles in their tomograms.
    settings
        How to divide them.
    series
        Their tilt series, for the noise that they share.
    group
        Point group of the particle, for the same.

    Returns
    -------
    Half set of each particle, 1 or 2, and the report.

    Raises
    ------
    BadInput
        If the file does not say what is needed, or a half would be empty.
    """
    distance, distance_is = _distance(particles, settings.distance_angstrom)
    pairs = close_pairs(particles.position_angstrom, particles.tomogram_index, distance)
    before, before_is = present_half_sets(particles, settings.seed)
    division = _divided(particles, pairs, settings)
    apart = pair_distances(particles.position_angstrom, pairs)
    touching = [contacts(half, pairs, apart, particles.names) for half in (before, division.half_set)]
    report = SplitReport(
        particles=len(particles),
        tomograms=len(particles.tomograms),
        by=division.unit_name,
        seed=settings.seed,
        units=division.units,
        largest_unit=division.largest_unit,
        cut_components=division.cut_components,
        distance_angstrom=distance,
        distance_is=distance_is,
        close_pairs=len(pairs),
        closest_pairs=closest(pairs, apart, particles.names),
        before_is=before_is,
        before=touching[0],
        after=touching[1],
        noise_fsc=_noise(particles, pairs, (before, division.half_set), series, group),
    )
    return division.half_set, report


def _divided(particles: LocatedParticles, pairs: Int64[np.ndarray, "pairs 2"], settings: SplitSettings) -> Division:
    if settings.way == "particle":
        return by_particle(particles, settings.seed)
    if settings.way == "tomogram":
        return by_tomogram(particles, settings.seed)
    if settings.way == "object":
        return by_object(particles, settings.object_label, settings.seed)
    return by_neighbourhood(particles, pairs, settings.cut_above, settings.seed)


def _distance(particles: LocatedParticles, given: float | None) -> tuple[float, str]:
    if given is not None:
        return given, "as given"
    if particles.box_angstrom is None:
        raise BadInput(
            f"{particles.path}: tells no box ({labels.IMAGE_SIZE} and {labels.IMAGE_PIXEL_SIZE} of the optics table); "
            f"say how close neighbours are with --distance Å, such as the particle's diameter."
        )
    return particles.box_angstrom, "the edge of the box"


def present_half_sets(particles: LocatedParticles, seed: int) -> tuple[Int64[np.ndarray, " particles"], str]:
    """Half sets of the file, or those that refinement would draw with a seed; also which of these they are."""
    given = particles.half_set
    if given is not None:
        return given, "as in the file"
    return random_half_sets(seed, len(particles)), "as refinement would draw them"


def _noise(
    particles: LocatedParticles,
    pairs: Int64[np.ndarray, "pairs 2"],
    halves: tuple[Int64[np.ndarray, " particles"], Int64[np.ndarray, " particles"]],
    series: dict[str, TiltSeries] | None,
    group: PointGroup | None,
) -> NoiseFsc | None:
    box = particles.box_angstrom
    if series is None or box is None:
        return None
    geometry = NoiseGeometry(
        particles.position_angstrom,
        particles.rotation,
        particles.tomogram_index,
        tuple(series[name].rotations for name in particles.tomograms),
        box / 2,
        (group or PointGroup.parse("C1")).operators,
    )
    resolution = _resolutions(particles)
    before, after = expected_noise_fsc(geometry, pairs, halves, 1 / resolution)
    return NoiseFsc(*(tuple(float(v) for v in values) for values in (resolution, before, after)))


def _resolutions(particles: LocatedParticles) -> Float64[np.ndarray, " shells"]:
    """Resolutions to tell: no finer than the particles' pixels can hold."""
    finest = 2 * as_floats(particles.optics, labels.IMAGE_PIXEL_SIZE, particles.path).min()
    return np.array([r for r in _RESOLUTIONS_ANGSTROM if r > finest] + [finest])
