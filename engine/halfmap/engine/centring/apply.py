"""Making the point that was found the centre of all particles."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import require_table, required
from halfmap.engine.formats.recentring import RecentredFile, recentred_file
from halfmap.engine.formats.star import format_value, read_star, read_star_text, write_star
from halfmap.engine.formats.star_edit import with_values
from halfmap.engine.formats.whole_file import written_whole

PARTICLES = "particles.star"
OPTIMISATION_SET = "optimisation_set.star"
# these hold maps about the old centre
_REFERENCES = (*labels.REFERENCE_MAP_FILES, labels.REFERENCE_MASK_FILE)


@dataclass(frozen=True)
class Recentred:
    """Particles about another centre, ready to be written.

    Parameters
    ----------
    particles
        Their file.
    optimisation_set
        Text of a set that names the new file; None if no set was given.
    stale
        Files that the set names and that are about the old centre.
    """

    particles: RecentredFile
    optimisation_set: str | None
    stale: tuple[str, ...]


def recentred(source: Path, folder: Path, point_angstrom: Float64[np.ndarray, "3"]) -> Recentred:
    """Change offsets so that a point of the reference becomes the centre.

    Parameters
    ----------
    source
        Particle file, or an optimisation set that names one.
    folder
        Where the new files will stand.
    point_angstrom
        The point (x, y, z), from the centre of the reference.

    Raises
    ------
    BadInput
        Naming the file and what is wrong with it.
    """
    tables = read_star(source)
    first = require_table(tables, next(iter(tables)), source)
    if labels.PARTICLES_FILE not in first:
        return Recentred(recentred_file(source, point_angstrom, pixel_size_angstrom=1.0), None, ())
    (name,) = required(first, labels.PARTICLES_FILE, source)
    if not name:
        raise BadInput(f"{source}: _{labels.PARTICLES_FILE} is empty; there are no particles to centre.")
    new = {labels.PARTICLES_FILE: [format_value(str(folder / PARTICLES))]}
    return Recentred(
        particles=recentred_file(Path(name), point_angstrom, pixel_size_angstrom=1.0),
        optimisation_set=with_values(source, read_star_text(source), None, new),
        stale=tuple(str(first[label].iloc[0]) for label in _REFERENCES if label in first and first[label].iloc[0]),
    )


def write_recentred(folder: Path, result: Recentred) -> list[Path]:
    """Write the particles and, if there is one, the optimisation set; return their names."""
    texts = {PARTICLES: result.particles.text, OPTIMISATION_SET: result.optimisation_set}
    files = []
    for name, text in texts.items():
        if text is not None:
            with written_whole(folder / name) as temporary:
                temporary.write_text(text)
            files.append(folder / name)
    return files


def write_output_nodes(folder: Path, files: list[Path]) -> Path:
    """Tell RELION's pipeline which of a job's files other jobs may use (RELION_OUTPUT_NODES.star)."""
    kinds = {PARTICLES: "ParticleGroupMetadata.star.relion", OPTIMISATION_SET: "TomoOptimisationSet.star.relion"}
    nodes = pd.DataFrame(
        {
            "rlnPipeLineNodeName": [str(file) for file in files],
            "rlnPipeLineNodeTypeLabel": [kinds[file.name] for file in files],
        }
    )
    path = folder / "RELION_OUTPUT_NODES.star"
    write_star(path, {"output_nodes": nodes})
    return path
