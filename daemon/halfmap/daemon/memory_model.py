"""How much memory and disk a refinement will take, predicted from its size, or known from earlier ones."""

from collections.abc import Mapping
from importlib.metadata import version

_BASE_MB = 360.0
_BYTES_PER_VOXEL = 50.0
_MB = 2.0**20
_ITERATIONS = 20
_ROW_BYTES = 600
_MODELS_BYTES = 500_000


def memory_mb_per_rank(box_px: int, padding: int, peaks: Mapping[tuple[str, int, int], float]) -> float:
    """Predict the largest memory of a rank.

    Parameters
    ----------
    box_px, padding
        Of the reference.
    peaks
        Largest memory of a rank (MB) of earlier runs, by engine version, box and padding; where known, that is it.

    Notes
    -----
    Measured with version 0.1.0, the largest of a run's ranks: 364 MB at box 24, padding 2; 297 MB at box 32, padding 1;
    503 MB at box 96, padding 2 (one rank for both halves). The padded half-transform, its sums and what reconstruction
    needs of it come to about 45 bytes for each of its voxels; 50 are reckoned with.
    """
    known = peaks.get((version("halfmap"), box_px, padding))
    if known is not None:
        return known
    padded = padding * box_px + 3
    return _BASE_MB + padded * padded * (padded // 2 + 1) * _BYTES_PER_VOXEL / _MB


def disk_mb(box_px: int, particles: int, unfiltered_maps: bool) -> float:
    """Predict the files of a whole run: two maps (four with unfiltered ones) and a particle file for each iteration."""
    maps = (4 if unfiltered_maps else 2) * box_px**3 * 4
    one = maps + particles * _ROW_BYTES + _MODELS_BYTES
    return (one * _ITERATIONS + 5 * box_px**3 * 4) / _MB
