"""What one rung of a ladder tells the next: boxes, first sampling, first low-pass, and whether to go on at all.

Pure arithmetic; every answer comes with its reason in words.
"""

import math
from dataclasses import dataclass

from halfmap.contract.refine3d import ANGULAR_SAMPLINGS

_COARSEST_STEP_DEG = 60.0
_ACCURACY_FACTOR = 0.75  # RELION: updateAngularSampling compares steps with three quarters of the accuracy
_RANGE_PER_ACCURACY = 5.0
_LEAST_RANGE_PX = 3.0
_STEPS_IN_RANGE = 8.0
_LARGEST_STEP_PX = 1.0

_LOWEST_OF_B_FACTOR_ANGSTROM = 10.0  # the default of PostProcess
_SHELLS_OF_B_FACTOR = 3


@dataclass(frozen=True, slots=True)
class Reached:
    """What a rung's refinement came to.

    Attributes
    ----------
    job
        Such as ``Refine3D/job012/``.
    binning
        Of its rung.
    resolution_angstrom
        Of the joined map (gold standard).
    accuracy_translation_angstrom
        RELION's estimate of the error of an offset; None if it is not known.
    angular_step_deg
        Sampling that it ended with, after oversampling; None if it is not known.
    """

    job: str
    binning: int
    resolution_angstrom: float
    accuracy_translation_angstrom: float | None = None
    angular_step_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """An option's value, and why it has it; `value` is None while it depends on something that is not known yet."""

    value: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Boxes:
    """Box sizes in binned pixels: of the particles, and the larger one in which the CTF is applied."""

    particle_px: int
    extraction_px: int
    why: str


def boxes_at(binning: int, box_px: float, margin: float) -> Boxes:
    """Give the boxes at a binning that keep the extent.

    Parameters
    ----------
    binning
        Of the rung.
    box_px
        The particles' box in pixels of the tilt series.
    margin
        The extraction box over the particles' box.
    """
    particle = friendly_size(box_px / binning)
    extraction = friendly_size(particle * margin)
    why = f"{_short(box_px)} px of the tilt series at bin {binning}"
    if particle * binning != box_px:
        why += ", enlarged to an even size that is quick to transform"
    return Boxes(particle, extraction, why)


def friendly_size(at_least: float) -> int:
    """Give the smallest even number, not below a limit, that has no prime factors but 2, 3 and 5."""
    size = max(2, 2 * math.ceil(at_least / 2 - 1e-9))
    while _largest_factor(size) > 5:
        size += 2
    return size


def _largest_factor(number: int) -> int:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return max(number, 5)


def first_low_pass(reached: Reached) -> Chosen:
    """Low-pass of the half maps that a rung starts from: no detail is lost that the rung before has found."""
    value = _short(reached.resolution_angstrom)
    return Chosen(value, f"resolution reached by {_called(reached)}")


def first_sampling(reached: Reached, diameter_angstrom: float) -> Chosen:
    """Angular step to begin with: the coarsest that resolves what is known, or the one that the rung before ended with.

    Detail of size d at distance D/2 from the centre moves by d when the particle turns by arctan(2 d / D). A local
    search looks six steps around: with a coarser step than the last one it would forget what is known of the poses.
    """
    wanted = math.degrees(math.atan(2 * reached.resolution_angstrom / diameter_angstrom))
    last = reached.angular_step_deg
    if last is not None and last <= wanted:
        return Chosen(_name_of_step(last), f"the step that {_called(reached)} ended with")
    return Chosen(
        _name_of_step(wanted),
        f"coarsest step within {wanted:.1f}°, which move a detail of {_short(reached.resolution_angstrom)} Å "
        f"({_called(reached)}) by its size at the edge of {_short(diameter_angstrom)} Å",
    )


