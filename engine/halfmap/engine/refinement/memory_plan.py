"""How much memory a rank takes, and how many particles it may compare at once within what it is given."""

from dataclasses import dataclass

import numpy as np

from halfmap.engine.refinement import memory_use
from halfmap.engine.refinement.plan import IterationPlan
from halfmap.engine.refinement.refinement import Refinement

PARTICLES_AT_ONCE = 64
_READ_AHEAD_BYTES = 256 << 20
_SHARE_OF_CARD = 0.5
"""The rest of a card's memory is for images that stay there, and for what is on its way."""


@dataclass(frozen=True)
class MemoryPlan:
    """Memory of one rank in one iteration, in bytes.

    Parameters
    ----------
    program
        What does not depend on the iteration.
    reference, making_reference
        The sliced reference, and what is held while it is made.
    sums
        Accumulators of all threads.
    maps
        Sums and padded maps of a reconstruction.
    threads
        What all threads hold beside particles.
    per_particle
        What is held of a particle, in all threads.
    particles
        Particles that are held at once.
    handed_out
        Particles that are handed out at once.
    per_stack
        Images of one particle as they are read.
    read_ahead
        Stacks that are read before they are needed.
    given
        What `--memory` allows; 0 for any amount.
    """

    program: int
    reference: int
    making_reference: int
    sums: int
    maps: int
    threads: int
    per_particle: int
    particles: int
    handed_out: int
    per_stack: int
    read_ahead: int
    given: int

    @property
    def of_particles(self) -> int:
        """Particles and what threads make of them, and stacks read ahead."""
        return self.particles * self.per_particle + self.read_ahead * self.per_stack + self.threads

    @property
    def total(self) -> int:
        """All of it: sums grow while a reference is made and compared, and turn into maps afterwards."""
        comparing = max(self.making_reference, self.reference + self.of_particles)
        return self.program + max(self.sums + comparing, self.maps)


def plan_memory(refinement: Refinement, plan: IterationPlan, together: bool) -> MemoryPlan:
    """Count what an iteration needs, and take as few particles at once as fit into what is given, one at least.

    Parameters
    ----------
    refinement, plan
        What is going to be done.
    together
        Particles of a tomogram are compared with the same slices.
    """
    settings, windows = refinement.settings, plan.windows
    program, sums = memory_use.bytes_of_program(refinement), memory_use.bytes_of_sums(refinement, windows)
    reference, making = memory_use.bytes_of_reference(windows)
    threads = settings.threads * memory_use.THREAD_BYTES + memory_use.bytes_of_slices(refinement, plan)
    per_particle = memory_use.bytes_of_particle(refinement, plan, together)
    per_stack = memory_use.bytes_of_stack(refinement)
    left = settings.memory_bytes - (program + sums + reference + threads)
    fit = max(1, left // (per_particle + per_stack)) if settings.memory_bytes else PARTICLES_AT_ONCE
    if refinement.backend.memory_bytes:
        fit = min(fit, max(1, int(_SHARE_OF_CARD * refinement.backend.memory_bytes - sums - reference) // per_particle))
    largest = min(PARTICLES_AT_ONCE, memory_use.largest_batch(refinement)) if together else settings.threads
    particles = min(largest, fit) if together else largest
    at_once = PARTICLES_AT_ONCE if fit >= largest else particles
    handed_out = at_once if together else settings.pool * settings.threads
    ahead = _READ_AHEAD_BYTES // per_stack if fit >= largest else particles
    return MemoryPlan(
        program=program,
        reference=reference,
        making_reference=making,
        sums=sums,
        maps=memory_use.bytes_of_maps(refinement, windows, plan.control.has_converged),
        threads=threads,
        per_particle=per_particle,
        particles=particles,
        handed_out=handed_out,
        per_stack=per_stack,
        read_ahead=int(np.clip(ahead, 1, min(handed_out, memory_use.largest_share(refinement)))),
        given=settings.memory_bytes,
    )


def in_words(plan: MemoryPlan) -> list[str]:
    """Write a plan as a line, and another one if it asks for more than is given."""

    def gb(count: float) -> str:
        return f"{count / 2**30:.2f} GB"

    line = (
        f" Memory of each rank: at most {gb(plan.total)} (program {gb(plan.program)}, "
        f"reference {gb(plan.making_reference)}, sums {gb(plan.sums)}, "
        f"{plan.particles} particles at once {gb(plan.of_particles)}, reconstruction {gb(plan.maps)})"
    )
    if not plan.given or plan.total <= plan.given:
        return [line]
    return [
        line,
        f" WARNING: --memory {plan.given / 2**30:.2f} is less than the {gb(plan.total)} that this iteration needs "
        f"with {plan.particles} particle{'s' if plan.particles > 1 else ''} at once; it goes on all the same.",
    ]
