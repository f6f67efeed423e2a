"""The particle file of an extraction."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from halfmap.engine.extraction.places import ExtractionFolder
from halfmap.engine.extraction.plan import ExtractionPlan
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_vectors
from halfmap.engine.formats.star import Table
from halfmap.engine.particles.pose import matrix_to_euler


def extracted_tables(plan: ExtractionPlan, folder: ExtractionFolder) -> dict[str, Table]:
    """Lay out the particle file: what was given, with what the extraction has changed and found.

    RELION: SubtomoProgram::writeParticleSet; particles stand together by tomogram.

    Parameters
    ----------
    plan
        The extraction.
    folder
        Where its images are.
    """
    rows = [particle.row for particles in plan.particles.values() for particle in particles]
    table = plan.picked.table.assign(**{labels.PARTICLE_NAME: list(plan.picked.names)}, **_moved(plan)).iloc[rows]
    found = _found(plan, folder)
    stale = [labels.CTF_IMAGE] if plan.options.stacks and labels.CTF_IMAGE in table else []
    if not plan.options.stacks and labels.VISIBLE_FRAMES not in table:
        del found[labels.VISIBLE_FRAMES]
    table = table.drop(columns=stale).assign(**found)
    if plan.options.apply_offsets:
        table = table.assign(**dict.fromkeys(labels.ORIGINS, 0.0))
    general = {labels.ARE_2D_STACKS: int(plan.options.stacks)}
    return {"general": general, "optics": _optics(plan), "particles": table}


def _found(plan: ExtractionPlan, folder: ExtractionFolder) -> dict[str, list[str]]:
    """Visible frames and names of images, in the order of the plan."""
    particles = [(name, particle) for name, some in plan.particles.items() for particle in some]
    flags = [f"[{','.join(str(int(flag)) for flag in particle.visible)}]" for _, particle in particles]
    file = folder.stack if plan.options.stacks else folder.data
    found = {
        labels.VISIBLE_FRAMES: flags,
        labels.IMAGE_NAME: [file(name, particle.name).as_posix() for name, particle in particles],
    }
    if not plan.options.stacks:
        found[labels.CTF_IMAGE] = [folder.weights(name, particle.name).as_posix() for name, particle in particles]
    return found


def _moved(plan: ExtractionPlan) -> Mapping[str, np.ndarray]:
    """Columns of poses that change, of all particles of the file."""
    picked, options = plan.picked, plan.options
    offsets = picked.offset_angstrom
    columns: dict[str, np.ndarray] = {}
    if options.apply_offsets and offsets.any():
        moved = picked.moved_angstrom()
        pixel = np.array([plan.recordings[name].series.pixel_size_angstrom for name in picked.tomograms])[:, None]
        for names, by in ((labels.CENTERED_COORDINATES, moved), (labels.COORDINATES, moved / pixel)):
            if all(name in picked.table for name in names):
                columns |= _side_by_side(names, as_vectors(picked.table, names, picked.path) + by)
    if options.apply_orientations:
        columns |= _side_by_side(labels.SUBTOMOGRAM_ANGLES, matrix_to_euler(picked.frame @ picked.pose))
        columns |= _side_by_side(labels.ANGLES, np.zeros((len(offsets), 3)))
        if offsets.any():  # they are told in the frame that has been turned
            columns |= _side_by_side(labels.ORIGINS, (picked.pose.swapaxes(1, 2) @ offsets[..., None])[..., 0])
    return columns


def _side_by_side(names: tuple[str, ...], values: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(names, values.T, strict=True))


def _optics(plan: ExtractionPlan) -> pd.DataFrame:
    cutting = plan.options.cutting
    pixel = as_floats(plan.optics, labels.TILT_SERIES_PIXEL_SIZE, plan.picked.path)
    return plan.optics.assign(
        **{
            labels.CTF_PREMULTIPLIED: int(cutting.multiply_ctf),
            labels.IMAGE_DIMENSIONALITY: 2 if plan.options.stacks else 3,
            labels.BINNING: float(cutting.binning),
            labels.IMAGE_PIXEL_SIZE: pixel * cutting.binning,
            labels.IMAGE_SIZE: cutting.crop_px,
        }
    )
