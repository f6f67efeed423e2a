"""The expectation step over the particles of a half set: pools, threads and ranks."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from halfmap.engine.backend.interface import Backend
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.backend.precision import Precision
from halfmap.engine.fourier.projector import reference_transform
from halfmap.engine.particles.particle import Assignments
from halfmap.engine.ranks.communicator import Pools
from halfmap.engine.refinement.alignment import Alignment
from halfmap.engine.refinement.audit import PARTICLES, audit, settle_precision
from halfmap.engine.refinement.expectation import SCALE_NEEDS_SSNR, Expectation, HalfModel
from halfmap.engine.refinement.memory_plan import plan_memory
from halfmap.engine.refinement.memory_use import largest_share
from halfmap.engine.refinement.particle_state import Batch, ParticleState
from halfmap.engine.refinement.plan import IterationPlan
from halfmap.engine.refinement.read_ahead import ReadAhead
from halfmap.engine.refinement.refinement import Refinement, WhereItComputes
from halfmap.engine.refinement.search import Search
from halfmap.engine.refinement.settings import Settings
from halfmap.engine.refinement.state import HalfState
from halfmap.engine.refinement.sums import ExpectationSums
from halfmap.engine.refinement.tally import Tally
from halfmap.engine.refinement.together import align_together, batches, in_batches
from halfmap.engine.sampling.priors import OrientationPrior, centre_of_prior


@dataclass(frozen=True)
class AlignedParticles:
    """Outcome of the expectation step on one rank.

    Parameters
    ----------
    indices
        Particles that this rank has aligned.
    assignments
        What was assigned to them, row by row.
    """

    indices: Int64[np.ndarray, " n"]
    assignments: Assignments


def expectation_of_half(refinement: Refinement, half: HalfState, plan: IterationPlan, backend: Backend) -> Expectation:
    """Set up the expectation step of a half set with its own reference."""
    settings, windows, search = refinement.settings, plan.windows, plan.search
    transform = reference_transform(
        half.density, windows.max_shell, settings.padding, settings.threads, windows.dimensions
    )
    model = HalfModel(backend.reference(transform), half.sigma2, half.scale, half.spectra.ssnr > SCALE_NEEDS_SSNR)
    searched = Search(
        search.orientations,
        search.offsets,
        search.prior,
        half.pdf_direction,
        search.perturbation,
        half.sigma_offset_angstrom,
        settings.quirks.offset_prior_units,
    )
    return Expectation(
        backend,
        model,
        searched,
        settings.images,
        windows.by_group,
        settings.search.adaptive_fraction,
        settings.search.maximum_significant,
        settings.by_correlation(plan.control.iteration),
    )


def empty_sums(refinement: Refinement, plan: IterationPlan) -> ExpectationSums:
    """Sums over no particle."""
    particles = refinement.particles
    return ExpectationSums.empty(
        refinement.backend.accumulator(plan.windows.geometry),
        len(particles.optics_groups),
        refinement.grid.shells,
        len(particles.scale_groups),
        len(plan.search.orientations.pixels),
    )


@dataclass(frozen=True)
class HalfWorker:
    """Aligns the particles of one half set on this rank.

    Parameters
    ----------
    refinement, expectation
        What is done.
    assignments
        Poses before this iteration.
    local
        Searches are centred on the current orientations whatever the priors in the particle file.
    together
        Particles of a tomogram are compared with the same slices.
    read_ahead
        Stacks that are read before they are needed.
    """

    refinement: Refinement
    expectation: Expectation
    assignments: Assignments
    local: bool
    together: bool
    read_ahead: int

    def align(self, pools: Pools, sums: Sequence[ExpectationSums]) -> Iterator[tuple[int, Alignment]]:
        """Align pools of particles, each shared out over the threads in a fixed way.

        Parameters
        ----------
        pools
            Particles.
        sums
            One set of sums for each thread, added to in place.
        """
        tally, source = Tally(pools.tell_done), self.refinement.source
        if not self.refinement.particles.are_volumes:
            source = WhereItComputes(source, self.refinement.backend)
        with ReadAhead(source, self.read_ahead, len(sums)) as ahead, ThreadPoolExecutor(len(sums)) as executor:
            worker = replace(self, refinement=replace(self.refinement, source=ahead))
            for pool in ahead.before(pools.given):
                align = worker._together if self.together else worker._apart
                yield from align(pool, sums, executor, tally)

    def _together(
        self, pool: Int64[np.ndarray, " pool"], sums: Sequence[ExpectationSums], executor: Executor, tally: Tally
    ) -> Iterator[tuple[int, Alignment]]:
        for indices in batches(self.refinement.particles, pool):
            found = align_together(self.expectation, self._batch(indices, executor), sums, executor, tally)
            yield from zip(indices.tolist(), found, strict=True)

    def _apart(
        self, pool: Int64[np.ndarray, " pool"], sums: Sequence[ExpectationSums], executor: Executor, tally: Tally
    ) -> Iterator[tuple[int, Alignment]]:
        def aligned(thread: int) -> list[tuple[int, Alignment]]:
            return [self._aligned(int(i), sums[thread], tally) for i in pool[thread :: len(sums)]]

        for found in tally.results([executor.submit(aligned, thread) for thread in range(len(sums))]):
            yield from found

    def _aligned(self, particle: int, sums: ExpectationSums, tally: Tally) -> tuple[int, Alignment]:
        found = self.expectation.align(self._state(particle), sums)
        tally.add(1)
        return particle, found

    def audit(self, exactly: Expectation, members: Int64[np.ndarray, " members"]) -> None:
        """Check the backend's precision on some particles, and go back to single precision if need be."""
        with ThreadPoolExecutor(self.refinement.settings.threads) as executor:
            states = list(executor.map(self._state, members[:PARTICLES].tolist()))
            found = audit(self.expectation, exactly, states, executor)
        self.refinement.observer.precision_checked(settle_precision(self.refinement.backend, found))

    def _batch(self, indices: Int64[np.ndarray, " n"], executor: Executor) -> Batch:
        states = tuple(executor.map(self._state, indices.tolist()))
        images = tuple(self.expectation.images_of(state) for state in states)
        return Batch(states, images, self.refinement.particles.frames(indices))

    def _state(self, particle: int) -> ParticleState:
        particles = self.refinement.particles
        angles = self.assignments.angles_deg[particle]
        return ParticleState(
            self.refinement.load(particle, self.expectation.model.sigma2, self.assignments),
            int(particles.optics_index[particle]),
            int(particles.scale_group_index[particle]),
            angles if self.local else centre_of_prior(angles, particles.angle_priors_deg[particle]),
            self.refinement.search_centre_angstrom(self.assignments, particle),
            np.nan_to_num(particles.origin_priors_angstrom[particle]),
        )


