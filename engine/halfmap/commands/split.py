"""``halfmap split``: half sets that share as little as possible."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from halfmap.commands.point_group import point_group
from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.located_particles import read_located_particles
from halfmap.engine.formats.optimisation_set import NamedFiles
from halfmap.engine.formats.whole_file import written_whole
from halfmap.engine.splitting.contacts import Contact, Contacts
from halfmap.engine.splitting.inputs import particles_or_set
from halfmap.engine.splitting.outputs import check_outputs, optimisation_set_beside, write_set_beside
from halfmap.engine.splitting.report import SplitReport
from halfmap.engine.splitting.settings import WAYS, SplitSettings
from halfmap.engine.splitting.split import split


def main(argv: Sequence[str]) -> int:
    """Split, write, tell, and return the exit code."""
    if "--inflation" in argv:
        from halfmap.commands import split_inflation

        return split_inflation.main(argv)
    options = parser().parse_args(argv)
    try:
        report = _run(options)
    except BadInput as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    print(report_text(report))
    print(f"written: {options.output}")
    return ExitCode.SUCCESS


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="halfmap split",
        description="Divide particles into two half sets (rlnRandomSubset) that share little.",
        epilog="halfmap split --inflation --help: how much the FSC of the present half sets owes to neighbours.",
    )
    add_input(made)
    made.add_argument("--o", dest="output", type=Path, required=True, metavar="OUT.star", help="particle file to write")
    made.add_argument("--by", choices=WAYS, required=True, help="what goes into one half as a whole")
    made.add_argument("--distance", type=float, metavar="Å", help="how close neighbours are [the edge of the box]")
    made.add_argument("--object", metavar="LABEL", help="column that tells objects [rlnHelicalTubeID, …ManifoldIndex]")
    made.add_argument(
        "--cut_above",
        type=float,
        default=0.6,
        metavar="SHARE",
        help="cut a neighbourhood that holds more than this part of its tomogram; 1: never [0.6]",
    )
    made.add_argument("--seed", type=int, default=1, metavar="N", help="all random numbers follow from it [1]")
    made.add_argument("--sym", default="C1", help="point group, for the noise FSC to expect [C1]")
    made.add_argument("--report", type=Path, metavar="FILE.json", help="write all figures as JSON, too")
    made.add_argument("--overwrite", action="store_true", help="replace files of these names (never those read)")
    return made


def add_input(made: argparse.ArgumentParser) -> None:
    """Describe what is read."""
    made.add_argument(
        "--i", dest="input", type=Path, required=True, metavar="FILE.star", help="particle file or optimisation set"
    )
    made.add_argument("--t", dest="tomograms", type=Path, metavar="tomograms.star", help="tomogram set")


def _run(options: argparse.Namespace) -> SplitReport:
    settings = SplitSettings(options.by, options.distance, options.object, options.cut_above, options.seed)
    group = point_group(options.sym)
    files = particles_or_set(options.input, options.tomograms)
    outputs = [options.output, *([options.report] if options.report else [])]
    outputs += [optimisation_set_beside(options.output)] if files.set_file else []
    check_outputs(outputs, inputs_of(options, files), options.overwrite)
    particles, series = read_located_particles(files.particles, files.tomograms)
    half_set, report = split(particles, settings, series, group)
    particles.write(options.output, particles.table.assign(**{labels.RANDOM_SUBSET: half_set}))
    write_set_beside(files, options.output)
    if options.report:
        write_report(options.report, asdict(report))
    return report


def inputs_of(options: argparse.Namespace, files: NamedFiles) -> list[Path]:
    """All files that are read, as far as they are named by options."""
    return [options.input, files.particles, *([files.tomograms] if files.tomograms else [])]


def write_report(path: Path, figures: dict[str, object]) -> None:
    """Write figures as JSON, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


def report_text(report: SplitReport) -> str:
    """Lay the report out, a figure in each line, before and after side by side."""
    before, after = report.before, report.after
    lines = [
        f"particles         {report.particles} in {report.tomograms} tomograms",
        f"half sets         {after.sizes[0]} and {after.sizes[1]}, whole units: {report.units} ({report.by}); "
        f"the largest holds {report.largest_unit}",
        f"neighbours        no farther apart than {report.distance_angstrom:.1f} Å ({report.distance_is}): "
        f"{report.close_pairs} pairs",
    ]
    if report.cut_components:
        lines.append(f"cut by planes     {report.cut_components} neighbourhoods that filled their tomogram")
    lines += [
        f"before            half sets {report.before_is}: {before.sizes[0]} and {before.sizes[1]}",
        "                                            before              after",
        f"particles near one of the other half  {_count(before):>12}       {_count(after):>12}",
        f"pairs across the halves               {before.pairs_across:>12}       {after.pairs_across:>12}",
    ]
    lines += [f"closest pair      {_contact(c)}" for c in report.closest_pairs[:1]]
    lines += [f"closest across    {_contact(c)}" for c in after.closest_across]
    return "\n".join(lines + _noise_lines(report))


def _count(found: Contacts) -> str:
    return f"{found.particles_near_other_half} ({100 * found.share_near_other_half:.1f} %)"


def _contact(found: Contact) -> str:
    return f"{found.first} – {found.second}: {found.distance_angstrom:.1f} Å"


def _noise_lines(report: SplitReport) -> list[str]:
    noise = report.noise_fsc
    if noise is None:
        return ["FSC of the noise  not expected: tilt series (--t) or box are not known"]
    rows = zip(noise.resolution_angstrom, noise.before, noise.after, strict=True)
    return ["FSC that shared noise alone is expected to give"] + [
        f"  at {resolution:6.1f} Å {' ' * 24} {before:12.4f}       {after:12.4f}" for resolution, before, after in rows
    ]