def _name_of_step(at_most_deg: float) -> str:
    """Name RELION's coarsest step that is not above a limit, its finest if all are."""
    steps = [_COARSEST_STEP_DEG / 2 ** (order + 1) for order in range(len(ANGULAR_SAMPLINGS))]
    order = next((order for order, step in enumerate(steps) if step <= at_most_deg * (1 + 1e-6)), len(steps) - 1)
    return ANGULAR_SAMPLINGS[order]


def local_from(sampling: Chosen) -> Chosen:
    """Angular step from which searches are local: the first one, since poses are known."""
    return Chosen(sampling.value, "poses are known: searches are local from the beginning")


def first_offsets(reached: Reached, pixel_size_angstrom: float) -> tuple[Chosen, Chosen]:
    """Range and step of offsets (px of this rung's images) to begin with.

    The range is five times the error of an offset, as RELION's own range is five times the last changes, at least 3 px.
    The step is three quarters of the error, as RELION's, at most 1 px and at least an eighth of the range (RELION never
    has more than four coarse steps in a range, and a coarse step is two fine ones).
    """
    error = reached.accuracy_translation_angstrom
    if error is None:
        why = f"RELION's default: {_called(reached)} tells no accuracy of offsets"
        return Chosen("5", why), Chosen("1", why)
    error_px = error / pixel_size_angstrom
    reach = max(_LEAST_RANGE_PX, _RANGE_PER_ACCURACY * error_px)
    step = max(min(_LARGEST_STEP_PX, _ACCURACY_FACTOR * error_px), reach / _STEPS_IN_RANGE)
    told = f"the accuracy of offsets of {_called(reached)}, {error:.2f} Å = {error_px:.2f} px here"
    return (
        Chosen(_short(reach), f"5 × {told}, at least {_short(_LEAST_RANGE_PX)} px"),
        Chosen(_short(step), f"0.75 × {told}, at most 1 px and at least an eighth of the range"),
    )


def sharpening(reached: Reached, extent_angstrom: float, lowest_angstrom: str = "") -> Chosen:
    """Tell whether there are the three shells that an estimate of the B-factor needs.

    Parameters
    ----------
    reached
        What the rung's refinement came to.
    extent_angstrom
        Of the particles' box.
    lowest_angstrom
        The lowest resolution that tells the B-factor, where it was set by hand.
    """
    try:
        lowest = float(lowest_angstrom)
    except ValueError:
        lowest = _LOWEST_OF_B_FACTOR_ANGSTROM
    shells = extent_angstrom * (1 / reached.resolution_angstrom - 1 / lowest)
    told = f"{_called(reached)} reached {_short(reached.resolution_angstrom)} Å: {max(0, int(shells))} shells"
    return Chosen(
        "Yes" if shells >= _SHELLS_OF_B_FACTOR else "No",
        f"{told} beyond {_short(lowest)} Å, {_SHELLS_OF_B_FACTOR} are needed",
    )


def reason_to_stop(reached: Reached, pixel_size_angstrom: float, stop_below_nyquist: float) -> str:
    """Tell why finer pixels cannot help; "" if they may.

    Parameters
    ----------
    reached
        What a rung came to.
    pixel_size_angstrom
        Of the tilt series, unbinned.
    stop_below_nyquist
        The resolution must not be coarser than this many times the rung's Nyquist limit; 0 for any resolution.
    """
    nyquist = 2 * pixel_size_angstrom * reached.binning
    limit = stop_below_nyquist * nyquist
    if not stop_below_nyquist or reached.resolution_angstrom <= limit:
        return ""
    value, times, nyquist_text = (_short(one) for one in (reached.resolution_angstrom, stop_below_nyquist, nyquist))
    return (
        f"{_called(reached)} reached {value} Å, coarser than {times} × the Nyquist limit of its images "
        f"({nyquist_text} Å): they held finer detail than could be used, so finer pixels cannot help"
    )


def _called(reached: Reached) -> str:
    return f"{reached.job.rstrip('/')} at bin {reached.binning}"


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