def is_together(settings: Settings, iteration: int, prior: OrientationPrior | None) -> bool:
    """Whether particles of a tomogram are compared with the same slices.

    Local searches have few orientations in common; RELION counts orientations from each particle's own frame.
    """
    if settings.quirks.own_frames or settings.by_correlation(iteration):
        return False
    return prior is None or not prior.is_local


def hand_outs(refinement: Refinement, plan: IterationPlan) -> tuple[dict[int, Int64[np.ndarray, " members"]], int]:
    """Particles of each half in the order in which they are handed out, and how many at once."""
    members, settings = refinement.members, refinement.settings
    if not is_together(settings, plan.control.iteration, plan.search.prior):
        return members, settings.pool * settings.threads
    ordered = {half: in_batches(refinement.particles, some) for half, some in members.items()}
    return ordered, max(1, min(plan_memory(refinement, plan, together=True).handed_out, largest_share(refinement)))


def expect_half(
    refinement: Refinement, number: int, half: HalfState, assignments: Assignments, plan: IterationPlan
) -> tuple[ExpectationSums, list[tuple[int, Alignment]]]:
    """Align this rank's share of a half set; return its sums and alignments."""
    settings, communicator = refinement.settings, refinement.communicator
    expectation = expectation_of_half(refinement, half, plan, refinement.backend)
    local = plan.control.sampling.local_searches
    together = is_together(settings, plan.control.iteration, plan.search.prior)
    read_ahead = plan_memory(refinement, plan, together).read_ahead
    worker = HalfWorker(refinement, expectation, assignments, local, together, read_ahead)
    if refinement.backend.precision is not Precision.FP32:
        worker.audit(expectation_of_half(refinement, half, plan, CpuBackend()), refinement.members[number])
    sums = [empty_sums(refinement, plan) for _ in range(settings.threads)]
    pools = communicator.pools(number, *hand_outs(refinement, plan), refinement.aligned)
    found = list(worker.align(pools, sums))
    for other in sums[1:]:
        sums[0].add(other)
    return replace(sums[0], accumulator=refinement.backend.collected(sums[0].accumulator)), found


def collected(found: list[tuple[int, Alignment]]) -> AlignedParticles:
    """Turn alignments into columns."""
    rows = [alignment for _, alignment in found]
    columns: Float64[np.ndarray, "n 9"] = np.array(
        [(*r.angles_deg, *r.origin_angstrom, r.log_likelihood, r.max_probability, r.significant_samples) for r in rows]
    ).reshape(-1, 9)
    return AlignedParticles(
        np.array([i for i, _ in found], np.int64),
        Assignments(
            columns[:, :3],
            columns[:, 3:6],
            np.ones(len(rows), np.int64),
            columns[:, 6],
            columns[:, 7],
            columns[:, 8].astype(np.int64),
        ),
    )


def merged(assignments: Assignments, parts: list[AlignedParticles]) -> Assignments:
    """Put what all ranks found in the place of the old poses."""
    for part in parts:
        assignments = assignments.updated(part.indices, part.assignments)
    return assignments
