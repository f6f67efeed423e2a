"""``halfmap reconstruct --from_images``: an average of extracted particles with known poses."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from halfmap.commands.point_group import point_group
from halfmap.engine.averaging.image_average import ImageAverageSettings, average_images, of_one_grid
from halfmap.engine.averaging.image_insertion import ImageContents
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.fsc_table import read_fsc
from halfmap.engine.formats.mrc import write_map
from halfmap.engine.formats.optimisation_set import named_files
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set
from halfmap.engine.fourier.transform import window_map
from halfmap.engine.job_program import CheckAbort, JobProgram, refuse_existing
from halfmap.engine.particles.particle import ParticleSet
from halfmap.engine.reporting.progress_bar import ProgressBar
from halfmap.engine.setup.stacks import check_stacks


def main(argv: Sequence[str]) -> int:
    """Average, and return the exit code."""
    options = parser().parse_args(argv)
    return JobProgram(options.pipeline_control).run(
        lambda check_abort: _work(options, check_abort), lambda: refuse_existing(options.o, options.overwrite)
    )


def parser() -> argparse.ArgumentParser:
    """Describe the options, which are those of ``relion_reconstruct`` as far as they concern extracted particles."""
    top = argparse.ArgumentParser(
        prog="halfmap reconstruct --from_images",
        description="Average extracted particles with known poses: RELION-5 2D stacks, or 3D pseudo-subtomograms.",
        allow_abbrev=False,
    )
    add = top.add_argument
    add("--i", type=Path, metavar="PARTICLES.star", help="particles [those of the set]")
    add("--ios", type=Path, metavar="SET.star", help="optimisation set")
    add("--tomograms", type=Path, metavar="TOMOGRAMS.star", help="tomogram set [that of the set]")
    add("--o", type=Path, default=Path("relion.mrc"), metavar="MAP.mrc", help="map to write [relion.mrc]")
    add("--sym", default="C1", metavar="G", help="point group [C1]")
    add("--ctf", action="store_true", help="correct for the CTF")
    add("--normalised_subtomo", action="store_true", help="volumes are averages over tilt images instead of sums")
    add("--ctf3d_not_squared", action="store_true", help="CTF volumes hold the CTF instead of its square")
    add("--maxres", type=float, default=-1.0, metavar="Å", help="largest resolution that is used [Nyquist]")
    add("--fsc", type=Path, metavar="FSC.star", help="filter by this gold-standard FSC between half maps")
    add("--subset", type=int, choices=(-1, 1, 2), default=-1, help="half set [-1: all particles]")
    add("--newbox", type=int, default=-1, metavar="PX", help="box of the map, cropped or padded [that of the images]")
    add("--pad", type=int, choices=(1, 2), default=2, help="padding factor [2]")
    add("--angpix", type=float, default=-1.0, metavar="Å", help="pixel size [that of the particle file]")
    add("--j", type=int, default=1, metavar="N", help="threads [1]")
    add("--overwrite", action="store_true", help="replace the map if it is there")
    add("--pipeline_control", type=Path, metavar="DIR/", help="folder of the job's marker files")
    return top


def _work(options: argparse.Namespace, check_abort: CheckAbort) -> None:
    settings = settings_of(options)
    _refuse_own_input(options)
    particles = of_one_grid(_particles(options), options.angpix if options.angpix > 0 else None)
    check_stacks(particles)
    fsc = read_fsc(options.fsc) if options.fsc else None
    members = list(range(len(particles)))
    if options.subset > 0:
        members = particles.members(options.subset).tolist()
    if not members:
        raise BadInput(f"--subset {options.subset}: no particle is in this half set ({labels.RANDOM_SUBSET}).")
    bar = ProgressBar(sys.stdout)

    def progress(done: int) -> None:
        check_abort()
        bar.show(done, len(members))

    print(f" Adding up {len(members)} particles", flush=True)
    progress(0)
    density = average_images(particles, members, settings, fsc, progress)
    if options.newbox > 0:
        density = window_map(density, options.newbox)
    write_map(options.o, density, particles.optics_groups[0].pixel_size_angstrom)
    print(f" Written: {options.o}")


def _refuse_own_input(options: argparse.Namespace) -> None:
    for path in (options.i, options.ios, options.tomograms, options.fsc):
        if path is not None and path.resolve() == options.o.resolve():
            raise BadInput(f"{path}: is read, and the map would take its name; give another --o.")


def settings_of(options: argparse.Namespace) -> ImageAverageSettings:
    """Check the options and group them; BadInput names all that is wrong."""
    problems = [
        (options.j < 1, f"--j {options.j}: at least one thread is needed."),
        (options.newbox > 0 and options.newbox % 2, f"--newbox {options.newbox}: must be even."),
    ]
    found = [text for wrong, text in problems if wrong]
    group = point_group(options.sym, found)
    limit = options.maxres if options.maxres > 0 else None
    contents = ImageContents(options.ctf, options.normalised_subtomo, not options.ctf3d_not_squared)
    return ImageAverageSettings(group, contents, limit, options.pad, options.j)


def _particles(options: argparse.Namespace) -> ParticleSet:
    given = {labels.PARTICLES_FILE: options.i, labels.TOMOGRAMS_FILE: options.tomograms}
    files = named_files(options.ios, given, {labels.PARTICLES_FILE: "--i"}, "--ios")
    path = files.particles
    particles = read_particle_set(path, read_particle_file(path), files.tomograms, Path())
    if particles.are_volumes:
        return particles
    given_in_vain = [name for name in ("normalised_subtomo", "ctf3d_not_squared") if getattr(options, name)]
    if given_in_vain:
        raise BadInput(*(f"--{name}: is for 3D pseudo-subtomograms; {path} names 2D stacks." for name in given_in_vain))
    return particles
