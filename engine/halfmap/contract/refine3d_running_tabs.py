"""The tabs Compute and Running of the Refine3D form, and what the environment changes about their defaults.

Labels, defaults and conditions are those of RELION 5.0.1 (RELION: ``RelionJob::initialiseAutorefineJob`` and
``RelionJob::initialise``).
"""

from collections.abc import Mapping
from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Option, Slider, When


class RunningTabs(Declarations):
    """How the work is laid on disks, memory and processors; queues are in `halfmap.contract.queue_options`."""

    do_parallel_discio: Annotated[
        bool,
        Option(
            "Compute",
            "Use parallel disc I/O?",
            "Every rank reads its own particles. Must be Yes for pseudo-subtomograms.",
            flags=("--no_parallel_disc_io",),
            continues=True,
        ),
    ] = True
    nr_pool: Annotated[
        int,
        Option(
            "Compute",
            "Number of pooled particles:",
            "Particles that each thread takes at a time; more need more memory and less bookkeeping.",
            flags=("--pool",),
            slider=Slider(1, 16, 1),
            bounds=Bounds(at_least=1),
            continues=True,
        ),
    ] = 3
    do_pad1: Annotated[
        bool,
        Option(
            "Compute",
            "Skip padding?",
            "Transform references without padding: an eighth of the memory, with some artefacts near the box's edge.",
            flags=("--pad",),
            continues=True,
        ),
    ] = False
    do_preread_images: Annotated[
        bool,
        Option(
            "Compute",
            "Pre-read all particles into RAM?",
            "Read every particle once and keep it in memory. Takes precedence over the scratch directory.",
            flags=("--preread_images",),
            continues=True,
        ),
    ] = False
    scratch_dir: Annotated[
        str,
        Option(
            "Compute",
            "Copy particles to scratch directory:",
            "A folder on a fast local disk; particles are copied there first. Empty: read from where they are.",
            flags=("--scratch_dir",),
            enabled_when=(When("do_preread_images", False),),
            continues=True,
        ),
    ] = ""
    do_combine_thru_disc: Annotated[
        bool,
        Option(
            "Compute",
            "Combine iterations through disc?",
            "Exchange the ranks' sums through files instead of messages. Only for networks that lose large messages.",
            flags=("--dont_combine_weights_via_disc",),
            continues=True,
        ),
    ] = False
    use_gpu: Annotated[
        bool,
        Option(
            "Compute",
            "Use GPU acceleration?",
            "Compute on graphics cards, one for each rank that aligns particles.",
            flags=("--gpu",),
            continues=True,
        ),
    ] = False
    gpu_ids: Annotated[
        str,
        Option(
            "Compute",
            "Which GPUs to use:",
            "Ids as in 0,1:2,3: a colon separates ranks, a comma the cards of one rank. Empty: shared out by itself.",
            flags=("--gpu",),
            enabled_when=(When("use_gpu", True),),
            continues=True,
        ),
    ] = ""

    nr_mpi: Annotated[
        int,
        Option(
            "Running",
            "Number of MPI procs:",
            "One leader and an equal number of workers for each half set: 3, 5, 7, …; small jobs also run with 1 or 2.",
            slider=Slider(1, 64, 1),
            bounds=Bounds(at_least=1),
            continues=True,
        ),
    ] = 1
    nr_threads: Annotated[
        int,
        Option(
            "Running",
            "Number of threads:",
            "Threads of each MPI process; ranks times threads should not exceed the processor cores.",
            flags=("--j",),
            slider=Slider(1, 16, 1),
            bounds=Bounds(at_least=1),
            continues=True,
        ),
    ] = 1


_ENVIRONMENT = {
    "RELION_SCRATCH_DIR": "scratch_dir",
    "RELION_QSUB_NRMPI": "nr_mpi",
    "RELION_QSUB_NRTHREADS": "nr_threads",
    "RELION_QUEUE_USE": "do_queue",
    "RELION_QUEUE_NAME": "queuename",
    "RELION_QSUB_COMMAND": "qsub",
    "RELION_QSUB_TEMPLATE": "qsubscript",
    "RELION_MINIMUM_DEDICATED": "min_dedicated",
}
_MEANS_YES = ("yes", "y", "true", "t", "on", "1")


def defaults_from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the defaults that a site sets through the environment.

    Parameters
    ----------
    environ
        The environment, such as ``os.environ``.

    Returns
    -------
    dict
        Option name to text as in ``job.star``, only for what the environment sets. The texts are not checked here:
        `halfmap.contract.refine3d.job_from_values` reads them and tells what is wrong with them.

    Notes
    -----
    RELION: ``RelionJob::initialise``. An extra queue argument exists where ``RELION_QSUB_EXTRAi`` is set and i does not
    exceed ``RELION_QSUB_EXTRA_COUNT`` (2).
    """
    defaults = {option: environ[variable] for variable, option in _ENVIRONMENT.items() if environ.get(variable)}
    if "do_queue" in defaults:
        defaults["do_queue"] = "Yes" if defaults["do_queue"].strip().lower() in _MEANS_YES else "No"
    count = environ.get("RELION_QSUB_EXTRA_COUNT", "")
    for i in range(1, min(int(count) if count.isdecimal() else 2, 2) + 1):
        if environ.get(f"RELION_QSUB_EXTRA{i}"):
            defaults[f"qsub_extra{i}"] = environ.get(f"RELION_QSUB_EXTRA{i}_DEFAULT", "")
    return defaults
