"""The options of every job's tab Running that concern batch systems, and the additional arguments.

Labels, defaults and conditions are those of RELION 5.0.1 (RELION: ``RelionJob::initialise``).
"""

from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Option, Slider, When

_QUEUE = (When("do_queue", True),)


class QueueOptions(Declarations):
    """How RELION hands the job to a batch system, and what else the program is told."""

    do_queue: Annotated[
        bool,
        Option("Running", "Submit to queue?", "Hand the job to a batch system instead of starting it.", continues=True),
    ] = False
    queuename: Annotated[
        str,
        Option(
            "Running",
            "Queue name:",
            "Replaces XXXqueueXXX in the submission script.",
            enabled_when=_QUEUE,
            continues=True,
        ),
    ] = "openmpi"
    qsub: Annotated[
        str,
        Option(
            "Running",
            "Queue submit command:",
            "The program that takes the submission script.",
            enabled_when=_QUEUE,
            continues=True,
        ),
    ] = "sbatch"
    qsub_extra1: Annotated[
        str | None,
        Option(
            "Running",
            "Extra queue argument 1:",
            "Replaces XXXextra1XXX in the submission script; exists where the site defines RELION_QSUB_EXTRA1.",
            enabled_when=_QUEUE,
            continues=True,
        ),
    ] = None
    qsub_extra2: Annotated[
        str | None,
        Option(
            "Running",
            "Extra queue argument 2:",
            "Replaces XXXextra2XXX in the submission script; exists where the site defines RELION_QSUB_EXTRA2.",
            enabled_when=_QUEUE,
            continues=True,
        ),
    ] = None
    qsubscript: Annotated[
        str,
        Option(
            "Running",
            "Standard submission script:",
            "Template whose XXX…XXX words are replaced and which is then submitted.",
            file_pattern="*",
            enabled_when=_QUEUE,
            continues=True,
        ),
    ] = "/public/EM/RELION/relion/bin/relion_qsub.csh"
    min_dedicated: Annotated[
        int,
        Option(
            "Running",
            "Minimum dedicated cores per node:",
            "Replaces XXXdedicatedXXX in the submission script; the number of nodes follows from it.",
            slider=Slider(1, 64, 1),
            bounds=Bounds(at_least=1),
            enabled_when=_QUEUE,
            continues=True,
        ),
    ] = 1
    other_args: Annotated[
        str,
        Option(
            "Running",
            "Additional arguments:",
            "Options of the program that the form does not show, as on the command line.",
            continues=True,
        ),
    ] = ""
