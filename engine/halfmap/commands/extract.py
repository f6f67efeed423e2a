"""``halfmap extract``: particles cut out of tilt series, as 2D stacks or 3D pseudo-subtomograms."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from halfmap.engine.errors import BadInput
from halfmap.engine.extraction.places import ExtractionFolder
from halfmap.engine.extraction.plan import ExtractionOptions, ExtractionPlan, PlannedParticle, plan_extraction
from halfmap.engine.extraction.record import begin, check_record, record_of, refuse_results
from halfmap.engine.extraction.settings import ExtractionSettings
from halfmap.engine.extraction.tables import extracted_tables
from halfmap.engine.extraction.work import Extraction
from halfmap.engine.formats import labels
from halfmap.engine.formats.optimisation_set import NamedFiles, named_files, write_optimisation_set
from halfmap.engine.formats.picked_particles import read_picked_particles
from halfmap.engine.formats.recordings import read_recordings
from halfmap.engine.formats.star import write_star
from halfmap.engine.formats.tomograms import tilt_series_files, tomogram_names
from halfmap.engine.formats.trajectories import read_trajectories
from halfmap.engine.job_program import CheckAbort, JobProgram
from halfmap.engine.reporting.progress_bar import ProgressBar


def main(argv: Sequence[str]) -> int:
    """Extract, and return the exit code."""
    options = parser().parse_args(argv)
    folder = ExtractionFolder(_folder(options.o))

    def refuse() -> None:
        if not (options.only_do_unfinished or options.overwrite):
            refuse_results(folder)

    return JobProgram(options.pipeline_control).run(lambda check_abort: _work(options, folder, check_abort), refuse)


def parser() -> argparse.ArgumentParser:
    """Describe the options, which are those of ``relion_tomo_subtomo``."""
    top = argparse.ArgumentParser(
        prog="halfmap extract",
        allow_abbrev=False,
        description="Cut particles out of tilt series, multiplied by their CTF.",
    )
    add = top.add_argument
    add("--i", type=Path, metavar="SET.star", help="optimisation set")
    add("--p", type=Path, metavar="PARTICLES.star", help="particles [those of the set]")
    add("--t", type=Path, metavar="TOMOGRAMS.star", help="tomogram set [that of the set]")
    add("--mot", type=Path, metavar="MOTION.star", help="trajectories of the particles [those of the set]")
    add("--o", type=Path, required=True, metavar="DIR/", help="output folder")
    add("--b", type=int, required=True, metavar="PX", help="box in which images are multiplied by their CTF, binned")
    add("--crop", type=int, default=-1, metavar="PX", help="box that is written, the middle of the other [--b]")
    add("--bin", type=float, default=1.0, metavar="X", help="tilt-series pixels per pixel, may be a fraction [1]")
    add("--max_dose", type=float, default=-1.0, metavar="E", help="leave out images with more e/Å² before them [all]")
    add("--min_frames", type=int, default=1, metavar="N", help="leave out particles seen in fewer tilt images [1]")
    add("--stack2d", action="store_true", help="write 2D stacks instead of 3D pseudo-subtomograms")
    add("--float16", action="store_true", help="write half precision")
    add("--cutoff_fract", type=float, default=0.01, metavar="F", help="3D: least share that the dose has left [0.01]")
    add("--no_ctf", action="store_true", help="do not multiply by the CTF and the dose filter")
    add("--no_circle_crop", action="store_true", help="do not fade images to 0 outside of a circle")
    add("--no_ic", action="store_true", help="do not invert the contrast")
    add("--dont_apply_offsets", action="store_true", help="cut at the coordinates, and keep the offsets")
    add("--apply_orientations", action="store_true", help="make orientations the subtomogram frames")
    add("--j", type=int, default=1, metavar="N", help="threads [1]")
    add("--only_do_unfinished", action="store_true", help="keep images that are there and whole")
    add("--overwrite", action="store_true", help="replace an earlier extraction in the folder")
    add("--theme", metavar="NAME", help="colours of RELION's output; there are none here")
    add("--pipeline_control", type=Path, metavar="DIR/", help="folder of the job's marker files")
    return top


def _work(options: argparse.Namespace, folder: ExtractionFolder, check: CheckAbort) -> None:
    if options.j < 1:
        raise BadInput(f"--j is {options.j}; one thread or more is needed.")
    if options.only_do_unfinished and options.overwrite:
        raise BadInput("--only_do_unfinished keeps images and --overwrite removes them; give one of the two.")
    chosen, files = options_of(options), _files(options)
    _refuse_own_input(folder, files)
    plan = _plan(chosen, files)
    extraction = Extraction(plan, folder, options.j)
    record = record_of(chosen, _texts(plan, files), _image_files(plan))
    if options.only_do_unfinished:
        check_record(folder, record)
    _tell(plan)
    check()
    todo = extraction.unfinished() if options.only_do_unfinished else dict(plan.particles)
    extraction.check_files(todo)
    begin(folder, record, options.overwrite)
    _extract(extraction, todo, check)
    write_star(folder.particles, extracted_tables(plan, folder))
    entries = {**files.entries, labels.PARTICLES_FILE: folder.particles.as_posix()}
    write_optimisation_set(folder.optimisation_set, entries)
    print(f"\n Written: {folder.particles}\n Written: {folder.optimisation_set}")


def options_of(options: argparse.Namespace) -> ExtractionOptions:
    """Turn the command line into options of the engine; refuse values that mean nothing."""
    cutting = ExtractionSettings(
        options.b,
        options.crop if options.crop != -1 else options.b,
        options.bin,
        options.max_dose if options.max_dose >= 0 else np.inf,
        multiply_ctf=not options.no_ctf,
        circle_crop=not options.no_circle_crop,
        invert=not options.no_ic,
    )
    return ExtractionOptions(
        cutting,
        stacks=options.stack2d,
        short=options.float16,
        min_frames=options.min_frames,
        cutoff=options.cutoff_fract,
        apply_offsets=not options.dont_apply_offsets,
        apply_orientations=options.apply_orientations,
    )


def _folder(path: Path) -> Path:
    """Name the folder as STAR files do, relative to the project if it is inside."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def _files(options: argparse.Namespace) -> NamedFiles:
    given = {labels.PARTICLES_FILE: options.p, labels.TOMOGRAMS_FILE: options.t, labels.TRAJECTORIES_FILE: options.mot}
    return named_files(options.i, given, {labels.PARTICLES_FILE: "--p", labels.TOMOGRAMS_FILE: "--t"})


