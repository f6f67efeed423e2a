"""How symmetries, GPU lists, precisions and iteration files are spelled, wherever they are typed."""

import re

SYMMETRIES = "Cn, Dn (n = 1 … 999), T, O, I, I1, I2, I3 or I4"

PRECISIONS = ("tf32", "fp32", "bf16")
"""How a card may multiply matrices, the default first."""

EXACT_NOISE, RELION_NOISE = NOISE_MODELS = ("exact", "relion")
"""How the noise of premultiplied images may be modelled, the default first."""

_SYMMETRY = re.compile(r"(?:[CD][1-9][0-9]{0,2}|T|O|I[1-4]?)", re.IGNORECASE | re.ASCII)
_GPU_IDS = re.compile(r"[0-9]+(?:[,:][0-9]+)*", re.ASCII)


def is_symmetry(text: str) -> bool:
    """Whether `text` names a point group without mirrors, in upper or lower case: one of `SYMMETRIES`."""
    return _SYMMETRY.fullmatch(text) is not None


def is_gpu_list(text: str) -> bool:
    """Whether `text` lists GPU ids as in ``0,1:2,3``: a colon separates ranks, a comma the cards of one rank.

    An empty text leaves the choice to the program and is a list too.
    """
    return text == "" or _GPU_IDS.fullmatch(text) is not None


def is_iteration_optimiser(file_name: str) -> bool:
    """Whether a run can be continued from a file of this name.

    RELION: getCommandsAutorefineJob, which wants ``_it`` and ``_optimiser`` in the name because the final
    ``run_optimiser.star`` no longer knows the two halves.
    """
    return "_it" in file_name and "_optimiser" in file_name
