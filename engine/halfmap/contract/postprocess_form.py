"""The job form of PostProcess: FSC within a mask, and the sharpened map.

Keys, labels and defaults are those of RELION 5.0 (RELION: ``RelionJob::initialisePostprocessJob``; a ``job.star`` of it
holds exactly these).
"""

from collections.abc import Iterator
from typing import Annotated

from halfmap.contract.job_form import JobForm, Problem, in_form_order, option_problems, problem_about, redirections
from halfmap.contract.option import Bounds, Option, Slider, When, number_text
from halfmap.contract.queue_options import QueueOptions

TAB = "Sharpen"
ROOT = "postprocess"
"""How the names of the results begin."""


class PostProcess(QueueOptions, JobForm):
    """All options of a PostProcess job."""

    fn_in: Annotated[
        str,
        Option(
            "I/O",
            "One of the 2 unfiltered half-maps:",
            "Its name holds half1 or half2; the other one is found by that.",
            flags=("--i",),
            file_pattern="*half*.mrc",
            node_type="DensityMap.mrc.relion.halfmap",
        ),
    ] = ""
    fn_mask: Annotated[
        str,
        Option(
            "I/O",
            "Solvent mask:",
            "Soft mask, 0 to 1, within which the half maps are compared.",
            flags=("--mask",),
            file_pattern="*.mrc",
            node_type="Mask3D.mrc",
        ),
    ] = ""
    angpix: Annotated[
        float,
        Option(
            "I/O",
            "Calibrated pixel size (A)",
            "Pixel size to use instead of the one in the maps' headers; -1: that one.",
            unit="Å",
            flags=("--angpix",),
            slider=Slider(0.3, 5, 0.1),
        ),
    ] = -1.0

    do_auto_bfac: Annotated[
        bool,
        Option(TAB, "Estimate B-factor automatically?", "From the fall of amplitudes.", flags=("--auto_bfac",)),
    ] = True
    autob_lowres: Annotated[
        float,
        Option(
            TAB,
            "Lowest resolution for auto-B fit (A):",
            "Coarser detail is left out of the fit.",
            unit="Å",
            flags=("--autob_lowres",),
            slider=Slider(8, 15, 0.5),
            bounds=Bounds(above=0),
            enabled_when=(When("do_auto_bfac", True),),
        ),
    ] = 10.0
    do_adhoc_bfac: Annotated[
        bool, Option(TAB, "Use your own B-factor?", "Instead of an estimated one.", flags=("--adhoc_bfac",))
    ] = False
    adhoc_bfac: Annotated[
        float,
        Option(
            TAB,
            "User-provided B-factor:",
            "Negative values sharpen.",
            unit="Å²",
            flags=("--adhoc_bfac",),
            slider=Slider(-2000, 0, 50),
            enabled_when=(When("do_adhoc_bfac", True),),
        ),
    ] = -1000.0
    do_skip_fsc_weighting: Annotated[
        bool,
        Option(
            TAB,
            "Skip FSC-weighting?",
            "Low-pass the map at a resolution of your own instead of weighting it by its FSC.",
            flags=("--skip_fsc_weighting",),
        ),
    ] = False
    low_pass: Annotated[
        float,
        Option(
            TAB,
            "Ad-hoc low-pass filter (A):",
            "Where the map is cut off without FSC-weighting.",
            unit="Å",
            flags=("--low_pass",),
            slider=Slider(1, 40, 1),
            bounds=Bounds(above=0),
            enabled_when=(When("do_skip_fsc_weighting", True),),
        ),
    ] = 5.0
    fn_mtf: Annotated[
        str,
        Option(
            TAB,
            "MTF of the detector (STAR file)",
            "The detector's transfer function, which sharpening makes up for.",
            flags=("--mtf",),
            file_pattern="*.star",
            node_type="MicroscopeData.star.mtf",
        ),
    ] = ""
    mtf_angpix: Annotated[
        float,
        Option(
            TAB,
            "Original detector pixel size:",
            "Of the images that the MTF belongs to.",
            unit="Å",
            flags=("--mtf_angpix",),
            slider=Slider(0.3, 2, 0.1),
            bounds=Bounds(above=0),
        ),
    ] = 1.0


def problems(job: PostProcess) -> list[Problem]:
    """Tell everything that keeps a job from running, as far as the options alone show it, in the form's order."""
    return in_form_order(PostProcess, [*_inputs(job), *_sharpening(job), *redirections(job), *option_problems(job, {})])


def _inputs(job: PostProcess) -> Iterator[Problem]:
    name = job.fn_in.rpartition("/")[2]
    if not job.fn_in:
        yield problem_about(PostProcess, "fn_in", "is empty; name an unfiltered half map")
    elif "half1" not in name and "half2" not in name:
        text = f"is {job.fn_in}; the file's name must hold half1 or half2, by which the other one is found"
        yield problem_about(PostProcess, "fn_in", text)
    if not job.fn_mask:
        yield problem_about(PostProcess, "fn_mask", "is empty; name a solvent mask")


def _sharpening(job: PostProcess) -> Iterator[Problem]:
    if job.do_auto_bfac and job.do_adhoc_bfac:
        text = "is Yes although the B-factor is to be estimated; set one of do_auto_bfac and do_adhoc_bfac to No"
        yield problem_about(PostProcess, "do_adhoc_bfac", text)


def refusals(job: PostProcess) -> list[str]:
    """Tell what halfmap's program does not do; RELION's may."""
    if "half1" in job.fn_in.rpartition("/")[2]:
        return []
    text = f"is {job.fn_in}; halfmap's program begins with the first half, name the file with half1"
    return [problem_about(PostProcess, "fn_in", text).message]


def words(job: PostProcess, folder: str) -> list[str]:
    """Give the program's options; `folder` is where the results go, with a slash at its end."""
    return [
        *("--mask", job.fn_mask, "--i", job.fn_in, "--o", f"{folder}{ROOT}"),
        *(("--angpix", number_text(job.angpix)) if job.angpix > 0 else ()),
        *(("--mtf", job.fn_mtf, "--mtf_angpix", number_text(job.mtf_angpix)) if job.fn_mtf else ()),
        *(("--auto_bfac", "--autob_lowres", number_text(job.autob_lowres)) if job.do_auto_bfac else ()),
        *(("--adhoc_bfac", number_text(job.adhoc_bfac)) if job.do_adhoc_bfac else ()),
        *(("--skip_fsc_weighting", "--low_pass", number_text(job.low_pass)) if job.do_skip_fsc_weighting else ()),
    ]