def _refuse_own_input(folder: ExtractionFolder, files: NamedFiles) -> None:
    for path in files.read:
        if path.resolve().is_relative_to(folder.folder.resolve()):
            raise BadInput(f"{path}: is read, so that results cannot go to the folder where it is; choose another --o.")
    if files.set_file is not None and files.set_file.resolve() == folder.optimisation_set.resolve():
        raise BadInput(f"{files.set_file}: is read, and a result would take its name; choose another --o.")


def _plan(chosen: ExtractionOptions, files: NamedFiles) -> ExtractionPlan:
    picked = read_picked_particles(files.particles)
    tomograms = files.file(labels.TOMOGRAMS_FILE)
    used = set(picked.tomograms)
    ordered = [name for name in tomogram_names(tomograms) if name in used]
    ordered += sorted(used - set(ordered))
    recordings = read_recordings(tomograms, Path(), ordered)
    motion = None
    if files.trajectories:
        tilts = {
            name: recordings[tomogram].series.tilts
            for name, tomogram in zip(picked.names, picked.tomograms, strict=True)
        }
        motion = read_trajectories(files.trajectories, tilts)
    return plan_extraction(picked, recordings, chosen, motion)


def _texts(plan: ExtractionPlan, files: NamedFiles) -> list[Path]:
    return files.read + tilt_series_files(files.file(labels.TOMOGRAMS_FILE), Path(), list(plan.recordings))


def _image_files(plan: ExtractionPlan) -> list[Path]:
    return list(dict.fromkeys(place.file for one in plan.recordings.values() for place in one.places))


def _tell(plan: ExtractionPlan) -> None:
    cutting = plan.options.cutting
    kind = "2D stacks" if plan.options.stacks else "3D pseudo-subtomograms"
    print(f" {plan.count} particles of {len(plan.recordings)} tomograms as {kind} of {cutting.crop_px} px")
    if plan.left_out:
        print(f" {plan.left_out} particles are left out: fewer than {plan.options.min_frames} tilt images show them")
    if cutting.cut_out_px != cutting.binning * cutting.box_px:
        exact = cutting.cut_out_px / cutting.box_px
        print(f" --b times --bin is no whole number: images are binned by {exact:.5f} rather than {cutting.binning:g}")


def _extract(extraction: Extraction, todo: Mapping[str, Sequence[PlannedParticle]], check: CheckAbort) -> None:
    bar = ProgressBar(sys.stdout)
    tomograms = extraction.plan.recordings
    for number, tomogram in enumerate(tomograms, 1):
        check()
        particles, count = todo[tomogram], len(extraction.plan.particles[tomogram])
        kept = f", {count - len(particles)} of them are there already" if count > len(particles) else ""
        print(f"\n Tomogram {tomogram} ({number} of {len(tomograms)}): {count} particles{kept}", flush=True)
        if particles:
            extraction.extract(tomogram, particles, check, bar.show)
