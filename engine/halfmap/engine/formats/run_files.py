"""All files that a run writes, by RELION's names; each is written whole or not at all.

The optimiser file of an iteration is written last: where it exists, everything that it names exists too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from halfmap.contract import job_directory
from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.formats import labels
from halfmap.engine.formats.angular_distribution import write_angular_distribution
from halfmap.engine.formats.model_star import ModelContext, write_model
from halfmap.engine.formats.mrc import write_map
from halfmap.engine.formats.optimiser_star import write_optimiser
from halfmap.engine.formats.particle_set import ParticleFile, write_particle_set
from halfmap.engine.formats.sampling_star import write_sampling
from halfmap.engine.formats.star import write_star
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.state import HalfState, State
from halfmap.engine.sampling.orientations import OrientationGrid


@dataclass(frozen=True)
class RunFiles:
    """Writes the files of one run.

    Parameters
    ----------
    refinement
        The refinement.
    arguments
        Options of the run, as they are recorded.
    particle_file
        Particle tables as read.
    passed_on
        Further entries of the optimisation set that the run was started with.
    """

    refinement: Refinement
    arguments: RefineArguments
    particle_file: ParticleFile
    passed_on: Mapping[str, str]

    @property
    def root(self) -> str:
        """Output root, such as Refine3D/job012/run."""
        return self.arguments.output_root

    def write_iteration(self, state: State) -> None:
        """Write an iteration from which the run can be continued; called on the first rank."""
        number = state.control.iteration
        models = []
        for half, model in enumerate(state.halves, 1):
            map_file = job_directory.half_map_file(self.root, number, _half(half))
            write_map(map_file, model.density, self.refinement.grid.pixel_size_angstrom)
            model_file = job_directory.half_model_file(self.root, number, _half(half))
            write_model(model_file, map_file, model, state.control, self._context(half))
            bild = job_directory.half_angular_distribution_file(self.root, number, _half(half))
            self._write_distribution(bild, model, state)
            models.append(model_file)
        self._write_rest(state, number, models)

    def write_final(self, state: State, joined: HalfState) -> None:
        """Write the joined map and the final files; called on the first rank."""
        map_file = job_directory.final_map_file(self.root)
        write_map(map_file, joined.density, self.refinement.grid.pixel_size_angstrom)
        model_file = job_directory.final_model_file(self.root)
        write_model(model_file, map_file, joined, state.control, self._context(1))
        self._write_distribution(job_directory.final_angular_distribution_file(self.root), joined, state)
        self._write_rest(state, None, [model_file])

    def write_unfiltered(self, maps: Mapping[int, Float32[np.ndarray, "n n n"]], iteration: int | None) -> None:
        """Write the unregularised maps of the halves that this rank is captain of."""
        for half, density in maps.items():
            path = job_directory.unfiltered_half_map_file(self.root, _half(half), iteration)
            write_map(path, density, self.refinement.grid.pixel_size_angstrom)

    def write_particles(self, state: State, iteration: int | None) -> None:
        """Write the particles with their poses."""
        path = job_directory.data_file(self.root, iteration)
        started = state.control.iteration > 0
        write_particle_set(path, self.particle_file, self.refinement.particles, state.assignments, started)

    def _write_rest(self, state: State, iteration: int | None, models: list[Path]) -> None:
        self.write_particles(state, iteration)
        sampling = state.control.sampling
        write_sampling(
            job_directory.sampling_file(self.root, iteration),
            sampling,
            self._grid(state),
            self.arguments.symmetry,
            self.arguments.perturbation,
        )
        self._write_optimisation_set(iteration)
        path = job_directory.optimiser_file(self.root, iteration)
        write_optimiser(path, self.arguments, state.control, iteration, models)

    def _write_optimisation_set(self, iteration: int | None) -> None:
        entries = {
            labels.PARTICLES_FILE: str(job_directory.data_file(self.root, iteration)),
            labels.TOMOGRAMS_FILE: self.arguments.tomograms_file,
            labels.TRAJECTORIES_FILE: self.arguments.trajectories_file,
        }
        path = job_directory.optimisation_set_file(self.root, iteration)
        write_star(path, {"": {**entries, **{k: v for k, v in self.passed_on.items() if k not in entries}}})

    def _write_distribution(self, path: Path, model: HalfState, state: State) -> None:
        grid = self._grid(state)
        extent = self.refinement.grid.extent_angstrom
        write_angular_distribution(path, grid.direction_vectors, model.pdf_direction, extent, grid.step_deg)

    def _grid(self, state: State) -> OrientationGrid:
        settings = self.refinement.settings
        return OrientationGrid(
            state.control.sampling.healpix_order, settings.search.oversampling, self.refinement.group
        )

    def _context(self, half: int) -> ModelContext:
        settings = self.refinement.settings
        return ModelContext(
            self.refinement.grid,
            settings.padding,
            settings.maximization.tau2_fudge,
            self.refinement.particles.scale_groups,
            self.refinement.particles_per_group(half).astype(np.int64),
            self.refinement.particles.dimensions,
        )


def _half(number: int) -> job_directory.Half:
    return 1 if number == 1 else 2
