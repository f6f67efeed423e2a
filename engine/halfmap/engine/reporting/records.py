"""Progress records: what a run, an iteration and its end measured, for programs that watch."""

import os
import platform
import resource
from importlib.metadata import version
from pathlib import Path
from typing import cast

import numpy as np

from halfmap.contract.command_line import to_argv
from halfmap.contract.progress import IterationFinished, RunStarted
from halfmap.contract.progress_events import Phase
from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.refinement.fsc import GOLD_STANDARD, resolution_shell
from halfmap.engine.refinement.iteration import Outcome
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.state import UNKNOWN


def memory_mb() -> float:
    """Largest memory of this process so far.

    Linux's getrusage would count what the launcher had used before it became this process.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_started(arguments: RefineArguments, refinement: Refinement, continued_from: int | None) -> RunStarted:
    """Describe a run that begins."""
    halves = refinement.members
    return RunStarted(
        version=version("halfmap"),
        argv=tuple(to_argv(arguments)),
        ranks=refinement.communicator.size,
        threads=refinement.settings.threads,
        host=platform.node(),
        process_id=os.getpid(),
        output_root=arguments.output_root,
        particles_per_half=(len(halves[1]), len(halves[2])),
        box_size_px=refinement.grid.box_px,
        pixel_size_angstrom=refinement.grid.pixel_size_angstrom,
        symmetry=arguments.symmetry,
        continued_from_iteration=continued_from,
    )


def iteration_finished(refinement: Refinement, outcome: Outcome, memory: list[float]) -> IterationFinished:
    """Describe a finished iteration; `memory` holds the peak of each rank in MB."""
    control, search = outcome.state.control, outcome.plan.search
    models = (outcome.joined,) if outcome.joined is not None else outcome.state.halves
    fsc = models[0].spectra.fsc
    below = resolution_shell(fsc, GOLD_STANDARD)
    windows = outcome.plan.windows
    return IterationFinished(
        iteration=control.iteration,
        resolution_angstrom=_inverse(control.resolution_per_angstrom),
        resolution_fsc_143_angstrom=refinement.grid.extent_angstrom / below if below else None,
        fsc=tuple(float(value) for value in fsc),
        accuracy_rotation_deg=_known(control.accuracy_rotation_deg),
        accuracy_translation_angstrom=_known(control.accuracy_translation_angstrom),
        angular_step_deg=search.orientations.fine_step_deg,
        offset_step_angstrom=search.offsets.fine_step_angstrom,
        offset_range_angstrom=search.offsets.range_angstrom,
        healpix_order=search.orientations.healpix_order,
        local_searches=control.sampling.local_searches,
        current_size_px=windows.model_px,
        coarse_size_px=windows.by_group[0].coarse.image_size_px,
        changes_orientations_deg=control.changes.orientations_deg,
        changes_offsets_angstrom=control.changes.offsets_angstrom,
        iterations_without_resolution_gain=control.iterations_without_resolution_gain,
        iterations_without_assignment_changes=control.iterations_without_changes,
        average_pmax=float(np.mean([model.average_pmax for model in models])),
        significant_samples_mean=float(outcome.state.assignments.significant_samples.mean()),
        log_likelihood=float(sum(model.log_likelihood for model in models)),
        sigma_offset_angstrom=float(np.mean([model.sigma_offset_angstrom for model in models])),
        seconds={cast(Phase, name): seconds for name, seconds in outcome.seconds.items()},
        memory_mb=tuple(memory),
        converged=control.has_converged,
    )


def _inverse(value: float) -> float | None:
    return 1 / value if value > 0 else None


def _known(value: float) -> float | None:
    return None if value == UNKNOWN else value
