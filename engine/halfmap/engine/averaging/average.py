"""An average from tilt series, from files to files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.averaging.files import prepare_folder, write_average
from halfmap.engine.averaging.maps import average_maps, symmetrised
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.summing import sums_of_half_sets
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.optimisation_set import write_optimisation_set
from halfmap.engine.formats.placed_particles import read_placed_particles
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.fourier.backprojector import Accumulator

_SAME_PIXEL_SIZE_ANGSTROM = 1e-3


@dataclass(frozen=True)
class AverageFiles:
    """Where an average comes from and goes to.

    Parameters
    ----------
    entries
        Of the optimisation set, particles and tomograms among them.
    out
        Folder of the results.
    project
        Directory to which paths are relative.
    overwrite
        Whether an earlier average may be replaced.
    """

    entries: Mapping[str, str]
    out: Path
    project: Path
    overwrite: bool = False


Progress = Callable[[int, int], None]
"""Called with the number of particles done and that of all; may raise to stop."""


def average(files: AverageFiles, settings: AverageSettings, threads: int, progress: Progress) -> tuple[Path, ...]:
    """Average particles from their tilt series and write the maps.

    Parameters
    ----------
    files
        Input and output.
    settings
        How.
    threads
        Number of threads; the maps do not depend on it.
    progress
        Told after each batch of particles.

    Returns
    -------
    The final maps.

    Raises
    ------
    BadInput
        If a file cannot be used, naming it; nothing is written then.
    """
    trajectories = files.entries.get(labels.TRAJECTORIES_FILE)
    particles, recordings = read_placed_particles(
        files.project / files.entries[labels.PARTICLES_FILE],
        files.project / files.entries[labels.TOMOGRAMS_FILE],
        files.project / trajectories if trajectories else None,
        files.project,
    )
    pixel = settings.binning * _common_pixel_size(recordings)
    prepare_folder(files.out, files.overwrite)
    total = len(particles)
    progress(0, total)
    sums = sums_of_half_sets(particles, recordings, settings, threads, lambda done: progress(done, total))
    return _write_all(files, sums, settings, pixel, threads)


def _common_pixel_size(recordings: Mapping[str, Recording]) -> float:
    """Pixel size that all tilt series share."""
    sizes = {name: recording.series.pixel_size_angstrom for name, recording in recordings.items()}
    first, size = next(iter(sizes.items()))
    for name, other in sizes.items():
        if abs(other - size) > _SAME_PIXEL_SIZE_ANGSTROM:
            raise BadInput(
                f"tilt series differ in pixel size ({first}: {size:g} Å, {name}: {other:g} Å); average them apart."
            )
    return size


def _write_all(
    files: AverageFiles, sums: dict[int, Accumulator], settings: AverageSettings, pixel: float, threads: int
) -> tuple[Path, ...]:
    """Write the half maps, then the map of all, then the optimisation set that names them."""
    paths = []
    ready = {half: symmetrised(accumulator, settings, threads) for half, accumulator in sums.items()}
    for half in sorted(half for half in ready if half):
        maps = average_maps(ready[half], settings, threads)
        paths.append(write_average(files.out, f"half{half}", maps, settings, pixel))
    first, *others = ready.values()
    for other in others:
        first.sums.__iadd__(other.sums)
    merged = write_average(files.out, "merged", average_maps(first, settings, threads), settings, pixel)
    references = dict(zip(labels.REFERENCE_MAP_FILES, map(str, paths), strict=False))
    write_optimisation_set(
        files.out / "optimisation_set.star", {**{k: v for k, v in files.entries.items() if v}, **references}
    )
    return (*paths, merged)
