"""Looking at a job before its start: whether its inputs agree with each other, and whether it fits the machine."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Literal

from halfmap.contract.conversion import launch_problems
from halfmap.contract.job_form import JobForm
from halfmap.contract.job_types import input_files
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon import refinement_inputs as inputs
from halfmap.daemon.command import Demand
from halfmap.daemon.memory_model import disk_mb, memory_mb_per_rank
from halfmap.daemon.particle_file import BadParticleFile, OpticsGroup, ParticleFile, read_particle_file
from halfmap.daemon.refinement_inputs import NamedFiles, Remark

_MUCH = 0.8
_MB = 2.0**20
_UNKNOWN_GROUP = OpticsGroup(0, 0.0)

Peaks = Mapping[tuple[str, int, int], float]


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found.

    Attributes
    ----------
    problems
        What keeps the job from running, in sentences.
    warnings
        What may.
    memory_mb_per_rank, memory_mb_per_card
        Predicted; None if that cannot be told. Of cards nothing is predicted: this version's engine uses none.
    disk_mb
        Predicted size of all iterations' files; 0 if that cannot be told.
    box_px, pixel_size_angstrom, particles
        Of the particle file; 0 if it could not be read.
    tilts
        Mean number of tilt images of a particle; 0 if that is not told.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    memory_mb_per_rank: float | None = None
    memory_mb_per_card: float | None = None
    disk_mb: float = 0.0
    box_px: int = 0
    pixel_size_angstrom: float = 0.0
    particles: int = 0
    tilts: float = 0.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine and the disk: all in MB. `is_here` says whether the job will run on this machine."""

    memory_mb: float
    free_disk_mb: float
    is_here: bool = True


def check(
    project: Path,
    job: JobForm,
    demand: Demand,
    peaks: Peaks,
    engine: Literal["halfmap", "relion"],
    around: Surroundings | None = None,
) -> Preflight:
    """Look at a job's inputs.

    Parameters
    ----------
    project
        Absolute; the job's paths are relative to it.
    demand
        What the job takes.
    peaks
        See `halfmap.daemon.memory_model.memory_mb_per_rank`.
    engine
        What is to run: RELION's program takes inputs that halfmap's engine refuses. Its memory is not predicted.
    around
        What the job has to fit into; None for this machine and the project's disk.
    """
    if not isinstance(job, Refine3D):
        return Preflight(problems=tuple(_missing_files(project, job)))
    around = around or surroundings(project)
    is_halfmap = engine == "halfmap"
    remarks = [Remark(text) for text in (launch_problems(job) if is_halfmap else [])]
    files = _named(project, job)
    remarks += files.remarks
    particles = _particles(project, files, remarks)
    if particles is None:
        return _concluded(remarks, Preflight())
    group = next(iter(particles.optics.values()), _UNKNOWN_GROUP)
    remarks += inputs.about_tomograms(project, files.tomograms, particles)
    remarks += inputs.about_particles(project, files.particles, particles)
    remarks += inputs.about_volumes(job, particles) if is_halfmap else []
    if group.box_px > 0 and group.pixel_size_angstrom > 0:
        remarks += _about_maps(project, job, files, group, is_halfmap)
    found = _facts(job, demand, peaks if is_halfmap else None, particles, group)
    return _concluded([*remarks, *_about_scratch(job, around), *about_room(found, demand.ranks, around)], found)


def _missing_files(project: Path, job: JobForm) -> Iterator[str]:
    """Tell which files a job takes that are not there; what is in them its program looks at itself."""
    for _, name, _ in input_files(job):
        if not (project / name).is_file():
            yield f"{name}: does not exist. Paths are relative to the project."


