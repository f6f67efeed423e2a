"""The job form of Reconstruct particle: an average and its half maps, straight from the tilt series.

Keys, labels and defaults are those of RELION 5.0.1 (RELION: ``RelionJob::initialiseTomoAverageJob``).
"""

from typing import Annotated

from halfmap.contract.box_options import binning_option, box_option, box_problems, box_words, crop_option
from halfmap.contract.job_form import Problem, in_form_order, option_problems, problem_about, redirections
from halfmap.contract.option import Bounds, Option, Slider, When, number_text
from halfmap.contract.queue_options import QueueOptions
from halfmap.contract.spelling import SYMMETRIES, is_symmetry
from halfmap.contract.tomo_inputs import TomoInputs, input_problems, input_words, refusals_of_ranks

TAB = "Average"
_HELICAL = (When("do_helix", True),)


class Reconstruct(QueueOptions, TomoInputs):
    """All options of a Reconstruct particle job; those for helices are known and refused."""

    binning: Annotated[float, binning_option(TAB)] = 1.0
    box_size: Annotated[int, box_option(TAB)] = 128
    crop_size: Annotated[int, crop_option(TAB)] = -1
    snr: Annotated[
        float,
        Option(
            TAB,
            "Wiener SNR constant:",
            "Signal-to-noise ratio that decides how far poorly measured Fourier components are damped; 0: a heuristic.",
            flags=("--SNR",),
            slider=Slider(0, 0.0001, 0.00001),
            bounds=Bounds(at_least=0),
        ),
    ] = 0.0
    sym_name: Annotated[
        str,
        Option(TAB, "Symmetry:", "Point group of the particle: Cn, Dn, T, O, I or I1 to I4.", flags=("--sym",)),
    ] = "C1"
    do_helix: Annotated[bool, Option("Helix", "Apply helical symmetry?", "Not offered: set it to No.")] = False
    helical_nr_asu: Annotated[
        int, Option("Helix", "Number of unique asymmetrical units:", "For helices.", enabled_when=_HELICAL)
    ] = 1
    helical_twist: Annotated[
        float, Option("Helix", "Helical twist (deg):", "For helices.", unit="deg", enabled_when=_HELICAL)
    ] = -1.0
    helical_rise: Annotated[
        float, Option("Helix", "Helical rise (A):", "For helices.", unit="Å", enabled_when=_HELICAL)
    ] = 4.75
    helical_tube_outer_diameter: Annotated[
        float, Option("Helix", "Outer helical diameter (A):", "For helices.", unit="Å", enabled_when=_HELICAL)
    ] = 200.0
    helical_z_percentage: Annotated[
        float, Option("Helix", "Central Z length (%):", "For helices.", unit="%", enabled_when=_HELICAL)
    ] = 20.0


def problems(job: Reconstruct) -> list[Problem]:
    """Tell everything that keeps a job from running, as far as the options alone show it, in the form's order."""
    found = [
        *input_problems(job),
        *box_problems(job, job.box_size, job.crop_size),
        *redirections(job),
        *option_problems(job, {"sym_name": (is_symmetry, f"give one of {SYMMETRIES}")}),
    ]
    if job.do_helix:
        # RELION needs three more programs after this one for a helix, which a single start cannot be
        text = "is Yes; helices are not reconstructed by this job here, set it to No"
        found.append(problem_about(Reconstruct, "do_helix", text))
    return in_form_order(Reconstruct, found)


def refusals(job: Reconstruct) -> list[str]:
    """Tell what halfmap's program does not do; RELION's may."""
    finer = [
        problem_about(Reconstruct, "binning", "is below 1; halfmap's program does not magnify, give 1 or more").message
    ]
    return [*refusals_of_ranks(job), *(finer if job.binning < 1 else [])]


def words(job: Reconstruct, folder: str) -> list[str]:
    """Give the program's options; `folder` is where the maps go, with a slash at its end."""
    return [
        *input_words(job),
        *("--o", folder),
        *box_words(job.box_size, job.crop_size, job.binning),
        *(("--SNR", number_text(job.snr)) if job.snr > 0 else ()),
        *("--j", f"{job.nr_threads}", "--j_out", f"{job.nr_threads}", "--j_in", "1"),
        *("--sym", job.sym_name),
    ]
