"""``halfmap split --inflation``: how much the FSC of the present half sets owes to neighbours in different halves."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from halfmap.commands.point_group import point_group
from halfmap.commands.split import add_input, inputs_of, write_report
from halfmap.engine.averaging.average import common_pixel_size
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.errors import BadInput
from halfmap.engine.extraction.settings import size_problems
from halfmap.engine.formats.located_particles import read_located_particles
from halfmap.engine.formats.placed_particles import read_placed_particles
from halfmap.engine.job_program import CheckAbort, JobProgram
from halfmap.engine.reporting.progress_bar import ProgressBar
from halfmap.engine.splitting.inflation import HalfSets, Inflation, measure_inflation
from halfmap.engine.splitting.inputs import particles_or_set
from halfmap.engine.splitting.outputs import check_outputs
from halfmap.engine.splitting.report import SplitReport
from halfmap.engine.splitting.settings import SplitSettings
from halfmap.engine.splitting.split import present_half_sets, split


def main(argv: Sequence[str]) -> int:
    """Measure, tell, and return the exit code."""
    options = parser().parse_args(argv)
    return JobProgram(None).run(lambda check_abort: _work(options, check_abort))


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="halfmap split --inflation",
        description="Compare the FSC of the present half sets with that of half sets that keep neighbours together.",
        allow_abbrev=False,
    )
    made.add_argument("--inflation", action="store_true", required=True, help="measure instead of writing half sets")
    add_input(made)
    made.add_argument("--b", dest="box", type=int, required=True, metavar="PX", help="box, in binned pixels")
    made.add_argument("--crop", type=int, default=-1, metavar="PX", help="box of the maps to compare [that of --b]")
    made.add_argument("--bin", dest="binning", type=float, default=1.0, metavar="X", help="binning factor [1]")
    made.add_argument("--sym", default="C1", help="point group [C1]")
    made.add_argument("--distance", type=float, metavar="Å", help="how close neighbours are [the edge of the box]")
    made.add_argument("--cut_above", type=float, default=0.6, metavar="SHARE", help="see halfmap split [0.6]")
    made.add_argument("--seed", type=int, default=1, metavar="N", help="all random numbers follow from it [1]")
    made.add_argument("--j", dest="threads", type=int, default=1, metavar="N", help="threads [1]")
    made.add_argument("--report", type=Path, metavar="FILE.json", help="write all figures as JSON, too")
    made.add_argument("--overwrite", action="store_true", help="replace a report of this name")
    return made


def settings_of(options: argparse.Namespace) -> AverageSettings:
    """Check the options of the maps and group them; BadInput names what is wrong."""
    crop = options.crop if options.crop > 0 else options.box
    problems = size_problems(options.box, crop, options.binning)
    if options.threads < 1:
        problems.append(f"--j {options.threads}: at least one thread is needed.")
    return AverageSettings(options.box, crop, options.binning, point_group(options.sym, problems))


def _work(options: argparse.Namespace, check_abort: CheckAbort) -> None:
    settings = settings_of(options)
    files = particles_or_set(options.input, options.tomograms)
    if files.tomograms is None:
        raise BadInput("--t: no tomogram set is named; half maps are made from the tilt series.")
    if options.report:
        check_outputs([options.report], inputs_of(options, files), options.overwrite)
    located, _ = read_located_particles(files.particles, files.tomograms)
    placed = read_placed_particles(files.particles, files.tomograms, files.trajectories, Path())
    voxel = settings.binning * common_pixel_size(placed[1])
    distance = settings.crop_px * voxel if options.distance is None else options.distance
    chosen = SplitSettings("neighbourhood", distance, None, options.cut_above, options.seed)
    together, report = split(located, chosen)
    halves = HalfSets(present_half_sets(located, options.seed)[0], together)
    bar = ProgressBar(sys.stdout)

    def progress(done: int, total: int) -> None:
        check_abort()
        bar.show(done, total)

    print(" Adding up particles ...", flush=True)
    found = measure_inflation(placed, halves, settings, voxel, options.threads, progress)
    print(inflation_text(found, report))
    if options.report:
        write_report(options.report, {"split": asdict(report), "inflation": asdict(found)})
        print(f"written: {options.report}")


def inflation_text(found: Inflation, report: SplitReport) -> str:
    """Lay both curves out, a shell in each line, and what they come to."""
    rows = zip(found.shell_resolution_angstrom, found.present, found.together, found.difference, strict=True)
    lines = ["shell  resolution   present  together  difference"]
    lines += [
        f"{shell:5d}  {'inf' if angstrom is None else format(angstrom, '.2f'):>10}  {present:8.4f}  {together:8.4f}  "
        f"{difference:+10.4f}"
        for shell, (angstrom, present, together, difference) in enumerate(rows)
    ]
    return "\n".join(
        [
            *lines,
            f"present half sets: {report.before_is}; {report.before.pairs_across} of {report.close_pairs} pairs within "
            f"{report.distance_angstrom:.1f} Å are in different halves, {report.after.pairs_across} of them with "
            f"neighbours together",
            f"resolution at FSC 0.143: {_angstrom(found.present_143_angstrom)} with the present half sets, "
            f"{_angstrom(found.together_143_angstrom)} with neighbours together",
        ]
    )


def _angstrom(resolution: float | None) -> str:
    return "none" if resolution is None else f"{resolution:.2f} Å"
