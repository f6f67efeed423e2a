"""One iteration of auto-refine: from one state to the next.

RELION: MlOptimiserMpi::iterate.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float32

from halfmap.engine.particles.particle import Assignments
from halfmap.engine.refinement.accuracies import with_new_accuracies
from halfmap.engine.refinement.all_particles import collected, expect_half, hand_outs, is_together, merged
from halfmap.engine.refinement.auto_sampling import with_new_sampling
from halfmap.engine.refinement.convergence import converged, measure_changes, with_new_changes
from halfmap.engine.refinement.half_sets import is_resolved, joining_shell
from halfmap.engine.refinement.image_sizes import with_new_resolution, with_new_size_increment
from halfmap.engine.refinement.memory_plan import in_words, plan_memory
from halfmap.engine.refinement.observer import SearchSize
from halfmap.engine.refinement.plan import IterationPlan, SearchPlan, fitting_distribution, plan_search, plan_windows
from halfmap.engine.refinement.reconstruction import HalfMaps, reconstruct_halves
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.state import Control, HalfState, Sampling, State
from halfmap.engine.refinement.sums import ExpectationSums
from halfmap.engine.sampling.priors import centre_of_prior, direction_tree
from halfmap.engine.sampling.random_numbers import next_perturbation


@dataclass(frozen=True)
class Outcome:
    """What an iteration leaves.

    Parameters
    ----------
    state
        The next state; the halves' densities are already masked.
    plan
        What was done.
    seconds
        Time of each phase on this rank.
    unfiltered
        Unregularised half maps, where they were made: with a solvent-corrected FSC, and at the end. Only on captains.
    joined
        Model of all particles, at the end only.
    is_resolved
        False at the end if the halves agree only in shells that they share.
    """

    state: State
    plan: IterationPlan
    seconds: dict[str, float]
    unfiltered: dict[int, Float32[np.ndarray, "n n n"]] = field(default_factory=dict)
    joined: HalfState | None = None
    is_resolved: bool = True


class Stopwatch:
    """Adds up the time of phases."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - start


def next_state(refinement: Refinement, state: State) -> Outcome:
    """Run one iteration; every rank calls this and gets the same state."""
    watch = Stopwatch()
    plan = prepare(refinement, state, watch)
    state = replace(state, halves=_on_new_grid(state.halves, plan))
    sums, assignments = _expect(refinement, state, plan, watch)
    control = _after_expectation(refinement, state, plan, assignments)
    if refinement.settings.skip_maximization:
        return Outcome(State(control, state.halves, assignments), plan, watch.seconds)
    maps = _maximize(refinement, state, plan, sums, watch)
    return _concluded(refinement, replace(plan, control=control), maps, assignments, watch.seconds)


def prepare(refinement: Refinement, state: State, watch: Stopwatch) -> IterationPlan:
    """Decide on convergence, Fourier windows and sampling of the next iteration."""
    settings = refinement.settings
    number = state.control.iteration + 1
    finish = converged(state.control, settings.sampling) or settings.finish_now
    control = replace(state.control, iteration=number, has_converged=finish)
    refinement.observer.iteration_started(control)
    windows = plan_windows(control, settings, refinement.particles.optics_groups, refinement.grid)
    control = replace(control, current_size_px=windows.model_px, sampling=_perturbed(control, refinement))
    if not settings.by_correlation(number):
        with watch.phase("accuracy"):
            control = with_new_accuracies(refinement, state, control, windows)
        refinement.observer.accuracies_estimated(control)
    if number > 1:
        control = with_new_sampling(control, settings.sampling)
    search = plan_search(control.sampling, settings, refinement.group)
    refinement.observer.search_planned(control, _sizes(search, refinement, state))
    plan = IterationPlan(control, windows, search)
    together = is_together(settings, number, search.prior)
    refinement.observer.memory_planned(in_words(plan_memory(refinement, plan, together)))
    return plan


