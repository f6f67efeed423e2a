"""Reading particle sets of 2D stacks and of 3D pseudo-subtomograms, and writing them back with what was assigned."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_integers, as_vectors, require_table, required
from halfmap.engine.formats.half_sets import read_half_sets
from halfmap.engine.formats.optics_table import optics_rows, read_optics
from halfmap.engine.formats.particle_frames import frames
from halfmap.engine.formats.particle_origins import Origins, no_origins, read_origins
from halfmap.engine.formats.star import List, Table, read_star, write_star
from halfmap.engine.particles.particle import Assignments, ParticleSet

NO_PRIOR = 999.0


@dataclass(frozen=True)
class ParticleFile:
    """The tables of a particle file as they were read, to be written back with only the poses changed.

    Parameters
    ----------
    general, optics, particles
        Tables of text; files of volumes may have no general table.
    """

    general: List
    optics: pd.DataFrame
    particles: pd.DataFrame

    @property
    def are_volumes(self) -> bool:
        """3D pseudo-subtomograms instead of stacks of tilt images."""
        return self.general.get(labels.ARE_2D_STACKS) != 1


def read_particle_file(path: Path) -> ParticleFile:
    """Read the tables, and see whether they are of stacks or of volumes."""
    tables = read_star(path)
    general = require_table(tables, "general", path) if "general" in tables else pd.DataFrame()
    said = general[labels.ARE_2D_STACKS].iloc[0] if labels.ARE_2D_STACKS in general else None
    optics, particles = (require_table(tables, name, path) for name in ("optics", "particles"))
    if particles.empty:
        raise BadInput(f"{path}: holds no particles.")
    if said == "1":
        return ParticleFile({labels.ARE_2D_STACKS: 1}, optics, particles)
    flat = labels.IMAGE_DIMENSIONALITY in optics and (optics[labels.IMAGE_DIMENSIONALITY] != "3").any()
    if labels.CTF_IMAGE not in particles or flat:
        raise BadInput(
            f"{path}: {labels.ARE_2D_STACKS} is not 1, so these should be 3D pseudo-subtomograms; but "
            + ("there is no CTF volume" if labels.CTF_IMAGE not in particles else "images of other than 3 dimensions")
            + f" (_{labels.CTF_IMAGE}, _{labels.IMAGE_DIMENSIONALITY}). Extract the particles again."
        )
    return ParticleFile({} if said is None else {labels.ARE_2D_STACKS: 0}, optics, particles)


def read_particle_set(path: Path, file: ParticleFile, tomograms: Path | None, project: Path) -> ParticleSet:
    """Make sense of a particle file.

    Parameters
    ----------
    path
        Where the tables came from, for messages.
    file
        The tables.
    tomograms
        Tomogram set; stacks need one.
    project
        Directory to which all paths are relative.

    Raises
    ------
    BadInput
        Naming the file, the particle and what is missing or wrong.
    """
    table = file.particles
    tomo_names = _tomogram_names(file, path)
    optics_groups = read_optics(file.optics, path, file.are_volumes)
    groups = required(table, labels.GROUP_NAME, path) if labels.GROUP_NAME in table else tomo_names
    scale_groups = list(dict.fromkeys(groups))
    names = required(table, labels.PARTICLE_NAME if labels.PARTICLE_NAME in table else labels.IMAGE_NAME, path)
    origin = _origins_of(file, names, tomograms, path, project)
    return ParticleSet(
        names=tuple(names),
        image_files=tuple(project / image for image in required(table, labels.IMAGE_NAME, path)),
        optics_groups=tuple(optics_groups),
        tilt_series=origin.series,
        scale_groups=tuple(scale_groups),
        optics_index=optics_rows(table, file.optics, path),
        tilt_series_index=origin.index,
        scale_group_index=np.array([scale_groups.index(group) for group in groups]),
        visible=origin.visible,
        position_px=origin.position_px,
        subtomogram_rotation=frames(table, path),
        angle_priors_deg=_priors(table, labels.ANGLE_PRIORS, path),
        origin_priors_angstrom=_priors(table, labels.ORIGIN_PRIORS, path),
        half_set=read_half_sets(table, path),
        start=Assignments.at_start(
            as_vectors(table, labels.ANGLES, path, 0.0),
            as_vectors(table, labels.ORIGINS, path, 0.0),
            as_integers(table, labels.CLASS_NUMBER, path, 0),
        ),
        ctf_files=tuple(project / f for f in required(table, labels.CTF_IMAGE, path)) if file.are_volumes else (),
    )


def _origins_of(file: ParticleFile, names: list[str], tomograms: Path | None, path: Path, project: Path) -> Origins:
    """Say where stacks come from; volumes need not."""
    if file.are_volumes:
        return no_origins(len(names))
    if tomograms is None:
        raise BadInput("--tomograms: no tomogram set is named; 2D stacks need one, by --ios or --tomograms.")
    return read_origins(file.particles, names, tomograms, path, project)


def _tomogram_names(file: ParticleFile, path: Path) -> list[str]:
    """Names of the particles' tomograms, which RELION 3.1 calls micrographs."""
    older = file.are_volumes and labels.TOMO_NAME not in file.particles
    return required(file.particles, labels.MICROGRAPH_NAME if older else labels.TOMO_NAME, path)


def _priors(table: pd.DataFrame, names: tuple[str, ...], path: Path) -> Float64[np.ndarray, "particles 3"]:
    priors = as_vectors(table, names, path, NO_PRIOR)
    return np.where(priors == NO_PRIOR, np.nan, priors)


def write_particle_set(
    path: Path, file: ParticleFile, particles: ParticleSet, assignments: Assignments, started: bool
) -> None:
    """Write the particle file with the current poses; columns that were not refined keep their text.

    Parameters
    ----------
    path
        Where to.
    file
        The tables as read.
    particles
        Half sets and scale groups.
    assignments
        Current poses.
    started
        At least one iteration has run, so that posteriors are known.
    """
    table = file.particles.copy()
    new: dict[str, np.ndarray] = dict(zip(labels.ANGLES, assignments.angles_deg.T, strict=True))
    new |= dict(zip(labels.ORIGINS, assignments.origin_angstrom.T, strict=True))
    new[labels.GROUP_NUMBER] = particles.scale_group_index + 1
    new[labels.CLASS_NUMBER] = assignments.class_number
    if labels.NORM_CORRECTION not in table:
        new[labels.NORM_CORRECTION] = np.ones(len(table))
    new[labels.RANDOM_SUBSET] = particles.half_set
    if started:
        new[labels.LOG_LIKELIHOOD_CONTRIBUTION] = assignments.log_likelihood
        new[labels.MAX_PROBABILITY] = assignments.max_probability
        new[labels.SIGNIFICANT_SAMPLES] = assignments.significant_samples
    for label, column in new.items():
        table[label] = column
    tables: dict[str, Table] = {"general": file.general} if file.general else {}
    write_star(path, tables | {"optics": file.optics, "particles": table})
