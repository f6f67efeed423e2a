"""The plan of memory: what it counts, how it shrinks, and what it says when nothing is left to shrink."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.refinement.greyscale import first_plan
from halfmap.engine.refinement.memory_plan import PARTICLES_AT_ONCE, in_words, plan_memory
from halfmap.engine.refinement.start import first_state
from halfmap.engine.refinement.state import Sampling

WIDE = Sampling(2, 16.0, 4.0)
GB = 1 << 30


@pytest.fixture(scope="module")
def planned(world, density):
    """Plan a wide search of 40 copies of the particles, which are in two tomograms, within some memory."""
    state = first_state(world.refinement, [density, density], WIDE, 10.0, -1)
    plan = first_plan(world.refinement, state)
    many = np.tile(np.arange(12), 40)
    particles = world.refinement.particles

    def copied(column):
        if isinstance(column, np.ndarray):
            return column[many]
        return tuple(column[i] for i in many) if len(column) == 12 else column

    start = replace(particles.start, **{name: copied(column) for name, column in vars(particles.start).items()})
    columns = {name: copied(column) for name, column in vars(particles).items() if name != "start"}
    copies = replace(particles, **columns, start=start)

    def make(memory_bytes=0, together=True, card_bytes=0, **changes):
        settings = replace(world.refinement.settings, memory_bytes=memory_bytes, **changes)
        backend = CpuBackend()
        backend.memory_bytes = card_bytes
        refinement = replace(world.refinement, settings=settings, particles=copies, backend=backend)
        return plan_memory(refinement, plan, together)

    return make


def test_without_a_limit_as_many_are_compared_together_as_is_of_use(planned):
    plan = planned()
    assert plan.particles == plan.handed_out == PARTICLES_AT_ONCE
    assert plan.total > plan.program + plan.particles * plan.per_particle


def test_fewer_are_compared_together_until_the_plan_fits(planned):
    most = planned()
    beside = most.total - most.of_particles + most.threads
    given = beside + 10 * (most.per_particle + most.per_stack) + 1
    plan = planned(given)
    assert plan.particles == plan.handed_out == 10
    assert plan.read_ahead == 10
    assert given - (plan.per_particle + plan.per_stack) < plan.total <= given
    assert len(in_words(plan)) == 1, "there is nothing to warn of"


def test_one_particle_is_the_least_and_a_line_warns_with_the_numbers(planned):
    plan = planned(GB // 4)
    assert plan.particles == plan.handed_out == 1
    line, warning = in_words(plan)
    assert f"at most {plan.total / GB:.2f} GB" in line
    assert warning.startswith(" WARNING: --memory 0.25 is less than")
    assert f"{plan.total / GB:.2f} GB that this iteration needs with 1 particle at once" in warning


def test_particles_that_are_aligned_apart_are_held_one_by_each_thread(planned):
    apart = planned(together=False, threads=3, pool=5)
    assert (apart.particles, apart.handed_out) == (3, 15)
    assert apart.per_particle < planned(threads=3).per_particle, "no scores of the whole grid are held"


def test_each_thread_adds_sums_and_products_of_tiles(planned):
    two, four = planned(threads=2), planned(threads=4)
    assert four.sums * 3 == two.sums * 5, "sums of each thread, and those of the half that was done before"
    assert four.per_particle > two.per_particle
    assert four.threads == 2 * two.threads
    assert 0 < four.program - two.program < two.threads, "what the allocator keeps, without the slices of a tile"


def test_no_more_are_counted_than_a_tomogram_has(planned, world, density):
    state = first_state(world.refinement, [density, density], WIDE, 10.0, -1)
    plan = plan_memory(world.refinement, first_plan(world.refinement, state), together=True)
    assert (plan.particles, plan.handed_out, plan.read_ahead) == (3, PARTICLES_AT_ONCE, 6)


def test_half_of_a_cards_memory_is_for_particles(planned):
    free = planned()
    card = 2 * (free.sums + free.reference + 5 * free.per_particle)
    assert planned(card_bytes=card).particles == 5
    assert planned(card_bytes=1).particles == 1
