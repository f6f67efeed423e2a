"""Looking at a job's inputs before its start: whether they are there, agree with each other, and fit the machine."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from halfmap.contract import job_directory
from halfmap.contract.conversion import launch_problems
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.command import Demand
from halfmap.daemon.memory_model import disk_mb, memory_mb_per_rank
from halfmap.daemon.mrc_header import BadHeader, MrcHeader, read_mrc_header
from halfmap.daemon.particle_file import BadParticleFile, ParticleFile, SampledImage, read_particle_file
from halfmap.daemon.star_head import read_whole_tables

_SAME_PIXEL_ANGSTROM = 0.001
"""As the engine has it (`halfmap.engine.setup.maps`)."""
_MUCH = 0.8
_TOLD_AT_ONCE = 5
_HEAD_BYTES = 100_000


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
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    memory_mb_per_rank: float | None = None
    memory_mb_per_card: float | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine and the disk: all in MB."""

    memory_mb: float
    free_disk_mb: float


def check(
    project: Path,
    job: Refine3D,
    demand: Demand,
    peaks: Mapping[tuple[str, int, int], float],
    engine: Literal["halfmap", "relion"],
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
        What is to run: RELION's program takes inputs that halfmap's engine refuses, and is asked for less.
    """
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
    around = Surroundings(pages, shutil.disk_usage(project).free / 2**20)
    return _Check(project, job, demand, peaks, engine, around).run()


class _Check:
    """One pre-flight; the first step that fails keeps those from running that need it."""

    def __init__(
        self,
        project: Path,
        job: Refine3D,
        demand: Demand,
        peaks: Mapping[tuple[str, int, int], float],
        engine: str,
        around: Surroundings,
    ) -> None:
        self._project, self._job, self._demand, self._peaks = project, job, demand, peaks
        self._is_halfmap, self._around = engine == "halfmap", around
        self._problems: list[str] = []
        self._warnings: list[str] = []

    def run(self) -> Preflight:
        """Look at everything."""
        if self._is_halfmap:
            self._problems += launch_problems(self._job)
        if self._job.scratch_dir and not os.access(self._job.scratch_dir, os.W_OK):
            self._problems.append(f"{self._job.scratch_dir}: the scratch directory is not there, or cannot be written.")
        if self._job.continues_a_run:
            self._continued()
            return self._found(None)
        particles = self._particles()
        if particles is None:
            return self._found(None)
        box, pixel = _size(particles)
        self._problems += list(self._stacks(particles, box))[:_TOLD_AT_ONCE]
        self._half_sets(particles)
        self._maps(box, pixel)
        if box and pixel and self._job.particle_diameter > box * pixel:
            self._warnings.append(
                f"The particle diameter, {self._job.particle_diameter:g} Å, is more than the box, {box * pixel:g} Å."
            )
        return self._found(self._memory_and_disk(box, particles.particles) if box else None)

    def _found(self, memory_mb: float | None) -> Preflight:
        return Preflight(tuple(dict.fromkeys(self._problems)), tuple(self._warnings), memory_mb)

    def _continued(self) -> None:
        path = self._project / self._job.fn_cont
        root, iteration = str(path).rpartition("_it")[0], job_directory.iteration_of(path)
        if iteration is None or not path.is_file():
            self._problems.append(f"{self._job.fn_cont}: there is no such optimiser file of an iteration.")
            return
        for file in job_directory.iteration_files(root, iteration):
            if not file.is_file():
                self._problems.append(f"{file.relative_to(self._project)}: does not exist; it is needed to go on.")

    def _particles(self) -> ParticleFile | None:
        names = self._inputs()
        for name in names.values():
            if not (self._project / name).is_file():
                self._problems.append(f"{name}: does not exist. Paths are relative to the project, {self._project}.")
        if "particles" not in names:
            self._problems.append("No file of particles is named, nor an optimisation set that names one.")
        if self._problems:
            return None
        try:
            return read_particle_file(self._project / names["particles"], names["particles"])
        except BadParticleFile as error:
            self._problems.append(str(error))
            return None

    def _inputs(self) -> dict[str, str]:
        """Files of particles and tomograms by what they are, from the form or from the optimisation set."""
        job = self._job
        if job.fn_img or job.use_direct_entries:
            given = {"particles": job.fn_img or job.in_particles, "tomograms": job.in_tomograms}
            return {what: name for what, name in given.items() if name}
        if not job.in_optimisation:
            return {}
        path = self._project / job.in_optimisation
        tables = read_whole_tables(path, [""], _HEAD_BYTES) if path.is_file() else None
        values = tables[""].values() if tables else {}
        if not values:
            return {"the optimisation set": job.in_optimisation}
        labels = {"particles": "rlnTomoParticlesFile", "tomograms": "rlnTomoTomogramsFile"}
        return {what: values[label] for what, label in labels.items() if values.get(label)}

    def _stacks(self, particles: ParticleFile, box: int) -> Iterator[str]:
        """Look at some stacks; the engine looks at all."""
        for image in particles.sample:
            name = image.file.rpartition("@")[2]
            try:
                header = read_mrc_header(self._project / name, name)
            except BadHeader as error:
                yield str(error)
                continue
            yield from _stack_problems(name, header, image, _group_box(particles, image) or box)

    def _half_sets(self, particles: ParticleFile) -> None:
        found = particles.half_sets
        others = sorted(set(found) - {"1", "2"})
        if others:
            self._problems.append(f"rlnRandomSubset holds {', '.join(others[:5])}; half sets are 1 and 2.")
        elif found and len(found) < 2:
            self._problems.append(
                "All particles are in one half set (rlnRandomSubset); remove the column, or split them."
            )

    def _maps(self, box: int, pixel: float) -> None:
        reference = self._header(self._job.fn_ref.replace("half2", "half1"))
        if reference and self._differs(reference, box, pixel):
            found = f"{self._job.fn_ref}: {_in_words(reference)}, while the particles have {box} px at {pixel:g} Å"
            if self._job.trust_ref_size:
                self._warnings.append(f"{found}; it will be resized.")
            else:
                self._problems.append(f"{found}; choose to trust the reference's size, or give another map.")
        mask = self._header("" if self._job.fn_mask == "None" else self._job.fn_mask)
        if mask and self._differs(mask, box, pixel) and self._is_halfmap:
            self._problems.append(
                f"{self._job.fn_mask}: {_in_words(mask)}, while the particles have {box} px at {pixel:g} Å; bring the "
                "mask to their box and pixel size."
            )

    def _header(self, name: str) -> MrcHeader | None:
        if not name:
            return None
        try:
            header = read_mrc_header(self._project / name, name)
        except BadHeader as error:
            self._problems.append(str(error))
            return None
        if not header.columns == header.rows == header.sections:
            self._problems.append(f"{name}: {_in_words(header)} is no cube.")
            return None
        return header

    @staticmethod
    def _differs(header: MrcHeader, box: int, pixel: float) -> bool:
        known = header.pixel_size_angstrom > 0 and pixel > 0
        other_pixel = known and abs(header.pixel_size_angstrom - pixel) > _SAME_PIXEL_ANGSTROM
        return bool(box) and (header.columns != box or other_pixel)

    def _memory_and_disk(self, box: int, particles: int) -> float:
        memory = memory_mb_per_rank(box, 1 if self._job.do_pad1 else 2, self._peaks)
        together = memory * self._demand.ranks
        there, free = self._around.memory_mb, self._around.free_disk_mb
        disk = disk_mb(box, particles, self._job.do_solvent_fsc)
        if memory > there:
            self._problems.append(f"One rank needs about {_gb(memory)} of memory; this machine has {_gb(there)}.")
        elif together > _MUCH * there:
            ranks = f"{self._demand.ranks} ranks of {_gb(memory)}"
            self._warnings.append(f"{ranks} need about {_gb(together)} of memory; this machine has {_gb(there)}.")
        if disk > free:
            self._problems.append(
                f"The files of all iterations need about {_gb(disk)}; {_gb(free)} are free on the disk."
            )
        elif disk > _MUCH * free:
            self._warnings.append(
                f"The files of all iterations need about {_gb(disk)} of {_gb(free)} free on the disk."
            )
        return memory


def _size(particles: ParticleFile) -> tuple[int, float]:
    """Box (px) and pixel size (Å) of the first optics group; 0 where it is not told."""
    values = next(iter(particles.optics.values()), {})
    return int(_number(values.get("rlnImageSize"))), _number(values.get("rlnImagePixelSize"))


def _group_box(particles: ParticleFile, image: SampledImage) -> int:
    return int(_number(particles.optics.get(image.optics_group, {}).get("rlnImageSize")))


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _stack_problems(name: str, header: MrcHeader, image: SampledImage, box: int) -> Iterator[str]:
    if box and (header.columns, header.rows) != (box, box):
        yield f"{name}: images of {header.columns} × {header.rows} px, but rlnImageSize of its optics group is {box}."
    if image.visible is not None and header.sections != image.visible:
        yield f"{name}: holds {header.sections} images, but {image.visible} are visible (rlnTomoVisibleFrames)."


def _in_words(header: MrcHeader) -> str:
    cube = header.columns == header.rows == header.sections
    size = f"{header.columns} px" if cube else f"{header.columns} × {header.rows} × {header.sections} px"
    return f"{size} at {header.pixel_size_angstrom:g} Å" if header.pixel_size_angstrom > 0 else size


def _gb(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 100 else f"{megabytes:.0f} MB"