def _perturbed(control: Control, refinement: Refinement) -> Sampling:
    settings = refinement.settings
    moved = next_perturbation(
        control.sampling.perturbation, settings.search.perturbation_factor, settings.seed + control.iteration
    )
    return replace(control.sampling, perturbation=moved)


def _sizes(search: SearchPlan, refinement: Refinement, state: State) -> tuple[SearchSize, SearchSize]:
    """Number of poses searched for the first particle."""
    grid, offsets = search.orientations, len(search.offsets.coarse_angstrom)
    orientations = len(grid.pixels) * len(grid.psi_deg)
    if search.prior is not None:
        centre = centre_of_prior(state.assignments.angles_deg[0], refinement.particles.angle_priors_deg[0])
        orientations = len(search.prior.around(centre, direction_tree(grid)).directions)
    coarse = SearchSize(0, grid.step_deg, orientations, search.offsets.step_angstrom, offsets)
    return coarse, SearchSize(
        grid.oversampling,
        grid.fine_step_deg,
        orientations * grid.children,
        search.offsets.fine_step_angstrom,
        offsets * search.offsets.children,
    )


def _on_new_grid(halves: tuple[HalfState, HalfState], plan: IterationPlan) -> tuple[HalfState, HalfState]:
    first, second = (
        replace(half, pdf_direction=fitting_distribution(half.pdf_direction, plan.search.orientations))
        for half in halves
    )
    return first, second


def _expect(
    refinement: Refinement, state: State, plan: IterationPlan, watch: Stopwatch
) -> tuple[dict[int, ExpectationSums], Assignments]:
    """Align all particles; the captains hold the sums of their halves, all ranks the poses."""
    communicator = refinement.communicator
    sums, found = {}, []
    with watch.phase("expectation"):
        for half in communicator.halves:
            sums[half], some = expect_half(refinement, half, state.halves[half - 1], state.assignments, plan)
            found += some
        communicator.hand_out(*hand_outs(refinement, plan), refinement.aligned)
        parts = communicator.gather(collected(found))
        for half in (1, 2):
            refinement.exchange.add_up(communicator, half, sums[half].arrays() if half in sums else [])
    return sums, merged(state.assignments, parts)


def _after_expectation(refinement: Refinement, state: State, plan: IterationPlan, assignments: Assignments) -> Control:
    changes = measure_changes(state.assignments, assignments, refinement.group)
    return with_new_changes(plan.control, changes, refinement.settings.sampling)


def _maximize(
    refinement: Refinement, state: State, plan: IterationPlan, sums: dict[int, ExpectationSums], watch: Stopwatch
) -> HalfMaps:
    with watch.phase("maximization"):
        refinement.observer.phase("maximization", 0, 1)
        maps = reconstruct_halves(refinement, state, plan, sums)
        refinement.observer.phase("maximization", 1, 1)
    return maps


def _concluded(
    refinement: Refinement, plan: IterationPlan, maps: HalfMaps, assignments: Assignments, seconds: dict[str, float]
) -> Outcome:
    """Read the resolution off the new model and make up the next state."""
    settings, control = refinement.settings, plan.control
    model = maps.halves[0] if maps.joined is None else maps.joined
    lowpass = settings.lowpass_angstrom if settings.filtered_after(control.iteration) else -1.0
    control = with_new_size_increment(control, model.spectra.fsc, plan.windows.max_shell)
    control = replace(control, average_pmax=model.average_pmax)
    shared = max(_shared_shell(refinement, control), settings.minimum_shell)
    control = with_new_resolution(control, model.spectra.ssnr, refinement.grid, lowpass, settings.minimum_shell)
    resolved = maps.joined is None or is_resolved(model.spectra.fsc, shared)
    if not resolved:
        control = replace(control, resolution_per_angstrom=shared / refinement.grid.extent_angstrom)
    return Outcome(State(control, maps.halves, assignments), plan, seconds, maps.unfiltered, maps.joined, resolved)


def _shared_shell(refinement: Refinement, control: Control) -> int:
    until = refinement.settings.half_sets.join_until_angstrom
    return joining_shell(refinement.grid, until, control.resolution_per_angstrom) if until > 0 else 0
