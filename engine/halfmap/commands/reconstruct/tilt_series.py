"""``halfmap reconstruct``: an average of particles with known poses, from their tilt series."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from halfmap.commands.point_group import point_group
from halfmap.engine.averaging.average import prepare_average
from halfmap.engine.averaging.files import AverageFolder
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.sources import Effort, Sources
from halfmap.engine.errors import BadInput
from halfmap.engine.extraction.settings import size_problems
from halfmap.engine.formats import labels
from halfmap.engine.formats.optimisation_set import NamedFiles, named_files
from halfmap.engine.job_program import CheckAbort, JobProgram
from halfmap.engine.reporting.progress_bar import ProgressBar

_NOT_OFFERED = {
    "--nr_helical_asu": "helical symmetry is not imposed",
    "--helical_twist": "helical symmetry is not imposed",
    "--helical_rise": "helical symmetry is not imposed",
    "--no_recon": "sums without maps, which only measure time, are not offered",
}


def main(argv: Sequence[str]) -> int:
    """Average, and return the exit code."""
    options = parser().parse_args(argv)
    folder = AverageFolder(options.o)

    def refuse() -> None:
        if not (options.only_do_unfinished or options.overwrite):
            folder.refuse_results()

    return JobProgram(options.pipeline_control).run(lambda check_abort: _work(options, folder, check_abort), refuse)


def _work(options: argparse.Namespace, folder: AverageFolder, check_abort: CheckAbort) -> None:
    if options.only_do_unfinished and options.overwrite:
        raise BadInput("--only_do_unfinished goes on with sums and --overwrite removes them; give one of the two.")
    settings, effort = settings_of(options), effort_of(options)
    if options.only_do_unfinished and options.overwrite:
        raise BadInput("--only_do_unfinished keeps sums and --overwrite removes them; give one of the two.")
    sources = Sources(files_of(options), options.mask)
    folder.refuse_inputs(path for path in (options.i, options.mask, *sources.files.read) if path)
    average = prepare_average(sources, settings, effort, folder)
    check_abort()
    if options.overwrite:
        folder.remove_results()
    for note in average.notes:
        print(f" {note}")
    bar = ProgressBar(sys.stdout)

    def progress(done: int, total: int) -> None:
        check_abort()
        bar.show(done, total)

    print(f" Adding up {len(average.particles)} particles of {len(average.recordings)} tomograms", flush=True)
    for path in average.make(progress):
        print(f" Written: {path}")


def settings_of(options: argparse.Namespace) -> AverageSettings:
    """Check the options and group them; BadInput names all that is wrong."""
    crop = options.crop if options.crop > 0 else options.b
    problems = [
        (not 0 <= options.taper < float("inf"), f"--taper {options.taper:g}: must be 0 or more."),
        (not 0 <= options.cutoff_fract < 1, f"--cutoff_fract {options.cutoff_fract:g}: must be from 0 to below 1."),
        (options.SNR != options.SNR, "--SNR: a number is needed."),
    ]
    found = options.refused + size_problems(options.b, crop, options.bin) + [text for wrong, text in problems if wrong]
    group = point_group(options.sym, found)
    return AverageSettings(
        box_px=options.b,
        crop_px=crop,
        binning=options.bin,
        group=group,
        snr=options.SNR if options.SNR > 0 else None,
        multiply_ctf=not options.no_ctf,
        circle_crop=not options.no_circle_crop,
        whiten=options.whiten,
        taper_px=options.taper,
        dose_cutoff=options.cutoff_fract,
    )


def effort_of(options: argparse.Namespace) -> Effort:
    """What the average may take; particles are added by --j_in times --j_out threads where these are given."""
    for name in ("j", "j_in", "j_out"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise BadInput(f"--{name} {value}: at least one thread is needed.")
    inner, outer = options.j_in, options.j_out
    adding = options.j if inner is None and outer is None else (inner or 1) * (outer or 1)
    limit = options.mem if options.mem > 0 else None
    return Effort(options.j, adding, limit, keeps_sums=not options.no_backup)


def files_of(options: argparse.Namespace) -> NamedFiles:
    """Files of the optimisation set; those that are named by options win."""
    given = {labels.PARTICLES_FILE: options.p, labels.TOMOGRAMS_FILE: options.t, labels.TRAJECTORIES_FILE: options.mot}
    return named_files(options.i, given, {labels.PARTICLES_FILE: "--p", labels.TOMOGRAMS_FILE: "--t"})


class _Refused(argparse.Action):
    """An option of RELION's that is not offered: kept, to be refused by name with all other problems."""

    def __call__(self, _parser: object, options: argparse.Namespace, *_: object) -> None:
        options.refused = [*options.refused, f"{self.option_strings[0]}: {self.help}."]


