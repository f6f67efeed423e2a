"""How much memory and disk a refinement will take, predicted from its size, or known from earlier ones.

Largest memory of a rank of version 0.1.0 in MB, as its own progress records tell it, with simulated particles
and one thread:

=====  =======  ========  ===========  =============
box    padding  one rank  three ranks  formula below
=====  =======  ========  ===========  =============
24     2        276       283          365
64     1        310       314          398
64     2        514       474          598
96     1        419       409          505
96     2        1170      956          1169
128    1        636       588          712
128    2        2176      1786         2268
192    1        1498      1352         1553
192    2        6625      5302         6746
=====  =======  ========  ===========  =============

It is reached in the last iteration, where the halves are joined and the whole transform is reconstructed. The leader of
three ranks takes 235 to 640 MB. A search costs more the finer its grid: up to HEALPix order 6 a rank of box 36 came to
364 MB, at order 7 ranks of boxes 36 to 64 to 860 … 940 MB, at order 8 to 4950 MB. The formula reckons with order 6,
which few particles go beyond.
"""

from collections.abc import Mapping
from importlib.metadata import version

_MB = 2.0**20
_BASE_MB = 350.0
_BYTES_PER_PADDED_VOXEL = 215.0
_BYTES_PER_VOXEL = 65.0
_ITERATIONS = 20
_FINAL_MAPS = 3
_VALUE_BYTES = 4
# what an iteration adds to the columns of a particle
_ADDED_ROW_BYTES = 160
# models, samplings and histograms of an iteration at HEALPix order 5
_TABLES_BYTES = 2.5e6


def memory_mb_per_rank(box_px: int, padding: int, peaks: Mapping[tuple[str, int, int], float]) -> float:
    """Predict the largest memory of a rank in MB.

    Parameters
    ----------
    box_px, padding
        Of the reference.
    peaks
        Largest memory of a rank (MB) of earlier runs, by engine version, box and padding; where known, that is it.
    """
    known = peaks.get((version("halfmap"), box_px, padding))
    if known is not None:
        return known
    padded = padding * box_px + 3
    transforms = padded * padded * (padded // 2 + 1) * _BYTES_PER_PADDED_VOXEL
    return _BASE_MB + (transforms + box_px**3 * _BYTES_PER_VOXEL) / _MB


def disk_mb(box_px: int, particles: int, particle_file_bytes: int, keeps_unfiltered: bool) -> float:
    """Predict the files of a whole run of about 20 iterations, in MB.

    Parameters
    ----------
    box_px, particles
        Box of the maps, and number of particles.
    particle_file_bytes
        Size of the particle file that the run starts from.
    keeps_unfiltered
        Unfiltered half maps are kept at each iteration too, for the solvent-corrected FSC.
    """
    one_map = box_px**3 * _VALUE_BYTES
    maps = (4 if keeps_unfiltered else 2) * one_map
    rows = particle_file_bytes + particles * _ADDED_ROW_BYTES
    return ((maps + rows + _TABLES_BYTES) * (_ITERATIONS + 1) + _FINAL_MAPS * one_map) / _MB
