"""CTF volumes of pseudo-subtomograms (`rlnCtfImage`) in RELION's three layouts."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import StackHeader, read_array, read_map
from halfmap.engine.fourier.shells import frequencies, radii
from halfmap.engine.imaging.volumes import CtfVolume, ParticleVolume


def layout_problem(header: StackHeader, box_px: int) -> str:
    """Tell what is wrong with the shape of a CTF volume; nothing if it is one of the three that there are.

    N × N × N: centred. (N/2+1) × N × N: half-transform. (N/2+1) × N × 2N: half-transform of Σ CTF², and behind it along
    z that of the multiplicity.
    """
    n, half = box_px, box_px // 2 + 1
    shape = (header.width_px, header.height_px, header.images)
    known = [(n, n, n), (half, n, n), (half, n, 2 * n)]
    if shape in known:
        return ""
    expected = ", ".join(" × ".join(map(str, one)) for one in known)
    return f"is {' × '.join(map(str, shape))}; for a box of {n} px one of {expected} was expected"


def holds_multiplicity(header: StackHeader, box_px: int) -> bool:
    """Whether a CTF volume has the multiplicity behind it."""
    return header.images == 2 * box_px


def read_ctf_volume(path: Path, box_px: int) -> CtfVolume:
    """Read a CTF volume; beyond the largest shell all is 0.

    RELION: MlOptimiser::get3DCTFAndMulti.

    Raises
    ------
    BadInput
        Naming the file and what is wrong with it.
    """
    values = read_array(path)
    problem = layout_problem(StackHeader(*values.shape), box_px) if values.ndim == 3 else "is no volume"
    if problem:
        raise BadInput(f"{path}: {problem}; extract this particle again.")
    if not np.isfinite(values).all():
        raise BadInput(f"{path}: holds NaN or infinite values; extract this particle again.")
    inside = radii(box_px, 3) <= box_px // 2
    if values.shape[2] == box_px:
        return CtfVolume(_half_of_centred(values) * inside, None)
    ctf, *behind = (part * inside for part in np.split(values, len(values) // box_px))
    return CtfVolume(ctf, behind[0] if behind else None)


def _half_of_centred(values: Float32[np.ndarray, "n n n"]) -> Float32[np.ndarray, "n n half"]:
    """Give the half-transform of a centred, real and symmetric one; frequency k stands at −k from the centre n/2."""
    box = len(values)
    rows, columns = box // 2 - frequencies(box), box // 2 - np.arange(box // 2 + 1)
    return values[np.ix_(rows, rows, columns)]


def read_volume(data: Path, ctf: Path, box_px: int) -> ParticleVolume:
    """Read a pseudo-subtomogram and its CTF volume."""
    return ParticleVolume(read_map(data).density, read_ctf_volume(ctf, box_px))