def surroundings(project: Path, is_here: bool = True) -> Surroundings:
    """Tell what a job of a project has to fit into."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Surroundings(memory / _MB, shutil.disk_usage(project).free / _MB, is_here)


def about_room(found: Preflight, ranks: int, around: Surroundings) -> Iterator[Remark]:
    """Compare what is predicted with what there is."""
    memory, there, free = found.memory_mb_per_rank or 0.0, around.memory_mb, around.free_disk_mb
    if around.is_here and memory > there:
        need = f"One rank needs about {_gb(memory)} of memory; this machine has {_gb(there)}"
        yield Remark(f"{need}. Skip the padding, or extract the particles in a smaller box.")
    elif around.is_here and ranks * memory > _MUCH * there:
        need = f"{ranks} ranks of {_gb(memory)} need about {_gb(ranks * memory)} of memory"
        yield Remark(f"{need}; this machine has {_gb(there)}.", keeps=False)
    if found.disk_mb > free:
        yield Remark(f"The files of all iterations need about {_gb(found.disk_mb)}; {_gb(free)} are free on the disk.")
    elif found.disk_mb > _MUCH * free:
        text = f"The files of all iterations need about {_gb(found.disk_mb)} of {_gb(free)} free on the disk."
        yield Remark(text, keeps=False)


def _named(project: Path, job: Refine3D) -> NamedFiles:
    if job.continues_a_run:
        return inputs.files_of_a_continued_run(project, job.fn_cont)
    return inputs.files_of_a_new_run(project, job)


def _particles(project: Path, files: NamedFiles, remarks: list[Remark]) -> ParticleFile | None:
    """Read the particle file; what is wrong with it is added to the remarks."""
    if not files.particles:
        if not remarks:
            remarks.append(Remark("No file of particles is named, nor an optimisation set that names one."))
        return None
    try:
        return read_particle_file(project / files.particles, files.particles)
    except BadParticleFile as error:
        remarks.append(Remark(str(error)))
        return None


def _about_maps(
    project: Path, job: Refine3D, files: NamedFiles, group: OpticsGroup, is_halfmap: bool
) -> Iterator[Remark]:
    if files.box_px and files.box_px != group.box_px:
        text = f"{files.particles}: images of {group.box_px} px, but the run to go on with has {files.box_px} px."
        yield Remark(f"{text} Particles were exchanged.")
    if not job.continues_a_run and job.fn_ref not in ("", "None"):
        yield from inputs.about_reference(project, job, group)
    yield from inputs.about_mask(project, job, group, is_halfmap)
    yield from inputs.about_diameter(job, group)


def _about_scratch(job: Refine3D, around: Surroundings) -> Iterator[Remark]:
    """A folder on the machine where the job runs; elsewhere nothing can be said about it."""
    folder = "" if job.do_preread_images else job.scratch_dir
    if folder and around.is_here and not (Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        yield Remark(f"{folder}: the scratch directory is not there, or cannot be written.")


def _facts(
    job: Refine3D, demand: Demand, peaks: Peaks | None, particles: ParticleFile, group: OpticsGroup
) -> Preflight:
    """Predict what the job takes; without `peaks`, how much memory is not told."""
    box = group.box_px
    memory = None
    if box > 0 and peaks is not None:
        memory = memory_mb_per_rank(box, 1 if job.do_pad1 else 2, peaks)
        memory += _images_mb(particles, box) / max(1, demand.ranks - 1) if job.do_preread_images else 0.0
    return Preflight(
        memory_mb_per_rank=memory,
        disk_mb=disk_mb(box, particles.particles, particles.size_bytes, job.do_solvent_fsc),
        box_px=box,
        pixel_size_angstrom=group.pixel_size_angstrom,
        particles=particles.particles,
        tilts=mean([image.visible or 0 for image in particles.sample]),
    )


def _images_mb(particles: ParticleFile, box: int) -> float:
    """All images in single precision."""
    images = mean([image.visible or box for image in particles.sample])
    return particles.particles * images * box * box * 4 / _MB


def _concluded(remarks: list[Remark], found: Preflight) -> Preflight:
    sentences = dict.fromkeys(remarks)
    return Preflight(
        tuple(remark.text for remark in sentences if remark.keeps),
        tuple(remark.text for remark in sentences if not remark.keeps),
        found.memory_mb_per_rank,
        found.memory_mb_per_card,
        found.disk_mb,
        found.box_px,
        found.pixel_size_angstrom,
        found.particles,
        found.tilts,
    )


def _gb(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 100 else f"{megabytes:.0f} MB"
