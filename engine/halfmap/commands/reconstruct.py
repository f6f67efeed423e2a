"""``halfmap reconstruct``: an average of particles with known poses, from their tilt series."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from halfmap.engine.averaging.average import AverageFiles, average
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.optimisation_set import read_optimisation_set
from halfmap.engine.job_program import CheckAbort, JobProgram
from halfmap.engine.reporting.progress_bar import ProgressBar
from halfmap.engine.sampling.symmetry import PointGroup

_NOT_OFFERED = {
    "--nr_helical_asu": "helical symmetry is not imposed",
    "--helical_twist": "helical symmetry is not imposed",
    "--helical_rise": "helical symmetry is not imposed",
    "--whiten": "noise is not whitened yet",
    "--mem": "memory is not bounded yet",
    "--only_do_unfinished": "an average is not continued; start it anew in an empty folder",
    "--no_recon": "sums without maps are not kept",
}
_MERELY_RELIONS = {
    "--j_out": "RELION's threads over particles; here --j alone counts",
    "--j_in": "RELION's threads within a particle; here --j alone counts",
    "--theme": "colours of RELION's output; there are none here",
}


def main(argv: Sequence[str]) -> int:
    """Average, and return the exit code."""
    options = parser().parse_args(argv)
    control = Path(options.pipeline_control) if options.pipeline_control else None
    return JobProgram(control).run(lambda check_abort: _work(options, check_abort))


def _work(options: argparse.Namespace, check_abort: CheckAbort) -> None:
    settings = settings_of(options)
    files = AverageFiles(entries_of(options), Path(options.out), Path(), options.overwrite)
    bar = ProgressBar(sys.stdout)

    def progress(done: int, total: int) -> None:
        check_abort()
        bar.show(done, total)

    print(" Adding up particles ...", flush=True)
    for path in average(files, settings, options.threads, progress):
        print(f" Written: {path}")
    print(" Done!")


def settings_of(options: argparse.Namespace) -> AverageSettings:
    """Check the options and group them; BadInput names what is wrong."""
    crop = options.crop if options.crop > 0 else options.box
    problems = [
        (options.box <= 0 or options.box % 2, f"--b {options.box}: the box must be even and above 0."),
        (
            crop % 2 or crop > options.box,
            f"--crop {crop}: must be even and no larger than the box (--b {options.box}).",
        ),
        (options.binning < 1, f"--bin {options.binning:g}: must be 1 or more."),
        (options.taper < 0, f"--taper {options.taper:g}: must be 0 or more."),
        (not 0 <= options.cutoff_fract < 1, f"--cutoff_fract {options.cutoff_fract:g}: must be from 0 to 1."),
        (options.threads < 1, f"--j {options.threads}: at least one thread is needed."),
    ]
    found = options.refused + [text for wrong, text in problems if wrong]
    try:
        group = PointGroup.parse(options.sym)
    except ValueError as error:
        found.append(f"--sym: {error}.")
    if found:
        raise BadInput(*found)
    return AverageSettings(
        box_px=options.box,
        crop_px=crop,
        binning=options.binning,
        group=group,
        snr=options.snr if options.snr > 0 else None,
        multiply_ctf=not options.no_ctf,
        circle_crop=not options.no_circle_crop,
        taper_px=options.taper,
        dose_cutoff=options.cutoff_fract,
    )


def entries_of(options: argparse.Namespace) -> dict[str, str]:
    """Entries of the optimisation set; files that are named by options win."""
    entries = read_optimisation_set(Path(options.optimisation_set)) if options.optimisation_set else {}
    if options.particles:
        entries[labels.PARTICLES_FILE] = options.particles
    if options.tomograms:
        entries[labels.TOMOGRAMS_FILE] = options.tomograms
    if options.trajectories:
        entries[labels.TRAJECTORIES_FILE] = options.trajectories
    missing = [
        f"{flag}: no {what} named; give it, or an optimisation set by --i."
        for label, flag, what in (
            (labels.PARTICLES_FILE, "--p", "particles are"),
            (labels.TOMOGRAMS_FILE, "--t", "tomogram set is"),
        )
        if not entries.get(label)
    ]
    if missing:
        raise BadInput(*missing)
    return entries


class _Refused(argparse.Action):
    """An option of RELION's that is not offered: kept, to be refused by name with all other problems."""

    def __call__(self, _parser: object, options: argparse.Namespace, *_: object) -> None:
        options.refused = [*options.refused, f"{self.option_strings[0]}: {self.help}."]


def parser() -> argparse.ArgumentParser:
    """Describe the options, spelled as those of relion_tomo_reconstruct_particle."""
    made = argparse.ArgumentParser(
        prog="halfmap reconstruct",
        description="Average particles with known poses from their tilt series.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--i", dest="optimisation_set", metavar="SET.star", help="optimisation set")
    add("--p", dest="particles", metavar="PARTICLES.star", help="particles; wins over the set's")
    add("--t", dest="tomograms", metavar="TOMOGRAMS.star", help="tomogram set; wins over the set's")
    add("--mot", dest="trajectories", metavar="MOTION.star", help="trajectories of particles; wins over the set's")
    add("--o", dest="out", required=True, metavar="DIR/", help="folder of the results")
    add("--b", dest="box", type=int, required=True, metavar="PX", help="box, in binned pixels")
    add("--crop", type=int, default=-1, metavar="PX", help="box of the final maps [that of --b]")
    add("--bin", dest="binning", type=float, default=1.0, metavar="X", help="binning factor [1]")
    add("--SNR", dest="snr", type=float, default=-1.0, metavar="X", help="signal-to-noise ratio of a Wiener filter")
    add("--sym", default="C1", help="point group [C1]")
    add("--taper", type=float, default=10.0, metavar="PX", help="width of the edge by which maps fade to 0 [10]")
    add("--cutoff_fract", type=float, default=0.01, metavar="X", help="least share left by the dose filter [0.01]")
    add("--no_ctf", action="store_true", help="do not multiply by CTF and dose filter")
    add("--no_circle_crop", action="store_true", help="do not fade what is cut out to 0 outside of a circle")
    add("--j", dest="threads", type=int, default=6, metavar="N", help="threads [6]")
    add("--overwrite", action="store_true", help="replace an average that is there already")
    add("--pipeline_control", metavar="DIR/", help="folder for RELION's marker files")
    for flag, reason in _NOT_OFFERED.items():
        add(flag, action=_Refused, dest="refused", default=[], nargs="?", help=reason)
    for flag, reason in _MERELY_RELIONS.items():
        add(flag, help=reason)
    return made
