"""The program's options for threads, disks, memory and hardware, and halfmap's own.

Spellings and defaults are those of RELION 5.0.1 (RELION: ``MlOptimiser::parseInitial``), except for halfmap's own.
"""

from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Flag
from halfmap.contract.spelling import EXACT_NOISE


class ComputingFlags(Declarations):
    """How the work is done.

    None of these change what is computed, except `--relion_quirks`, `--own_frames`, `--noise_model` and
    `--gpu_precision`.
    """

    threads: Annotated[
        int,
        Flag("--j", "Computation", "Threads of each rank.", bounds=Bounds(at_least=1), with_continue=True),
    ] = 1
    pool: Annotated[
        int,
        Flag(
            "--pool",
            "Computation",
            "Particles that each thread takes at a time.",
            bounds=Bounds(at_least=1),
            with_continue=True,
        ),
    ] = 1
    combine_weights_through_disc: Annotated[
        bool,
        Flag(
            "--dont_combine_weights_via_disc",
            "Computation",
            "Exchange the ranks' sums through messages instead of files.",
            with_continue=True,
        ),
    ] = True
    parallel_disc_io: Annotated[
        bool,
        Flag(
            "--no_parallel_disc_io",
            "Computation",
            "Let one rank read all particles; refused, because pseudo-subtomograms do not allow it.",
            with_continue=True,
        ),
    ] = True
    preread_images: Annotated[
        bool,
        Flag("--preread_images", "Computation", "Read every particle once and keep it in memory.", with_continue=True),
    ] = False
    scratch_dir: Annotated[
        str,
        Flag(
            "--scratch_dir",
            "Computation",
            "Folder on a fast local disk to which particles are copied first.",
            with_continue=True,
        ),
    ] = ""
    keep_free_scratch_gb: Annotated[
        float,
        Flag(
            "--keep_free_scratch",
            "Computation",
            "Space to leave free in the scratch folder.",
            unit="GB",
            bounds=Bounds(at_least=0),
            with_continue=True,
        ),
    ] = 10.0
    reuse_scratch: Annotated[
        bool,
        Flag("--reuse_scratch", "Computation", "Use the copies that an earlier run left behind.", with_continue=True),
    ] = False
    keep_scratch: Annotated[
        bool,
        Flag("--keep_scratch", "Computation", "Leave the copies behind for a later run.", with_continue=True),
    ] = False
    verbosity: Annotated[
        int,
        Flag(
            "--verb",
            "Computation",
            "0: print nothing; otherwise as RELION.",
            bounds=Bounds(at_least=0),
            with_continue=True,
        ),
    ] = 1
    cpu: Annotated[
        bool,
        Flag("--cpu", "Computation", "Compute on processors; this is the default.", with_continue=True),
    ] = False
    gpu: Annotated[
        str | None,
        Flag(
            "--gpu",
            "Computation",
            "Compute on graphics cards, one for each rank that aligns particles, with ids as in 0:1:2; ids are used "
            "again if there are more ranks. Without ids, cards that nobody uses are shared out on each machine.",
            value_optional=True,
            with_continue=True,
        ),
    ] = None
    free_gpu_memory_mb: Annotated[
        int,
        Flag(
            "--free_gpu_memory",
            "Computation",
            "Memory to leave free on each card.",
            unit="MB",
            bounds=Bounds(at_least=0),
            with_continue=True,
        ),
    ] = 0

    relion_quirks: Annotated[
        bool,
        Flag(
            "--relion_quirks",
            "halfmap's own",
            "Repeat RELION's known slips of calculation too, to compare with it number by number.",
            with_continue=True,
        ),
    ] = False
    own_frames: Annotated[
        bool,
        Flag(
            "--own_frames",
            "halfmap's own",
            "Count orientations from each particle's own frame in wide searches too, as RELION does, and not from its "
            "tomogram; several times slower.",
            with_continue=True,
        ),
    ] = False
    noise_model: Annotated[
        str,
        Flag(
            "--noise_model",
            "halfmap's own",
            "How the noise of premultiplied images is modelled: exact, with a variance that follows the square of the "
            "CTF, by which the noise was multiplied as well; or relion, with one variance for a whole shell.",
        ),
    ] = EXACT_NOISE
    memory_gb: Annotated[
        float,
        Flag(
            "--memory",
            "halfmap's own",
            "Memory that each rank may take; fewer particles are compared at once if need be. 0 for any amount.",
            unit="GB",
            bounds=Bounds(at_least=0),
            with_continue=True,
        ),
    ] = 0.0
    gpu_precision: Annotated[
        str,
        Flag(
            "--gpu_precision",
            "halfmap's own",
            "Precision in which a card multiplies matrices: tf32, fp32 or bf16. Each iteration checks what it does to "
            "the weights of poses, and goes back to fp32 if that is too much.",
            with_continue=True,
        ),
    ] = "tf32"
    deterministic: Annotated[
        bool,
        Flag(
            "--deterministic",
            "halfmap's own",
            "Add in a fixed order, so that equal runs give equal files; somewhat slower.",
            with_continue=True,
        ),
    ] = False
