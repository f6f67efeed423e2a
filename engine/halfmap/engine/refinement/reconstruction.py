"""From the sums of both halves to their new models.

RELION: MlOptimiserMpi::maximization and what surrounds it.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float32, Float64

from halfmap.engine.fourier.backprojector import complete_hermitian
from halfmap.engine.refinement.half_sets import (
    Accumulators,
    added_up,
    gold_standard_fsc,
    join_low_resolution,
    joining_shell,
)
from halfmap.engine.refinement.initialisation import low_passed
from halfmap.engine.refinement.maximization import regularised_map, unregularised_map, with_new_parameters
from halfmap.engine.refinement.plan import IterationPlan
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.regularization import spectra
from halfmap.engine.refinement.solvent_correction import solvent_corrected_fsc
from halfmap.engine.refinement.state import HalfState, State
from halfmap.engine.refinement.sums import ExpectationSums, pooled


@dataclass(frozen=True)
class HalfMaps:
    """New models.

    Parameters
    ----------
    halves
        Of both halves, on all ranks.
    unfiltered
        Unregularised maps of the halves that this rank is captain of, where they were made.
    joined
        Of all particles, in the last iteration; on all ranks.
    """

    halves: tuple[HalfState, HalfState]
    unfiltered: dict[int, Float32[np.ndarray, "n n n"]] = field(default_factory=dict)
    joined: HalfState | None = None


def reconstruct_halves(
    refinement: Refinement, state: State, plan: IterationPlan, sums: dict[int, ExpectationSums]
) -> HalfMaps:
    """Reconstruct both halves, or all particles in the last iteration.

    Parameters
    ----------
    refinement, state, plan
        The refinement, the state before the iteration, and what the iteration does.
    sums
        Complete sums of the halves that this rank is captain of; they are taken out, so that they need not be held
        beside what is made of them.
    """
    communicator = refinement.communicator
    mine, own = {}, {}
    for half in [half for half in sums if communicator.is_captain(half)]:
        own[half] = refinement.backend.symmetrise(
            complete_hermitian(sums[half].accumulator), refinement.group.operators
        )
        mine[half] = sums.pop(half).without_accumulator()
    shared = _joined_at_low_resolution(refinement, state, plan, own)
    fsc, unfiltered = _compare(refinement, plan, shared)
    if plan.control.has_converged:
        return _last(refinement, state, mine, own, shared, fsc)
    new = {}
    for half, accumulator in shared.items():
        assert fsc is not None
        estimates = spectra(accumulator, fsc, refinement.settings.maximization.tau2_fudge, joined=False)
        density = regularised_map(accumulator, estimates, refinement.settings.maximization)
        model = replace(state.halves[half - 1], density=_finished(refinement, plan, density), spectra=estimates)
        new[half] = _with_parameters(refinement, plan, model, mine[half], refinement.particles_per_group(half))
    return HalfMaps(communicator.share_halves(new), unfiltered)


def _joined_at_low_resolution(
    refinement: Refinement, state: State, plan: IterationPlan, own: Accumulators
) -> Accumulators:
    until = refinement.settings.half_sets.join_until_angstrom
    if until <= 0:
        return own
    resolution = state.control.resolution_per_angstrom
    shell = min(joining_shell(refinement.grid, until, resolution), plan.windows.max_shell)
    refinement.observer.joining(max(until, 1 / resolution))
    return join_low_resolution(own, shell, refinement.communicator)


def _compare(
    refinement: Refinement, plan: IterationPlan, shared: Accumulators
) -> tuple[Float64[np.ndarray, " shells"] | None, dict[int, Float32[np.ndarray, "n n n"]]]:
    """FSC between the halves on the captains, and the unregularised maps if they were needed for it."""
    settings = refinement.settings
    if not (settings.half_sets.solvent_corrected and refinement.has_user_mask):
        refinement.observer.comparing(solvent_corrected=False, randomised_angstrom=None)
        return gold_standard_fsc(shared, refinement.communicator), {}
    maps = {half: unregularised_map(accumulator, settings.maximization) for half, accumulator in shared.items()}
    met = refinement.communicator.meet(maps)
    if met is None:
        refinement.observer.comparing(solvent_corrected=True, randomised_angstrom=None)
        return None, {}
    corrected = solvent_corrected_fsc(*met, refinement.solvent_mask, settings.seed + plan.control.iteration)
    start = corrected.randomised_from
    refinement.observer.comparing(
        solvent_corrected=True, randomised_angstrom=None if start is None else refinement.grid.extent_angstrom / start
    )
    fsc = np.where(np.arange(refinement.grid.shells) > plan.windows.max_shell, 0, corrected.fsc)
    return fsc, maps


def _last(
    refinement: Refinement,
    state: State,
    sums: dict[int, ExpectationSums],
    own: Accumulators,
    shared: Accumulators,
    fsc: Float64[np.ndarray, " shells"] | None,
) -> HalfMaps:
    """Reconstruct all particles together, regularised but not masked, and each half without a filter."""
    communicator, settings = refinement.communicator, refinement.settings.maximization
    total = added_up(shared, communicator)
    together = communicator.meet(sums)
    joined = None
    if communicator.is_captain(1):
        assert total is not None
        assert together is not None
        assert fsc is not None
        estimates = spectra(total, fsc, settings.tau2_fudge, joined=True)
        model = replace(state.halves[0], density=regularised_map(total, estimates, settings), spectra=estimates)
        per_group = refinement.particles_per_group(1) + refinement.particles_per_group(2)
        joined = with_new_parameters(model, pooled(*together), settings, per_group, by_correlation=False)
    unfiltered = {half: unregularised_map(accumulator, settings) for half, accumulator in own.items()}
    return HalfMaps(state.halves, unfiltered, communicator.broadcast(joined, communicator.captain_rank(1)))


def _finished(
    refinement: Refinement, plan: IterationPlan, density: Float32[np.ndarray, "n n n"]
) -> Float32[np.ndarray, "n n n"]:
    """Low-pass the map of a correlation iteration, and mask the solvent."""
    settings = refinement.settings
    if settings.filtered_after(plan.control.iteration):
        density = low_passed(density, refinement.grid, settings.lowpass_angstrom)
    return density * refinement.solvent_mask if settings.half_sets.flatten_solvent else density


def _with_parameters(
    refinement: Refinement,
    plan: IterationPlan,
    model: HalfState,
    sums: ExpectationSums,
    particles_per_group: Float64[np.ndarray, " groups"],
) -> HalfState:
    settings = refinement.settings
    by_correlation = settings.by_correlation(plan.control.iteration)
    return with_new_parameters(model, sums, settings.maximization, particles_per_group, by_correlation)
