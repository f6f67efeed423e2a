"""``halfmap duplicates``: particles that were picked twice."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from halfmap.commands.split import add_input, inputs_of, write_report
from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.located_particles import LocatedParticles, read_located_particles
from halfmap.engine.formats.optimisation_set import NamedFiles
from halfmap.engine.splitting.contacts import Contact, closest
from halfmap.engine.splitting.duplicates import clusters_in_one_half, kept_of_duplicates, quality
from halfmap.engine.splitting.inputs import particles_or_set
from halfmap.engine.splitting.neighbours import close_pairs, linked, pair_distances
from halfmap.engine.splitting.outputs import check_outputs, optimisation_set_beside, write_set_beside


@dataclass(frozen=True)
class DuplicatesReport:
    """What was found and done.

    Parameters
    ----------
    particles
        How many were read.
    distance_angstrom
        Particles no farther apart are duplicates.
    close_pairs, clusters, largest_cluster
        Pairs of them, how many clusters they form, and particles in the largest.
    closest_pairs
        The closest pairs.
    chosen_by
        Column by which the best were chosen; None where the first were.
    removed
        Particles that were left out.
    moved
        Particles that were moved to the other half set.
    """

    particles: int
    distance_angstrom: float
    close_pairs: int
    clusters: int
    largest_cluster: int
    closest_pairs: tuple[Contact, ...]
    chosen_by: str | None
    removed: int
    moved: int


def main(argv: Sequence[str]) -> int:
    """Find duplicates, write, tell, and return the exit code."""
    options = parser().parse_args(argv)
    try:
        report = _run(options)
    except BadInput as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    print(report_text(report))
    print(f"written: {', '.join(str(path) for path in _particle_files(options))}")
    return ExitCode.SUCCESS


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="halfmap duplicates", description="Find particles of a tomogram that are too near each other."
    )
    add_input(made)
    made.add_argument("--o", dest="output", type=Path, required=True, metavar="OUT.star", help="particle file to write")
    made.add_argument("--distance", type=float, required=True, metavar="Å", help="duplicates are no farther apart")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--remove", action="store_true", help="keep the best of them [this is the default]")
    what.add_argument("--keep_in_one_half", action="store_true", help="keep all, each cluster in one half set")
    made.add_argument("--report", type=Path, metavar="FILE.json", help="write all figures as JSON, too")
    made.add_argument("--overwrite", action="store_true", help="replace files of these names (never those read)")
    return made


def removed_beside(particles: Path) -> Path:
    """Name the file of those that were left out (RELION's relion_star_handler calls it so, too)."""
    return particles.with_name(f"{particles.stem}_removed.star")


def _particle_files(options: argparse.Namespace) -> list[Path]:
    return [options.output, *([] if options.keep_in_one_half else [removed_beside(options.output)])]


def _run(options: argparse.Namespace) -> DuplicatesReport:
    if not 0 < options.distance < np.inf:
        raise BadInput(f"--distance is {options.distance:g}; it must be above 0 Å.")
    files = particles_or_set(options.input, options.tomograms)
    outputs = [*_particle_files(options), *([options.report] if options.report else [])]
    outputs += [optimisation_set_beside(options.output)] if files.set_file else []
    check_outputs(outputs, inputs_of(options, files), options.overwrite)
    particles, _ = read_located_particles(files.particles, files.tomograms)
    report = (_keep_in_one_half if options.keep_in_one_half else _remove)(options, files, particles)
    if options.report:
        write_report(options.report, asdict(report))
    return report


def _pairs(particles: LocatedParticles, distance_angstrom: float) -> np.ndarray:
    return close_pairs(particles.position_angstrom, particles.tomogram_index, distance_angstrom)


def _remove(options: argparse.Namespace, files: NamedFiles, particles: LocatedParticles) -> DuplicatesReport:
    pairs = _pairs(particles, options.distance)
    goodness, chosen_by = quality(particles)
    keep = kept_of_duplicates(pairs, goodness)
    particles.write(removed_beside(options.output), particles.table[~keep])
    particles.write(options.output, particles.table[keep])
    write_set_beside(files, options.output)
    return _report(particles, pairs, options.distance, chosen_by, removed=int((~keep).sum()))


def _keep_in_one_half(options: argparse.Namespace, files: NamedFiles, particles: LocatedParticles) -> DuplicatesReport:
    before = particles.half_set
    if before is None:
        raise BadInput(
            f"{files.particles}: {labels.RANDOM_SUBSET} is not set for all particles; assign half sets with "
            f"'halfmap split --by neighbourhood --distance {options.distance:g}', which keeps duplicates together, too."
        )
    pairs = _pairs(particles, options.distance)
    after = clusters_in_one_half(pairs, before)
    particles.write(options.output, particles.table.assign(**{labels.RANDOM_SUBSET: after}))
    write_set_beside(files, options.output)
    return _report(particles, pairs, options.distance, None, moved=int((after != before).sum()))


def _report(
    particles: LocatedParticles,
    pairs: np.ndarray,
    distance_angstrom: float,
    chosen_by: str | None,
    removed: int = 0,
    moved: int = 0,
) -> DuplicatesReport:
    sizes = np.bincount(linked(pairs, len(particles)))
    apart = pair_distances(particles.position_angstrom, pairs)
    return DuplicatesReport(
        len(particles),
        distance_angstrom,
        len(pairs),
        int((sizes > 1).sum()),
        int(sizes.max()),
        closest(pairs, apart, particles.names),
        chosen_by,
        removed,
        moved,
    )


def report_text(report: DuplicatesReport) -> str:
    """Lay the report out, a figure in each line."""
    lines = [
        f"particles         {report.particles}",
        f"duplicates        no farther apart than {report.distance_angstrom:.1f} Å: {report.close_pairs} pairs in "
        f"{report.clusters} clusters, the largest of {report.largest_cluster if report.clusters else 0}",
        *(f"closest           {c.first} – {c.second}: {c.distance_angstrom:.1f} Å" for c in report.closest_pairs),
    ]
    if report.moved:
        lines.append(f"moved             {report.moved} particles to the other half set")
    if report.removed:
        lines.append(
            f"removed           {report.removed}; kept is the best by {report.chosen_by or 'order in the file'}"
        )
    return "\n".join(lines)