def parser() -> argparse.ArgumentParser:
    """Describe the options, which are those of ``relion_tomo_reconstruct_particle``."""
    top = argparse.ArgumentParser(
        prog="halfmap reconstruct",
        description="Average particles with known poses from their tilt series.",
        epilog="With --from_images, extracted particles are averaged: halfmap reconstruct --from_images --help.",
        allow_abbrev=False,
    )
    add = top.add_argument
    add("--i", type=Path, metavar="SET.star", help="optimisation set")
    add("--p", type=Path, metavar="PARTICLES.star", help="particles [those of the set]")
    add("--t", type=Path, metavar="TOMOGRAMS.star", help="tomogram set [that of the set]")
    add("--mot", type=Path, metavar="MOTION.star", help="trajectories of the particles [those of the set]")
    add("--o", type=Path, required=True, metavar="DIR/", help="folder of the results")
    add("--mask", type=Path, metavar="M.mrc", help="tell the resolution of the half maps in this mask")
    add("--b", type=int, required=True, metavar="PX", help="box, in binned pixels")
    add("--crop", type=int, default=-1, metavar="PX", help="box of the final maps, the middle of the other [--b]")
    add("--bin", type=float, default=1.0, metavar="X", help="tilt-series pixels per voxel, may be a fraction [1]")
    add("--sym", default="C1", metavar="G", help="point group [C1]")
    add("--SNR", type=float, default=-1.0, metavar="X", help="signal-to-noise ratio of a Wiener filter [a heuristic]")
    _add_imaging(top)
    _add_running(top)
    return top


def _add_imaging(top: argparse.ArgumentParser) -> None:
    add = top.add_argument
    add("--no_ctf", action="store_true", help="do not multiply by CTF and dose filter")
    add("--whiten", action="store_true", help="divide by the power of each tilt image at each frequency")
    add("--no_circle_crop", action="store_true", help="do not fade what is cut out to 0 outside of a circle")
    add("--cutoff_fract", type=float, default=0.01, metavar="F", help="least share that the dose has left [0.01]")
    add("--taper", type=float, default=10.0, metavar="PX", help="width of the edge by which maps fade to 0 [10]")


def _add_running(top: argparse.ArgumentParser) -> None:
    add = top.add_argument
    add("--j", type=int, default=6, metavar="N", help="threads [6]")
    add("--j_in", type=int, metavar="N", help="together with --j_out: threads that add particles up [--j]")
    add("--j_out", type=int, metavar="N", help="the product of both counts; one that is not given is 1")
    add("--mem", type=float, default=-1.0, metavar="GB", help="memory that may be taken [as much as is useful]")
    add("--only_do_unfinished", action="store_true", help="go on with an average that was stopped")
    add("--no_backup", action="store_true", help="keep no sums to go on from")
    add("--overwrite", action="store_true", help="replace an earlier average in the folder")
    add("--theme", metavar="NAME", help="colours of RELION's output; there are none here")
    add("--pipeline_control", type=Path, metavar="DIR/", help="folder of the job's marker files")
    for flag, reason in _NOT_OFFERED.items():
        add(flag, action=_Refused, dest="refused", default=[], nargs="?", help=reason)
