"""Cutting out and writing the particles of a plan."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from threadpoolctl import threadpool_limits

from halfmap.engine.errors import BadInput
from halfmap.engine.extraction.cutting import cut_out, extract_stack
from halfmap.engine.extraction.insertion import put_together, used_pixels
from halfmap.engine.extraction.places import ExtractionFolder
from halfmap.engine.extraction.plan import ExtractionPlan, PlannedParticle
from halfmap.engine.formats.mrc import read_stack_header, write_stack, write_volume
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.job_program import CheckAbort

Progress = Callable[[int, int], None]
"""Told how many particles of how many are done."""


@dataclass(frozen=True)
class ImageFile:
    """A file of images that a particle has.

    Parameters
    ----------
    path
        Where it is.
    shape
        Images or planes, rows, columns.
    """

    path: Path
    shape: tuple[int, int, int]

    def is_whole(self, bytes_per_value: int) -> bool:
        """Tell whether it is there, of the right shape and length."""
        if not self.path.exists() or self.path.stat().st_size != self.size(bytes_per_value):
            return False
        try:
            header = read_stack_header(self.path)
        except BadInput:
            return False
        return (header.images, header.height_px, header.width_px) == self.shape

    def size(self, bytes_per_value: int) -> int:
        """Length in bytes."""
        return 1024 + int(np.prod(self.shape)) * bytes_per_value


@dataclass(frozen=True)
class Extraction:
    """Does what a plan says.

    Parameters
    ----------
    plan
        What is extracted.
    folder
        Where to.
    threads
        Particles at a time (`--j`); one tomogram's images are in memory.
    """

    plan: ExtractionPlan
    folder: ExtractionFolder
    threads: int = 1

    def files_of(self, tomogram: str, particle: PlannedParticle) -> list[ImageFile]:
        """Name the files that a particle will have."""
        crop = self.plan.options.cutting.crop_px
        if self.plan.options.stacks:
            count = int(np.count_nonzero(particle.visible))
            return [ImageFile(self.folder.stack(tomogram, particle.name), (count, crop, crop))]
        return [
            ImageFile(self.folder.data(tomogram, particle.name), (crop, crop, crop)),
            ImageFile(self.folder.weights(tomogram, particle.name), (2 * crop, crop, crop // 2 + 1)),
        ]

    def unfinished(self) -> dict[str, list[PlannedParticle]]:
        """Particles of each tomogram whose files are not all there and whole."""
        return {
            tomogram: [
                particle
                for particle in particles
                if not all(file.is_whole(self._bytes_per_value) for file in self.files_of(tomogram, particle))
            ]
            for tomogram, particles in self.plan.particles.items()
        }

    def check_files(self, unfinished: Mapping[str, Sequence[PlannedParticle]]) -> None:
        """Refuse particles that share a file, and a file system that has no room for all images."""
        owners: dict[Path, str] = {}
        for tomogram, particles in self.plan.particles.items():
            for particle in particles:
                path = self.files_of(tomogram, particle)[0].path
                if path in owners:
                    raise BadInput(
                        f"{path}: would hold both {owners[path]} and {particle.name}; give them other names."
                    )
                owners[path] = particle.name
        needed = sum(
            file.size(self._bytes_per_value)
            for tomogram, particles in unfinished.items()
            for particle in particles
            for file in self.files_of(tomogram, particle)
        )
        free = shutil.disk_usage(_existing(self.folder.folder)).free
        if free < needed:
            raise BadInput(
                f"{self.folder.folder}: {free >> 20} MB free, but the images take {needed >> 20} MB; make room or "
                f"choose another --o."
            )

    def extract(self, tomogram: str, particles: Sequence[PlannedParticle], check: CheckAbort, show: Progress) -> None:
        """Cut out and write particles of one tomogram."""
        recording = self.plan.recordings[tomogram]
        images = recording.images(np.any([particle.visible for particle in particles], axis=0))
        show(0, len(particles))
        for folder in {file.path.parent for one in particles for file in self.files_of(tomogram, one)}:
            _prepare(folder)
        with threadpool_limits(1), ThreadPoolExecutor(self.threads) as executor:
            work = [executor.submit(self._write, recording, images, particle) for particle in particles]
            try:
                for done, future in enumerate(as_completed(work), 1):
                    check()
                    future.result()
                    show(done, len(particles))
            except BaseException:
                executor.shutdown(cancel_futures=True)
                raise

    @property
    def _bytes_per_value(self) -> int:
        return 2 if self.plan.options.short else 4

    def _write(
        self, recording: Recording, images: Float32[np.ndarray, "tilts height width"], particle: PlannedParticle
    ) -> None:
        options, series = self.plan.options, recording.series
        files = [file.path for file in self.files_of(series.name, particle)]
        position, visible, motion = particle.position_px, particle.visible, particle.motion_px
        pixel = series.pixel_size_angstrom * options.cutting.binning
        if options.stacks:
            stack = extract_stack(
                images, series, recording.microscope, position, visible, options.cutting, motion_px=motion
            )
            write_stack(files[0], self._precise(stack, particle), pixel)
            return
        found = cut_out(images, series, recording.microscope, position, visible, options.cutting, motion_px=motion)
        used = used_pixels(
            series.ctf_at(position, visible), options.cutting, series.pixel_size_angstrom, options.cutoff
        )
        made = put_together(found, series.rotations[visible] @ particle.rotation, used, options.cutting)
        write_volume(files[0], self._precise(made.data, particle), pixel)
        write_volume(files[1], self._precise(made.weights, particle), 1 / pixel)

    def _precise(self, values: np.ndarray, particle: PlannedParticle) -> np.ndarray:
        if not self.plan.options.short:
            return values
        with np.errstate(over="ignore"):
            short = values.astype(np.float16)
        if not np.isfinite(short).all():
            raise BadInput(
                f"{particle.name}: values up to {np.abs(values).max():.3g} are too large for float16; "
                f"leave --float16 out."
            )
        return short


def _prepare(folder: Path) -> None:
    """Make a folder, and remove what an extraction that was killed was writing there."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob(".*.mrc*.*.tmp"):
        file.unlink(missing_ok=True)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.absolute().parent)
