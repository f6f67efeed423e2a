"""The job form of Extract: pseudo-subtomograms cut out of tilt series.

Keys, labels and defaults are those of RELION 5.0 (RELION: ``RelionJob::initialiseTomoSubtomoJob``; a ``job.star`` of it
holds exactly these).
"""

from typing import Annotated

from halfmap.contract.box_options import binning_option, box_option, box_problems, box_words, crop_option
from halfmap.contract.job_form import Problem, in_form_order, option_problems, redirections
from halfmap.contract.option import Bounds, Option, Slider, number_text
from halfmap.contract.queue_options import QueueOptions
from halfmap.contract.tomo_inputs import TomoInputs, input_problems, input_words, refusals_of_ranks

TAB = "Reconstruct"


class Extract(QueueOptions, TomoInputs):
    """All options of an Extract job."""

    binning: Annotated[float, binning_option(TAB)] = 1.0
    box_size: Annotated[int, box_option(TAB)] = 128
    crop_size: Annotated[int, crop_option(TAB)] = -1
    max_dose: Annotated[
        float,
        Option(
            TAB,
            "Maximum dose (e/A^2):",
            "Tilt images that have seen more are left out of all particles; -1: none is.",
            unit="e/Å²",
            flags=("--max_dose",),
            slider=Slider(-1, 100, 5),
        ),
    ] = -1.0
    min_frames: Annotated[
        int,
        Option(
            TAB,
            "Minimum nr. frames:",
            "Particles that are seen in fewer tilt images are left out.",
            flags=("--min_frames",),
            slider=Slider(1, 10, 1),
            bounds=Bounds(at_least=0),
        ),
    ] = 1
    do_stack2d: Annotated[
        bool,
        Option(
            TAB,
            "Write output as 2D stacks?",
            "Each particle as a stack of its tilt images. No: as a volume, as RELION 4 does.",
            flags=("--stack2d",),
        ),
    ] = True
    do_float16: Annotated[
        bool,
        Option(TAB, "Write output in float16?", "Half the size on disk.", flags=("--float16",)),
    ] = True


def problems(job: Extract) -> list[Problem]:
    """Tell everything that keeps a job from running, as far as the options alone show it, in the form's order."""
    found = [
        *input_problems(job),
        *box_problems(job, job.box_size, job.crop_size),
        *redirections(job),
        *option_problems(job, {}),
    ]
    return in_form_order(Extract, found)


def refusals(job: Extract) -> list[str]:
    """Tell what halfmap's program does not do; RELION's may."""
    return refusals_of_ranks(job)


def words(job: Extract, folder: str) -> list[str]:
    """Give the program's options; `folder` is where the particles go, with a slash at its end."""
    return [
        *input_words(job),
        *("--o", folder),
        *box_words(job.box_size, job.crop_size, job.binning),
        *(("--max_dose", number_text(job.max_dose)) if job.max_dose > 0 else ()),
        *(("--min_frames", f"{job.min_frames}") if job.min_frames > 0 else ()),
        *(("--stack2d",) if job.do_stack2d else ()),
        *(("--float16",) if job.do_float16 else ()),
        *("--j", f"{job.nr_threads}"),
    ]
