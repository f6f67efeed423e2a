"""A paragraph of methods that says only what the records say; what is not known is left out."""

from collections.abc import Iterator, Sequence

from halfmap.daemon.client import JobState
from halfmap.tui.job.course import Iteration
from halfmap.tui.report.matter import Matter

CITATIONS = (
    "Scheres, S. H. W. & Chen, S. (2012). Prevention of overfitting in cryo-EM structure determination. "
    "Nature Methods 9, 853–854. doi:10.1038/nmeth.2115 (gold-standard half sets)",
    "Scheres, S. H. W. (2012). RELION: Implementation of a Bayesian approach to cryo-EM structure determination. "
    "Journal of Structural Biology 180, 519–530. doi:10.1016/j.jsb.2012.09.006 (the likelihood, auto-refinement)",
    "Zivanov, J. et al. (2022). A Bayesian approach to single-particle electron cryo-tomography in RELION-4.0. "
    "eLife 11, e83724. doi:10.7554/eLife.83724 (pseudo-subtomograms)",
    "Burt, A. et al. (2024). An image processing pipeline for electron cryo-tomography in RELION-5. "
    "FEBS Open Bio 14, 1788–1804. doi:10.1002/2211-5463.13873 (2D stacks)",
)
"""What to cite: the methods are RELION's, whichever program ran them."""


def methods(matter: Matter) -> str:
    """Write the paragraph."""
    return " ".join(sentence for sentence in _sentences(matter) if sentence)


def _sentences(matter: Matter) -> Iterator[str]:
    iterations = matter.told.course.iterations
    yield _particles(matter)
    yield _reference(matter)
    yield _masks(matter)
    if iterations:
        yield _search(iterations)
        yield _end(matter, iterations)
        yield _resolution(matter, iterations[-1])
    else:
        yield "No finished iteration is recorded."


def _particles(matter: Matter) -> str:
    files, record = matter.told.files, matter.record
    halves = record.particles_per_half
    total = files.particles or (sum(halves) if halves else None)
    split = f" ({halves[0]} and {halves[1]} in the two half sets)" if halves else ""
    box = _told(files.box_px or matter.told.course.box_px, " in boxes of {} px")
    pixel = _told(files.pixel_size_angstrom or matter.told.course.pixel_size_angstrom, " with pixels of {:.4g} Å")
    who = f" {total} particles{split}" if total else "Particles"
    symmetry = files.symmetry or record.value_of("--sym")
    program = f" by {record.program}" if record.program else ""
    imposed = f", with {symmetry} symmetry" if symmetry else ""
    return f"{who}{box}{pixel} were refined{program} in RELION's gold-standard auto-refinement{imposed}.".strip()


def _reference(matter: Matter) -> str:
    lowpass = _number(_setting(matter, "--ini_high", "ini_high"))
    if matter.record.continued_from is not None:
        return f"The run went on from its iteration {matter.record.continued_from}."
    if not lowpass or lowpass < 0:
        return ""
    by_correlation = "--firstiter_cc" in matter.record.arguments
    more = ", and the first iteration compared particles with it by cross-correlation" if by_correlation else ""
    return f"The start reference was low-pass filtered to {lowpass:g} Å{more}."


def _masks(matter: Matter) -> str:
    diameter = matter.told.files.particle_diameter_angstrom or _number(
        _setting(matter, "--particle_diameter", "particle_diameter")
    )
    around = f"Particles were masked with a sphere of {diameter:g} Å in diameter" if diameter else ""
    if not matter.told.files.mask:
        return f"{around}." if around else ""
    return f"{around}, the reference with a mask." if around else "The reference was masked."


def _search(iterations: Sequence[Iteration]) -> str:
    first, last = iterations[0], iterations[-1]
    begin = " and ".join(
        one
        for one in (
            _told(first.angular_step_deg, "an angular step of {:.3g}°"),
            _told(first.offset_step_angstrom, "an offset step of {:.3g} Å")
            + _told(first.offset_range_angstrom, " within {:.3g} Å"),
        )
        if one
    )
    end = " and ".join(
        one for one in (_told(last.angular_step_deg, "{:.3g}°"), _told(last.offset_step_angstrom, "{:.3g} Å")) if one
    )
    local = next((one.iteration for one in iterations if one.local_searches), None)
    words = f"The search began with {begin}" if begin else ""
    if words and end and len(iterations) > 1:
        words += f" and ended with {end}"
    if words and local is not None:
        words += "; orientations were searched locally" + (
            " throughout" if local == iterations[0].iteration else f" from iteration {local} on"
        )
    return f"{words}." if words else ""


def _end(matter: Matter, iterations: Sequence[Iteration]) -> str:
    last, state = iterations[-1], matter.told.detail.row.state
    if last.converged:
        return f"It converged after {last.iteration} iterations, in the last of which the half sets were joined."
    if state is JobState.FINISHED:
        return f"It ended after {_iterations(last)} without convergence."
    if state.has_ended:
        return f"It did not converge; the job is {state.value}, after {_iterations(last)}."
    return f"It has not ended yet, after {_iterations(last)} so far."


def _iterations(last: Iteration) -> str:
    return "1 iteration" if last.iteration == 1 else f"{last.iteration} iterations"


def _resolution(matter: Matter, last: Iteration) -> str:
    nyquist = matter.told.course.nyquist_angstrom
    at_143, planned = last.resolution_fsc_143_angstrom, last.resolution_angstrom
    corrected = "--solvent_correct_fsc" in matter.record.arguments
    mask = "inside the mask and corrected for it" if corrected else "without correction for a mask"
    said = ""
    if at_143 is not None:
        limit = " (the finest that the pixels allow)" if nyquist is not None and at_143 <= 1.001 * nyquist else ""
        said = f"The FSC between the half maps, {mask}, stays above 0.143 up to {at_143:.2f} Å{limit}"
    if planned is None:
        return f"{said}." if said else "The resolution is not recorded."
    if not said:
        return f"RELION's estimate of the resolution is {planned:.2f} Å."
    return f"{said}; RELION's estimate, from which iterations are planned, is {planned:.2f} Å."


def _setting(matter: Matter, flag: str, key: str) -> str:
    """Give a setting as the run was started with it, or as the job's form has it."""
    return matter.record.value_of(flag) or matter.told.detail.options.get(key, "")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _told(value: float | None, words: str) -> str:
    return "" if value is None else words.format(value)
