"""Reading particle sets of 2D stacks and of 3D pseudo-subtomograms, and writing them back with what was assigned."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_integers, as_vectors, require_table, required
from halfmap.engine.formats.particle_origins import Origins, no_origins, read_origins
from halfmap.engine.formats.star import List, Table, read_star, write_star
from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.particles.particle import Assignments, ParticleSet
from halfmap.engine.particles.pose import euler_to_matrix

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
        optics_index=_optics_index(table, optics_groups, path),
        tilt_series_index=origin.index,
        scale_group_index=np.array([scale_groups.index(group) for group in groups]),
        visible=origin.visible,
        position_px=origin.position_px,
        subtomogram_rotation=euler_to_matrix(as_vectors(table, labels.SUBTOMOGRAM_ANGLES, path, 0.0)),
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


def read_optics(table: pd.DataFrame, path: Path, are_volumes: bool = False) -> list[OpticsGroup]:
    """Read the optics groups; those with corrections that this version does not apply are refused.

    The microscope need not be told of volumes, which bring their CTF.
    """
    refuse_higher_order_optics(table, path)
    boxes = as_integers(table, labels.IMAGE_SIZE, path)
    pixel_sizes = as_floats(table, labels.IMAGE_PIXEL_SIZE, path)
    for number, (box, pixel) in enumerate(zip(boxes, pixel_sizes, strict=True), 1):
        if box <= 0 or box % 2:
            raise BadInput(
                f"{path}: {labels.IMAGE_SIZE} of optics group {number} is {box}; it must be even and above 0."
            )
        if pixel <= 0:
            raise BadInput(
                f"{path}: {labels.IMAGE_PIXEL_SIZE} of optics group {number} is {pixel:g}; it must be above 0 Å."
            )
    numbers = as_integers(table, labels.OPTICS_GROUP, path)
    names = (
        table[labels.OPTICS_GROUP_NAME] if labels.OPTICS_GROUP_NAME in table else [f"opticsGroup{n}" for n in numbers]
    )
    columns = [
        as_floats(table, label, path, usual if are_volumes else None)
        for label, usual in (
            (labels.VOLTAGE, 300.0),
            (labels.SPHERICAL_ABERRATION, 2.7),
            (labels.AMPLITUDE_CONTRAST, 0.1),
        )
    ]
    premultiplied, dimensions = as_integers(table, labels.CTF_PREMULTIPLIED, path, 0), 3 if are_volumes else 2
    return [
        OpticsGroup(
            int(n),
            str(name),
            Microscope(float(kv), float(cs), float(q0)),
            float(pixel),
            int(box),
            bool(flag),
            dimensions,
        )
        for n, name, kv, cs, q0, pixel, box, flag in zip(
            numbers, names, *columns, pixel_sizes, boxes, premultiplied, strict=True
        )
    ]


def refuse_higher_order_optics(table: pd.DataFrame, path: Path) -> None:
    """Refuse an optics table with corrections that this version does not apply."""
    for label in labels.HIGHER_ORDER_OPTICS:
        if label in table and any(_is_set(label, text) for text in table[label]):
            raise BadInput(f"{path}: the optics table sets _{label}, which this version does not correct for.")


def _is_set(label: str, text: str) -> bool:
    identity = {"rlnMagMat00": 1.0, "rlnMagMat11": 1.0}.get(label, 0.0)
    values = [float(v) for v in text.strip("[]").split(",") if v]
    return any(value != identity for value in values)


def _optics_index(table: pd.DataFrame, groups: list[OpticsGroup], path: Path) -> Int64[np.ndarray, " particles"]:
    position = {group.number: i for i, group in enumerate(groups)}
    numbers = as_integers(table, labels.OPTICS_GROUP, path)
    unknown = [n for n in numbers if n not in position]
    if unknown:
        raise BadInput(f"{path}: particles name optics group {unknown[0]}, which the optics table does not hold.")
    return np.array([position[n] for n in numbers])


def _priors(table: pd.DataFrame, names: tuple[str, ...], path: Path) -> Float64[np.ndarray, "particles 3"]:
    priors = as_vectors(table, names, path, NO_PRIOR)
    return np.where(priors == NO_PRIOR, np.nan, priors)


def read_half_sets(table: pd.DataFrame, path: Path) -> Int64[np.ndarray, " particles"]:
    """Half set of each particle, 1 or 2; 0 for all where the file does not tell."""
    subsets = as_integers(table, labels.RANDOM_SUBSET, path, 0)
    strange = np.flatnonzero((subsets < 0) | (subsets > 2))
    if len(strange):
        raise BadInput(
            f"{path}: {labels.RANDOM_SUBSET} of row {strange[0] + 1} is {subsets[strange[0]]}; 1 or 2 was expected."
        )
    if (subsets == 0).any() and (subsets > 0).any():
        raise BadInput(
            f"{path}: {labels.RANDOM_SUBSET} is 0 for {np.count_nonzero(subsets == 0)} particles and set for others; "
            f"fill it for all or remove the column."
        )
    for half in (1, 2):
        if subsets.any() and not (subsets == half).any():
            raise BadInput(f"{path}: half set {half} is empty ({labels.RANDOM_SUBSET}); both need particles.")
    return subsets


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
