"""The sampling of poses in RELION's `sampling.star`."""

from pathlib import Path

import pandas as pd

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.star import Table, read_star, write_star
from halfmap.engine.refinement.state import Grids, Sampling
from halfmap.engine.sampling.orientations import OrientationGrid, angular_step_deg

_NO_TILT_LIMIT_DEG = -91.0


def write_sampling(
    path: Path, sampling: Sampling, grid: OrientationGrid, symmetry: str, perturbation_factor: float
) -> None:
    """Write a sampling as RELION's HealpixSampling::write does."""
    write_star(path, sampling_tables(sampling, grid, symmetry, perturbation_factor))


def sampling_tables(
    sampling: Sampling, grid: OrientationGrid, symmetry: str, perturbation_factor: float
) -> dict[str, Table]:
    """Lay out the tables of a sampling file; offsets in Å, directions in the order of the model's distribution."""
    first = sampling.started_with
    return {
        "sampling_general": {
            "rlnIs3DSampling": 1,
            "rlnIs3DTranslationalSampling": 1,
            "rlnHealpixOrder": sampling.healpix_order,
            "rlnSymmetryGroup": symmetry,
            "rlnTiltAngleLimit": _NO_TILT_LIMIT_DEG,
            "rlnPsiStep": grid.step_deg,
            "rlnOffsetRange": float(sampling.offset_range_angstrom),
            "rlnOffsetStep": float(sampling.offset_step_angstrom),
            "rlnHelicalOffsetStep": -1.0,
            "rlnSamplingPerturbInstance": float(sampling.perturbation),
            "rlnSamplingPerturbFactor": float(perturbation_factor),
            "rlnHealpixOrderOriginal": first.healpix_order,
            "rlnPsiStepOriginal": angular_step_deg(first.healpix_order),
            "rlnOffsetRangeOriginal": float(first.offset_range_angstrom),
            "rlnOffsetStepOriginal": float(first.offset_step_angstrom),
        },
        "sampling_directions": pd.DataFrame(
            {labels.ANGLES[0]: grid.directions_deg[:, 0], labels.ANGLES[1]: grid.directions_deg[:, 1]}
        ),
    }


def read_sampling(path: Path) -> tuple[Sampling, str, float]:
    """Read a sampling file: the grids, the symmetry as typed, and the perturbation factor."""
    general = read_star(path).get("sampling_general")
    if not isinstance(general, dict):
        raise BadInput(f"{path}: has no list data_sampling_general; it is not a sampling file.")
    try:
        sampling = Sampling(
            healpix_order=int(general["rlnHealpixOrder"]),
            offset_range_angstrom=float(general["rlnOffsetRange"]),
            offset_step_angstrom=float(general["rlnOffsetStep"]),
            perturbation=float(general["rlnSamplingPerturbInstance"]),
            first=Grids(
                int(general["rlnHealpixOrderOriginal"]),
                float(general["rlnOffsetRangeOriginal"]),
                float(general["rlnOffsetStepOriginal"]),
            ),
        )
        return sampling, general["rlnSymmetryGroup"], float(general["rlnSamplingPerturbFactor"])
    except KeyError as missing:
        raise BadInput(f"{path}: has no {missing.args[0]}, which is needed to continue.") from None
