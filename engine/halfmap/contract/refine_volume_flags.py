"""The program's options for 3D pseudo-subtomograms, as RELION 4 writes them.

Spellings and defaults are those of RELION 5.0.1 (RELION: ``MlOptimiser::parseInitial``).
"""

from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Flag

_GROUP = "3D pseudo-subtomograms"


class VolumeFlags(Declarations):
    """What the volumes of particles and of their CTF hold; without effect on 2D stacks."""

    normalised_subtomograms: Annotated[
        bool,
        Flag(
            "--normalised_subtomo",
            _GROUP,
            "Volumes and their CTF² are averages over tilt images, not sums; they are multiplied by the multiplicity.",
        ),
    ] = False
    skip_subtomogram_multiplicity: Annotated[
        bool,
        Flag(
            "--skip_subtomo_multi",
            _GROUP,
            "Divide volumes and their CTF² by the multiplicity, and take all noise of a shell to be alike.",
        ),
    ] = False
    ctf_volumes_not_squared: Annotated[
        bool,
        Flag(
            "--ctf3d_not_squared",
            _GROUP,
            "CTF volumes of premultiplied data hold the root of CTF², not CTF² itself.",
        ),
    ] = False
    subtomogram_multiplicity_threshold: Annotated[
        float,
        Flag(
            "--subtomo_multi_thr",
            _GROUP,
            "Voxels with this multiplicity or less are left out.",
            bounds=Bounds(at_least=0),
        ),
    ] = 0.01
