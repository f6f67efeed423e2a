"""The lines that RELION's monitors look for in a run's output, word for word (formats of RELION 5's run.out)."""

import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from halfmap.engine.refinement.auto_sampling import resolution_step_deg
from halfmap.engine.refinement.greyscale import Contrast
from halfmap.engine.refinement.observer import SearchSize
from halfmap.engine.refinement.state import Control

_POOR_ACCURACY_DEG = 10.0


def number(value: float) -> str:
    """Write a number with six significant digits, as C++ streams do."""
    return f"{value:g}"


def _angstrom(control: Control) -> str:
    resolution = control.resolution_per_angstrom
    return number(1 / resolution) if resolution > 0 else "inf"


def opening_lines(ranks: Sequence[str], notes: Sequence[str]) -> list[str]:
    """Head of a run: version, ranks, and what was adapted. Monitors look for the version line of the newest run."""
    return [
        f"RELION version: 5.0.1 (halfmap {version('halfmap')}) ",
        " === RELION MPI setup ===",
        f" + Number of MPI processes                 = {len(ranks)}",
        *(f" + {rank}" for rank in ranks),
        " ==========================",
        *(f" + NOTE: {note}" for note in notes),
    ]


def iteration_lines(control: Control) -> list[str]:
    """Head of an iteration: the state after the one before."""
    lines = [
        f" Auto-refine: Iteration= {control.iteration}",
        f" Auto-refine: Resolution= {_angstrom(control)} (no gain for "
        f"{control.iterations_without_resolution_gain} iter) ",
        f" Auto-refine: Changes in angles= {number(control.changes.orientations_deg)} degrees; and in offsets= "
        f"{number(control.changes.offsets_angstrom)} Angstroms (no gain for "
        f"{control.iterations_without_changes} iter) ",
    ]
    if control.has_converged:
        lines += [
            " Auto-refine: Refinement has converged, entering last iteration where two halves will be combined...",
            " Auto-refine: The last iteration will use data to Nyquist frequency, which may take more CPU and RAM.",
        ]
    return lines


def accuracy_lines(control: Control) -> list[str]:
    """Estimated accuracies, with a warning where they are poor."""
    lines = [
        f" Auto-refine: Estimated accuracy angles= {number(control.accuracy_rotation_deg)} degrees; offsets= "
        f"{number(control.accuracy_translation_angstrom)} Angstroms"
    ]
    if control.accuracy_rotation_deg > _POOR_ACCURACY_DEG:
        lines.append(
            f" Auto-refine: WARNING: Iter = {control.iteration} The angular accuracy is worse than 10 degrees, so "
            f"orientations may be wrong; look at the maps, the mask diameter and the particles."
        )
    return lines


def search_lines(
    control: Control, sizes: tuple[SearchSize, SearchSize], diameter_angstrom: float, step_deg: float
) -> list[str]:
    """Sampling of the iteration and number of poses."""
    lines = []
    if control.iteration > 1:
        restricted = "true" if control.sampling.has_priors else "false"
        lines += [
            f" Auto-refine: Angular step= {number(step_deg)} degrees; local searches= {restricted}",
            f" Auto-refine: Offset search range= {number(control.sampling.offset_range_angstrom)} Angstroms; "
            f"offset step= {number(sizes[1].offset_step_angstrom)} Angstroms",
        ]
    if control.resolution_per_angstrom > 0:
        needed = resolution_step_deg(diameter_angstrom, control.resolution_per_angstrom)
        lines.append(
            f" CurrentResolution= {_angstrom(control)} Angstroms, which requires orientationSampling of at least "
            f"{number(needed)} degrees for a particle of diameter {number(diameter_angstrom)} Angstroms"
        )
    return lines + [line for size in sizes for line in _size_lines(size)]


def _size_lines(size: SearchSize) -> list[str]:
    return [
        f" Oversampling= {size.oversampling} NrHiddenVariableSamplingPoints= {size.orientations * size.offsets}",
        f" OrientationalSampling= {number(size.angular_step_deg)} NrOrientations= {size.orientations}",
        f" TranslationalSampling= {number(size.offset_step_angstrom)} NrTranslations= {size.offsets}",
        "=============================",
    ]


def joining_lines(resolution_angstrom: float) -> list[str]:
    """Announce that the halves share their low resolution."""
    if not math.isfinite(resolution_angstrom):
        return []
    return [
        f" Averaging half-reconstructions up to {number(resolution_angstrom)} Angstrom resolution to prevent diverging "
        f"orientations ...",
        " Note that only for higher resolutions the FSC-values are according to the gold-standard!",
    ]


def comparing_lines(solvent_corrected: bool, randomised_angstrom: float | None) -> list[str]:
    """Announce the FSC."""
    if not solvent_corrected:
        return [" Calculating gold-standard FSC ..."]
    lines = [" Calculating solvent-corrected gold-standard FSC ..."]
    if randomised_angstrom is not None:
        lines.append(f"  + randomize phases beyond: {number(randomised_angstrom):>7} Angstroms")
    return lines


def final_lines(control: Control, final_map: Path, model: Path, data: Path, masked: bool) -> list[str]:
    """Announce the results."""
    return [
        " Auto-refine: Refinement has converged, stopping now... ",
        f" Auto-refine: + Final reconstruction from all particles is saved as: {final_map}",
        f" Auto-refine: + Final model parameters are stored in: {model}",
        f" Auto-refine: + Final data parameters are stored in: {data}",
        f" Auto-refine: + Final resolution ({'already with' if masked else 'without'} masking) is: "
        f"{_angstrom(control)}",
    ]


def unresolved_lines(control: Control) -> list[str]:
    """Say that the halves agree only where they were made to."""
    return [
        " WARNING: the FSC falls below 0.5 right beyond the shells that both halves share, up to "
        f"{_angstrom(control)} Angstroms; no resolution is claimed. Look at the final maps: these may be noise."
    ]


def skipped_lines() -> list[str]:
    """Announce the end of a run that only aligned."""
    return [" Auto-refine: Skipping maximization step, so stopping now... "]


def unconverged_lines(control: Control, last_iteration: int) -> list[str]:
    """Announce the end of a run that was not allowed to converge."""
    if control.iteration >= last_iteration:
        return [
            f" Auto-refine: stopping after iteration {control.iteration} as asked (--auto_iter_max); not converged."
        ]
    return [f" Auto-refine: stopping at {_angstrom(control)} Angstroms as asked (--abort_at_resolution)."]


def inverted_reference(path: str, contrast: Contrast) -> str:
    """Say that a reference is inverted."""
    return (
        f"{path}: the reference fits the particles clearly better upside down (mean correlation "
        f"{contrast.inverted.mean():.3f} inverted, {contrast.upright.mean():.3f} as it is, {-contrast.preference:.0f} "
        f"standard errors apart): its contrast is inverted. Multiply it by -1; protein must be white."
    )


def reference_off_scale(path: str, contrast: Contrast) -> str:
    """Say that a reference is not on the particles' grey scale."""
    return (
        f"{path}: the reference is not on the particles' absolute grey scale; it would have to be multiplied by about "
        f"{contrast.scale:.3g}. Give --firstiter_cc (reference is on absolute greyscale: No), or scale the map."
    )
