"""An average from tilt series, from files to files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from halfmap.engine.averaging.files import AverageFolder
from halfmap.engine.averaging.maps import average_maps, symmetrised
from halfmap.engine.averaging.memory import Load, plan_load
from halfmap.engine.averaging.partial import SumsKeeper
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.sources import Effort, Sources
from halfmap.engine.averaging.summing import Watch, add_up, nothing_summed
from halfmap.engine.averaging.unseen import left_out
from halfmap.engine.errors import BadInput
from halfmap.engine.extraction.record import record_of_files
from halfmap.engine.formats import labels
from halfmap.engine.formats.mask_file import read_mask_for
from halfmap.engine.formats.mrc import SAME_PIXEL_SIZE_ANGSTROM, read_map
from halfmap.engine.formats.optimisation_set import write_optimisation_set
from halfmap.engine.formats.placed_particles import read_placed_particles
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.formats.tomograms import tilt_series_files
from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.particles.placed import PlacedParticles
from halfmap.engine.postprocessing import SourceNames, postprocess, write_postprocessed
from halfmap.engine.postprocessing.files import star_file

Progress = Callable[[int, int], None]
"""Called with the number of particles done and that of all; may raise to stop."""


@dataclass(frozen=True)
class Average:
    """An average, everything read and checked that it starts from.

    Parameters
    ----------
    sources, settings, effort
        What from, how, and what it may take.
    folder
        Where to.
    particles, recordings
        Particles and their tilt series.
    mask
        Mask in which the half maps are compared.
    load
        What is held at once.
    notes
        What was done to the mask, and how many particles no tilt image shows; empty if there is nothing to tell.
    """

    sources: Sources
    settings: AverageSettings
    effort: Effort
    folder: AverageFolder
    particles: PlacedParticles
    recordings: Mapping[str, Recording]
    mask: Float32[np.ndarray, "n n n"] | None
    load: Load
    notes: tuple[str, ...]

    @property
    def pixel_size_angstrom(self) -> float:
        """Edge of a voxel."""
        return self.settings.binning * common_pixel_size(self.recordings)

    def make(self, progress: Progress) -> list[Path]:
        """Add all particles up, write the maps, and return their paths; told after each batch of particles.

        Sums that were kept are gone on from.
        """
        keeper = SumsKeeper(self.folder.partial_sums, self._record())
        kept = keeper.kept(self.settings.geometry)
        self.folder.make()
        if kept is None:
            self.folder.remove_results()
        total = len(self.particles)
        progress(0, total)
        watch = Watch(
            lambda done: progress(done, total),
            keeper.keep if self.effort.keeps_sums else lambda _: None,
        )
        start = kept or nothing_summed(self.particles, self.settings)
        sums = dict(add_up(start, self.particles, self.recordings, self.settings, self.load, watch))
        del kept, start  # sums are freed one after the other
        paths = self._write_maps(sums)
        paths += self._compare_halves(paths)
        self._write_set(paths)
        keeper.remove()
        return paths

    def _record(self) -> dict[str, str]:
        places = dict.fromkeys(place.file for recording in self.recordings.values() for place in recording.places)
        files = self.sources.files
        series = tilt_series_files(files.file(labels.TOMOGRAMS_FILE), Path(), list(self.recordings))
        return {"settings": f"{self.settings}", **record_of_files([*files.read, *series], places)}

    def _write_maps(self, sums: dict[int, Accumulator]) -> list[Path]:
        """Write the half maps, then the map of all; sums are taken out when they are not needed any more."""
        paths, threads, total = [], self.effort.threads, None
        for half in sorted(sums):
            found = symmetrised(sums.pop(half), self.settings, threads)
            if half:
                maps = average_maps(found, self.settings, threads)
                paths.append(self.folder.write(f"half{half}", maps, self.settings, self.pixel_size_angstrom))
            if total is None:
                total = found
            else:
                np.add(total.sums, found.sums, out=total.sums)
            del found
        assert total is not None
        maps = average_maps(total, self.settings, threads)
        return [*paths, self.folder.write("merged", maps, self.settings, self.pixel_size_angstrom)]

    def _compare_halves(self, paths: list[Path]) -> list[Path]:
        """Write the FSC of the half maps, where a mask is given."""
        if self.mask is None:
            return []
        first, second = (read_map(path).density for path in paths[:2])
        result = postprocess(first, second, self.mask, self.pixel_size_angstrom)
        self.folder.postprocess_root.parent.mkdir(exist_ok=True)
        names = SourceNames(str(paths[0]), str(paths[1]), str(self.sources.mask))
        return write_postprocessed(self.folder.postprocess_root, result, names)

    def _write_set(self, paths: list[Path]) -> None:
        entries = dict(self.sources.files.entries)
        if len(self.halves) == 2:
            entries |= dict(zip(labels.REFERENCE_MAP_FILES, map(str, paths[:2]), strict=True))
        if self.mask is not None:
            entries[labels.REFERENCE_MASK_FILE] = str(self.sources.mask)
            entries[labels.REFERENCE_FSC_FILE] = str(star_file(self.folder.postprocess_root))
        write_optimisation_set(self.folder.optimisation_set, entries)

    @property
    def halves(self) -> list[int]:
        """Half sets that are assigned."""
        return [half for half in np.unique(self.particles.half_set).tolist() if half]


def prepare_average(sources: Sources, settings: AverageSettings, effort: Effort, folder: AverageFolder) -> Average:
    """Read and check everything that an average starts from; nothing is written.

    Raises
    ------
    BadInput
        If a file cannot be used, naming it, or memory does not suffice.
    """
    particles_file, tomograms = sources.files.particles, sources.files.file(labels.TOMOGRAMS_FILE)
    particles, recordings = read_placed_particles(particles_file, tomograms, sources.files.trajectories, Path())
    pixel = settings.binning * common_pixel_size(recordings)
    mask, change = None, ""
    unseen = left_out(particles, recordings, settings, particles_file)
    if sources.mask is not None:
        if not particles.half_set.any():
            raise BadInput(f"--mask: {particles_file} has no half sets ({labels.RANDOM_SUBSET}) to be compared in it.")
        resized, change = read_mask_for(sources.mask, settings.crop_px, pixel, "half maps")
        mask = resized.density
    halves = len(np.unique(particles.half_set))
    load = plan_load(settings, halves, recordings.values(), effort.adding_threads, effort.memory_gb)
    return Average(
        sources, settings, effort, folder, particles, recordings, mask, load, tuple(filter(None, (unseen, change)))
    )


def common_pixel_size(recordings: Mapping[str, Recording]) -> float:
    """Pixel size that all tilt series share; BadInput if there is none."""
    sizes = {name: recording.series.pixel_size_angstrom for name, recording in recordings.items()}
    first, size = next(iter(sizes.items()))
    for name, other in sizes.items():
        if abs(other - size) > SAME_PIXEL_SIZE_ANGSTROM:
            raise BadInput(
                f"tilt series differ in pixel size ({first}: {size:g} Å, {name}: {other:g} Å); average them apart."
            )
    return size
