"""From settings to a project: draw, image, extract, write."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32
from threadpoolctl import threadpool_limits

from halfmap.engine.extraction.cutting import extract_stack, visible_frames
from halfmap.engine.extraction.settings import ExtractionSettings
from halfmap.engine.formats.mrc import write_map, write_stack
from halfmap.engine.formats.star import write_star
from halfmap.engine.formats.tomograms import read_tomograms
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.particles.tilt_series import TiltSeries
from halfmap.engine.refinement.initialisation import low_passed
from halfmap.engine.simulation.acquisition import Recording, recordings, tilt_series_table, tomograms_table
from halfmap.engine.simulation.imaging import camera, grey_scale, image_size_px, positions_px, tilt_images
from halfmap.engine.simulation.particle_tables import (
    Tomogram,
    extracted_optics_table,
    extracted_rows,
    optics_table,
    picks_table,
    truth_table,
)
from halfmap.engine.simulation.phantom import Phantom, protein_like
from halfmap.engine.simulation.poses import place_particles
from halfmap.engine.simulation.project import Project
from halfmap.engine.simulation.settings import SimulationSettings

MASK_EDGE_PX = 4.0

Progress = Callable[[float], None]
"""Called with the fraction that is done."""


class _Drawn(IntEnum):
    """What random numbers are drawn for; each has a stream of its own for every tomogram."""

    TILT_SERIES = 0
    POSES = 1
    HALF_SETS = 2
    NOISE = 3


def _rng(settings: SimulationSettings, purpose: _Drawn, tomogram: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, purpose, tomogram])


def simulate(
    settings: SimulationSettings, out: Path, overwrite: bool = False, progress: Progress = lambda _: None
) -> Project:
    """Simulate tilt series of known particles and extract these.

    Parameters
    ----------
    settings
        What to simulate; the same settings give the same files.
    out
        Project directory.
    overwrite
        Replace an earlier simulation in it.
    progress
        Told how much is done.

    Returns
    -------
    Project
        Where its files are.

    Raises
    ------
    BadInput
        If the directory cannot be used, or the particles find no room.
    """
    tomograms = [_drawn(settings, index, recording) for index, recording in enumerate(recordings(settings))]
    project = Project(out)
    project.prepare(settings, overwrite)
    with threadpool_limits(1):  # sums come out the same whatever the number of cores
        work = _Work(settings, project, tomograms, _written_geometry(settings, project, tomograms))
        phantom, visible = work.images(progress)
        _write_maps(settings, project, phantom)
    _write_particles(settings, project, tomograms, visible)
    return project


def _drawn(settings: SimulationSettings, index: int, recording: Recording) -> Tomogram:
    particles = settings.particles_per_tomogram[index]
    poses = place_particles(settings, particles, _rng(settings, _Drawn.POSES, index))
    halves = 1 + (np.arange(particles) + index) % 2
    return Tomogram(recording, poses, _rng(settings, _Drawn.HALF_SETS, index).permutation(halves))


def _written_geometry(settings: SimulationSettings, project: Project, tomograms: list[Tomogram]) -> list[TiltSeries]:
    """Write tomogram set and tilt-series tables, and read them back: images are made with what the files say."""
    recorded = [tomogram.recording for tomogram in tomograms]
    for index, recording in enumerate(recorded):
        table = tilt_series_table(settings, recording, _rng(settings, _Drawn.TILT_SERIES, index))
        write_star(project.root / recording.table_file, {recording.name: table})
    write_star(project.tomograms_file, {"global": tomograms_table(settings, recorded, image_size_px(settings))})
    names = [recording.name for recording in recorded]
    return list(read_tomograms(project.tomograms_file, project.root, names).values())


@dataclass(frozen=True)
class _Work:
    """Makes and writes the images of a project, tomogram by tomogram.

    Parameters
    ----------
    settings, project
        See there.
    tomograms, series
        Particles and geometry of each tomogram.
    """

    settings: SimulationSettings
    project: Project
    tomograms: list[Tomogram]
    series: list[TiltSeries]

    def images(self, progress: Progress) -> tuple[Phantom, list[Bool[np.ndarray, " tilts"]]]:
        """Write all images; return the phantom on their grey scale, and where each particle is visible."""
        settings = self.settings
        phantom = protein_like(settings.group, settings.diameter_angstrom, settings.sigma_angstrom)
        first = camera(settings, self.tomograms[0], self.series[0])
        scale = grey_scale(settings, phantom, first, self.tomograms[0])
        phantom = phantom.scaled(scale.signal)
        steps = count(1)

        def done() -> None:
            progress(next(steps) / (2 * settings.particles))

        visible: list[Bool[np.ndarray, " tilts"]] = []
        for index, (tomogram, series) in enumerate(zip(self.tomograms, self.series, strict=True)):
            noise = self._noise(index, series.tilts, scale.noise)
            seen = None if settings.noise_only else phantom
            images = tilt_images(camera(settings, tomogram, series), seen, tomogram, noise, done)
            stack_file = self.project.root / tomogram.recording.stack_file
            write_stack(stack_file, images, settings.pixel_size_angstrom)
            visible += self._extracted(tomogram, series, images, done)
        return phantom, visible

    def _noise(self, index: int, tilts: int, deviation: float) -> Float32[np.ndarray, "tilts size size"]:
        size = image_size_px(self.settings)
        rng = _rng(self.settings, _Drawn.NOISE, index)
        return rng.standard_normal((tilts, size, size), np.float32) * np.float32(deviation)

    def _extracted(
        self,
        tomogram: Tomogram,
        series: TiltSeries,
        images: Float32[np.ndarray, "tilts size size"],
        done: Callable[[], None],
    ) -> list[Bool[np.ndarray, " tilts"]]:
        """Extract and write the picked particles of a tomogram; those that no image shows have no stack."""
        settings = self.settings
        extraction = ExtractionSettings(settings.extraction_px, settings.box_px)
        size = (images.shape[2], images.shape[1])
        (self.project.stack_file(tomogram.particle_names[0]).parent).mkdir(parents=True, exist_ok=True)
        visible = []
        picks = positions_px(tomogram.poses.picked_angstrom, series)
        for name, position in zip(tomogram.particle_names, picks, strict=True):
            flags = visible_frames(series, position, size, extraction)
            if flags.any():
                stack = extract_stack(images, series, tomogram.recording.microscope, position, flags, extraction)
                precision = np.float32 if settings.float32 else np.float16
                write_stack(self.project.stack_file(name), stack.astype(precision), settings.pixel_size_angstrom)
            visible.append(flags)
            done()
        return visible


def _write_particles(
    settings: SimulationSettings,
    project: Project,
    tomograms: list[Tomogram],
    visible: list[Bool[np.ndarray, " tilts"]],
) -> None:
    recorded = [tomogram.recording for tomogram in tomograms]
    optics, picks = optics_table(settings, recorded), picks_table(settings, tomograms)
    write_star(project.picks_file, {"optics": optics, "particles": picks})
    write_star(project.truth_file, {"optics": optics, "particles": truth_table(settings, tomograms)})
    names = [name for tomogram in tomograms for name in tomogram.particle_names]
    files = [project.relative(project.stack_file(name)) for name in names]
    project.write_extracted(extracted_optics_table(settings, recorded), extracted_rows(picks, visible, files))


def _write_maps(settings: SimulationSettings, project: Project, phantom: Phantom) -> None:
    box, pixel = settings.box_px, settings.pixel_size_angstrom
    density = phantom.density(box, pixel)
    filtered = low_passed(density, ModelGrid(box, pixel), settings.reference_resolution_angstrom)
    write_map(project.phantom_file, density, pixel)
    write_map(project.reference_file, settings.reference_scale * filtered, pixel)
    write_map(project.mask_file, phantom.mask(box, pixel, MASK_EDGE_PX), pixel)
