"""How much memory a rank takes, and how many particles it may compare at once within what it is given.

Only what grows with the data is counted, besides a program that has done nothing yet.
"""

from dataclasses import dataclass

import numpy as np

from halfmap.engine.fourier.projector import array_size, padded_box_px
from halfmap.engine.fourier.shells import disc
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.refinement.plan import IterationPlan
from halfmap.engine.refinement.refinement import Refinement

PARTICLES_AT_ONCE = 64
_READ_AHEAD_BYTES = 256 << 20
_PROGRAM_BYTES = 340 << 20
"""A rank with its libraries and compiled code, before it has any data."""
_COMPLEX, _DOUBLE, _PAIR, _SINGLE = 16, 8, 8, 4
_PADDED_MAPS = 3.5
"""Arrays of the padded box that a reconstruction holds at once, in double precision."""
_MORE_FUNCTIONS_PER_PX, _MORE_FUNCTIONS = 15, 10
"""By how many functions shifts within a disc need more than the product of both areas, per pixel of its radius."""


@dataclass(frozen=True)
class MemoryPlan:
    """Memory of one rank in one iteration, in bytes.

    Parameters
    ----------
    reference
        The sliced reference, and what it is made from.
    sums
        Accumulators of all threads.
    maps
        Padded maps of a reconstruction.
    per_particle
        Images, their products with functions of shifts, and scores of one particle.
    particles
        Particles that are held at once.
    per_stack
        Images of one particle as they are read.
    read_ahead
        Stacks that are read before they are needed.
    """

    reference: int
    sums: int
    maps: int
    per_particle: int
    particles: int
    per_stack: int
    read_ahead: int

    @property
    def total(self) -> int:
        """All of it; sums are there while maps are made, references and particles are not."""
        particles = self.particles * self.per_particle + self.read_ahead * self.per_stack
        return _PROGRAM_BYTES + self.sums + max(self.reference + particles, self.maps)


def plan_memory(refinement: Refinement, plan: IterationPlan, together: bool) -> MemoryPlan:
    """Count what an iteration needs, and take as few particles at once as fit into what is given.

    Parameters
    ----------
    refinement, plan
        What is going to be done.
    together
        Particles of a tomogram are compared with the same slices.
    """
    settings, windows = refinement.settings, plan.windows
    padded = padded_box_px(windows.box_px, windows.padding)
    half_transform = padded**2 * (padded // 2 + 1)
    voxels = int(np.prod(windows.geometry.shape[:3]))
    size = array_size(windows.max_shell, windows.padding)
    reference = _PAIR * size**2 * (size // 2 + 1) + _COMPLEX * half_transform + _DOUBLE * padded**3
    sums = (settings.threads + 1) * 3 * _DOUBLE * voxels
    maps = int(_PADDED_MAPS * _DOUBLE * padded**3)
    per_particle = max(
        _bytes_of_particle(refinement, plan, number, optics, together)
        for number, optics in enumerate(refinement.particles.optics_groups)
    )
    per_stack = max(_bytes_of_stack(refinement, optics) for optics in refinement.particles.optics_groups)
    at_most = PARTICLES_AT_ONCE if together else settings.threads
    given = _least_given(settings.memory_bytes, refinement.backend.memory_bytes // 2)
    left = given - (_PROGRAM_BYTES + sums + reference)
    particles = int(np.clip(left // (per_particle + per_stack), 1, at_most)) if given else at_most
    particles = particles if together else at_most
    pool = particles if together else settings.pool * settings.threads
    read_ahead = int(np.clip(_READ_AHEAD_BYTES // per_stack, 1, pool))
    return MemoryPlan(reference, sums, maps, per_particle, particles, per_stack, read_ahead)


def _least_given(*limits: int) -> int:
    """Smallest limit, 0 being none. Half of a card's memory is left to what is on its way."""
    return min((limit for limit in limits if limit), default=0)


def _bytes_of_stack(refinement: Refinement, optics: OpticsGroup) -> int:
    """Memory of a stack in single precision."""
    return _SINGLE * max(int(visible.sum()) for visible in refinement.particles.visible) * optics.box_px**2


def _bytes_of_particle(
    refinement: Refinement, plan: IterationPlan, number: int, optics: OpticsGroup, together: bool
) -> int:
    windows, search, box = plan.windows.by_group[number], plan.search, optics.box_px
    tilts = max(int(visible.sum()) for visible in refinement.particles.visible)
    whole = 2 * _PAIR * box * (box // 2 + 1)
    in_windows = sum(_PAIR * 4 * len(disc(box, size, size / 2).kx) for size in (windows.coarse.image_size_px, box))
    pixels = len(disc(box, windows.coarse.image_size_px, windows.coarse.image_size_px / 2).kx)
    offsets = len(search.offsets.coarse_angstrom)
    radius_px = search.offsets.range_angstrom / optics.pixel_size_angstrom
    areas = np.pi * radius_px**2 * np.pi * (windows.coarse.image_size_px / 2 / box) ** 2
    functions = min(offsets, int(areas + _MORE_FUNCTIONS_PER_PX * radius_px) + _MORE_FUNCTIONS)
    orientations = len(search.orientations.pixels) * len(search.orientations.psi_deg)
    scores = _SINGLE * orientations * offsets if together else 0
    return tilts * (whole + in_windows + _PAIR * pixels * functions) + scores


def in_words(plan: MemoryPlan) -> str:
    """Write a plan as a line."""

    def gb(count: float) -> str:
        return f"{count / 2**30:.2f} GB"

    return (
        f" Memory of each rank: at most {gb(plan.total)} (reference {gb(plan.reference)}, sums {gb(plan.sums)}, "
        f"{plan.particles} particles at once {gb(plan.particles * plan.per_particle)}, reconstruction {gb(plan.maps)})"
    )
