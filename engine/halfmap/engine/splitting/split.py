"""From a particle file to one with half sets, and to what there is to tell about them."""

import numpy as np
from jaxtyping import Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats
from halfmap.engine.formats.located_particles import LocatedParticles
from halfmap.engine.particles.tilt_series import TiltSeries
from halfmap.engine.sampling.random_numbers import random_half_sets
from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.splitting.contacts import closest, contacts
from halfmap.engine.splitting.neighbours import close_pairs, pair_distances
from halfmap.engine.splitting.report import NoiseFsc, SplitReport
from halfmap.engine.splitting.settings import SplitSettings
from halfmap.engine.splitting.shared_noise import NoiseGeometry, expected_noise_fsc
from halfmap.engine.splitting.ways import Division, by_neighbourhood, by_object, by_particle, by_tomogram

_RESOLUTIONS_ANGSTROM = (80.0, 60.0, 40.0, 30.0, 20.0, 15.0, 10.0, 8.0, 6.0, 4.0)


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
