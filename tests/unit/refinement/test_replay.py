"""The decisions of auto-refine replayed against RELION's own runs: the same numbers in, the same decisions out.

Fed are, for each iteration, the resolution, the estimated accuracies and the changes that RELION wrote; demanded are
its counters, its angular and offset steps and ranges, its Fourier windows and the iteration in which it converged.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import starfile

from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.refinement.auto_sampling import AutoSampling, with_local_searches, with_new_sampling
from halfmap.engine.refinement.convergence import converged, with_new_changes
from halfmap.engine.refinement.image_sizes import current_size_px, with_new_resolution, with_new_size_increment
from halfmap.engine.refinement.state import Changes, Control, Sampling

GRID = ModelGrid(36, 8.1)


@dataclass(frozen=True)
class Run:
    """A recorded run and how it was started."""

    job: str
    wishes: AutoSampling
    sampling: Sampling
    lowpass_angstrom: float


def wishes(local_from_order):
    return AutoSampling(1, local_from_order, 230.0, ignore_changes=True, follow_resolution=True)


# offsets of 1.5 and steps of 2 pixels of 8.1 Å
RUNS = [
    Run("job006", wishes(4), Sampling(2, 12.15, 16.2, sigma_tilt_deg=10.0), 30.0),
    Run("job009", wishes(3), with_local_searches(Sampling(3, 12.15, 16.2), wishes(3)), 20.0),
]


def numbers(text: str, pattern: str) -> list[list[float]]:
    return [[float(n) for n in (m if isinstance(m, tuple) else (m,))] for m in re.findall(pattern, text)]


@dataclass(frozen=True)
class Log:
    """What RELION printed about each iteration; the first two lists begin with iteration 1, the others with 2."""

    resolution: list[list[float]]
    changes: list[list[float]]
    accuracy: list[list[float]]
    angular_step: list[list[float]]
    offsets: list[list[float]]
    converged_in: int


def read_log(path: Path) -> Log:
    text = path.read_text()
    number = r"([-\d.e+]+)"
    before_convergence = text[: text.index("Refinement has converged, entering")]
    return Log(
        numbers(text, rf"Auto-refine: Resolution= {number} \(no gain for {number} iter\)"),
        numbers(
            text,
            rf"Changes in angles= {number} degrees; and in offsets= {number} Angstroms "
            rf"\(no gain for {number} iter\)",
        ),
        numbers(text, rf"Estimated accuracy angles= {number} degrees; offsets= {number} Angstroms"),
        numbers(text, rf"Angular step= {number} degrees"),
        numbers(text, rf"Offset search range= {number} Angstroms; offset step= {number} Angstroms"),
        before_convergence.count("Auto-refine: Iteration="),
    )


def at_start(run: Run) -> Control:
    control = Control(0, 0.0, run.sampling)
    return with_new_resolution(control, np.ones(GRID.shells), GRID, run.lowpass_angstrom, 5)


def expectation(control: Control, run: Run, log: Log) -> Control:
    """What is decided before the particles are looked at."""
    number = control.iteration + 1
    control = replace(control, iteration=number, has_converged=converged(control, run.wishes))
    control = replace(control, current_size_px=current_size_px(control, GRID, control.has_converged))
    if number == 1:
        return control
    rotation, translation = log.accuracy[number - 2]
    control = replace(control, accuracy_rotation_deg=rotation, accuracy_translation_angstrom=translation)
    return with_new_sampling(control, run.wishes)


def maximization(control: Control, run: Run, log: Log, model: dict) -> Control:
    """What follows from the new poses and maps; classes change in iteration 1 alone."""
    number = control.iteration
    rotation, translation, _ = log.changes[number]
    classes = 1.0 if number == 1 and run.job == "job006" else 0.0
    control = with_new_changes(control, Changes(rotation, translation, classes), run.wishes)
    spectra = model["model_class_1"]
    control = with_new_size_increment(control, spectra["rlnGoldStandardFsc"].to_numpy(), control.current_size_px // 2)
    control = replace(control, average_pmax=float(model["model_general"]["rlnAveragePmax"]))
    lowpass = run.lowpass_angstrom if number == 1 else -1.0
    return with_new_resolution(control, spectra["rlnSsnrMap"].to_numpy(), GRID, lowpass, 5)


# traps 27, 28, 29, 30, 32, 50, 63
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.job)
def test_the_recorded_run_is_decided_in_the_same_way(hiv_twin, run):
    folder = hiv_twin / "Refine3D" / run.job
    log = read_log(folder / "run.out")
    control = at_start(run)
    while True:
        number = control.iteration + 1
        resolution, without_gain = log.resolution[number - 1]
        assert 1 / control.resolution_per_angstrom == pytest.approx(resolution, rel=1e-5)
        assert control.iterations_without_resolution_gain == without_gain
        control = expectation(control, run, log)
        if number > 1:
            assert run.wishes.step_deg(control.sampling) == log.angular_step[number - 2][0]
            reach, step = log.offsets[number - 2]
            assert control.sampling.offset_range_angstrom == pytest.approx(reach, rel=1e-5)
            # RELION prints the oversampled step
            assert control.sampling.offset_step_angstrom / 2 == pytest.approx(step, rel=1e-5)
        if control.has_converged:
            break
        model = starfile.read(folder / f"run_it{number:03d}_half1_model.star")
        assert control.current_size_px == int(model["model_general"]["rlnCurrentImageSize"])
        control = maximization(control, run, log, model)
    assert control.iteration == log.converged_in
    assert control.current_size_px == 36


# the smallest changes and counters of every iteration, from the optimiser files
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.job)
def test_recorded_counters_and_smallest_changes_follow(hiv_twin, run):
    folder = hiv_twin / "Refine3D" / run.job
    log = read_log(folder / "run.out")
    control = at_start(run)
    for number in range(1, log.converged_in):
        control = expectation(control, run, log)
        control = maximization(control, run, log, starfile.read(folder / f"run_it{number:03d}_half1_model.star"))
        recorded = starfile.read(folder / f"run_it{number:03d}_optimiser.star")
        smallest = control.smallest_changes
        assert smallest.orientations_deg == pytest.approx(float(recorded["rlnSmallestChangesOrientations"]), rel=1e-5)
        assert smallest.offsets_angstrom == pytest.approx(float(recorded["rlnSmallestChangesOffsets"]), rel=1e-5)
        assert smallest.classes == int(recorded["rlnSmallestChangesClasses"])
        assert control.has_high_fsc_at_limit == bool(int(recorded["rlnHasHighFscAtResolLimit"]))
        assert control.size_increment_shells == int(recorded["rlnIncrementImageSize"])


# trap 29: RELION counts an iteration whose changes are less than 0.40 of the steps that the run *started* with (7.5°
# and 8.1 Å in job006, 3.75° and 8.1 Å in job009), not of the current ones: only so do all recorded counters follow.
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.job)
def test_recorded_counts_of_iterations_with_hardly_any_changes_follow(hiv_twin, run):
    folder = hiv_twin / "Refine3D" / run.job
    log = read_log(folder / "run.out")
    control, found = at_start(run), []
    for number in range(1, log.converged_in):
        control = expectation(control, run, log)
        control = maximization(control, run, log, starfile.read(folder / f"run_it{number:03d}_half1_model.star"))
        found.append(control.iterations_without_changes)
    assert found == [count for _, _, count in log.changes[1:]]
