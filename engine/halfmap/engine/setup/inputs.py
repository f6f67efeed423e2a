"""Reading and checking everything that a run starts from, on one rank, before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from halfmap.contract.refine_arguments import RefineArguments, argument_problems, refusals, with_implied
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.checkpoint import Checkpoint, read_checkpoint
from halfmap.engine.formats.optimisation_set import read_optimisation_set
from halfmap.engine.formats.particle_set import ParticleFile, read_particle_file, read_particle_set
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.particles.particle import ParticleSet
from halfmap.engine.sampling.random_numbers import random_half_sets
from halfmap.engine.setup.maps import SolventMask, read_references, read_solvent_mask
from halfmap.engine.setup.output import check_output
from halfmap.engine.setup.settings import diameter_of, seed_of
from halfmap.engine.setup.stacks import check_stacks
from halfmap.engine.setup.volumes import check_multiplicity, refuse_for_volumes, with_maps_of_set


@dataclass(frozen=True)
class Inputs:
    """What a run starts from.

    Parameters
    ----------
    arguments
        Options, completed from the optimisation set and, when continuing, from the run's own files.
    particles
        All particles, half sets assigned.
    particle_file
        Their tables.
    passed_on
        Further entries of the optimisation set.
    grid
        Model grid.
    seed
        Random seed.
    mask
        Solvent mask.
    references
        Starting map of each half on the model grid; empty when continuing.
    checkpoint
        Iteration to continue from.
    notes
        Sentences for the person, about what was adapted.
    """

    arguments: RefineArguments
    particles: ParticleSet
    particle_file: ParticleFile
    passed_on: Mapping[str, str]
    grid: ModelGrid
    seed: int
    mask: SolventMask
    references: tuple[Float32[np.ndarray, "n n n"], ...]
    checkpoint: Checkpoint | None
    notes: tuple[str, ...]


def read_inputs(given: RefineArguments, project: Path) -> Inputs:
    """Read and check all input.

    Parameters
    ----------
    given
        Options as typed.
    project
        Directory to which paths are relative.

    Raises
    ------
    BadInput
        With all problems of the options at once, or the first problem of the files.
    """
    problems = [*argument_problems(given), *refusals(given)]
    if problems:
        raise BadInput(*problems)
    checkpoint = read_checkpoint(given, project) if given.continue_from else None
    arguments = with_implied(given) if checkpoint is None else checkpoint.arguments
    arguments, passed_on = _with_optimisation_set(arguments, project)
    check_output(arguments)
    particles_path = project / arguments.particles_file if checkpoint is None else checkpoint.data_file
    particle_file = read_particle_file(particles_path)
    arguments, taken = with_maps_of_set(arguments, passed_on, particle_file.are_volumes)
    if particle_file.are_volumes:
        refuse_for_volumes(arguments)
    tomograms = project / arguments.tomograms_file if arguments.tomograms_file else None
    particles = read_particle_set(particles_path, particle_file, tomograms, project)
    check_stacks(particles)
    check_multiplicity(arguments, particles)
    seed = seed_of(arguments)
    particles = _with_half_sets(particles, seed, particles_path)
    first = particles.optics_groups[0]
    grid = ModelGrid(first.box_px, first.pixel_size_angstrom)
    if checkpoint is not None:
        particles = _with_scale_groups(particles, checkpoint, grid, particles_path)
    mask = read_solvent_mask(arguments, project, grid, diameter_of(arguments, grid))
    references, notes = ((), []) if checkpoint is not None else read_references(arguments, project, grid)
    told = (*taken, *notes, *([mask.note] if mask.note else []))
    return Inputs(arguments, particles, particle_file, passed_on, grid, seed, mask, references, checkpoint, told)


def _with_optimisation_set(arguments: RefineArguments, project: Path) -> tuple[RefineArguments, dict[str, str]]:
    """Fill in the files that the optimisation set names and the options do not."""
    if not arguments.optimisation_set_file:
        return arguments, {}
    path = project / arguments.optimisation_set_file
    entries = read_optimisation_set(path)
    from_set = {
        "particles_file": entries.get(labels.PARTICLES_FILE, ""),
        "tomograms_file": entries.get(labels.TOMOGRAMS_FILE, ""),
        "trajectories_file": entries.get(labels.TRAJECTORIES_FILE, ""),
    }
    if not (from_set["particles_file"] or arguments.particles_file or arguments.continue_from):
        raise BadInput(f"{path}: names no particles ({labels.PARTICLES_FILE}); add them or give --i.")
    missing = {name: value for name, value in from_set.items() if value and not getattr(arguments, name)}
    return arguments.model_copy(update=missing), entries


def _with_half_sets(particles: ParticleSet, seed: int, path: Path) -> ParticleSet:
    """Keep the half sets of the file, or draw them as RELION would with the same seed."""
    if not particles.half_set.any():
        particles = particles.with_half_sets(random_half_sets(seed, len(particles)))
    for half in (1, 2):
        if not len(particles.members(half)):
            raise BadInput(
                f"{path}: half set {half} is empty; two half sets need at least two particles "
                f"({len(particles)} found, seed {seed})."
            )
    return particles


def _with_scale_groups(particles: ParticleSet, checkpoint: Checkpoint, grid: ModelGrid, path: Path) -> ParticleSet:
    """Number the scale groups as the continued models do."""
    if grid.box_px != checkpoint.box_px or abs(grid.pixel_size_angstrom - checkpoint.pixel_size_angstrom) > 1e-3:
        raise BadInput(
            f"{path}: images of {grid.box_px} px at {grid.pixel_size_angstrom:g} Å, but the continued model has "
            f"{checkpoint.box_px} px at {checkpoint.pixel_size_angstrom:g} Å; particles were exchanged."
        )
    unknown = set(particles.scale_groups) - set(checkpoint.scale_groups)
    if unknown:
        raise BadInput(f"{path}: scale group {sorted(unknown)[0]!r} is not in the continued model.")
    number = [checkpoint.scale_groups.index(name) for name in particles.scale_groups]
    return replace(
        particles,
        scale_groups=checkpoint.scale_groups,
        scale_group_index=np.array(number)[particles.scale_group_index],
    )
