"""How many bytes the parts of an iteration take on one rank.

What grows with the data is counted; the program itself, and what threads hold for a moment, are measured constants.
"""

from collections import Counter

import numpy as np

from halfmap.engine.backend.on_cpu import ORIENTATIONS_AT_ONCE, Cores
from halfmap.engine.fourier.projector import array_size, padded_box_px
from halfmap.engine.fourier.shells import disc
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.ranks.communicator import workers_of
from halfmap.engine.refinement.plan import IterationPlan, WindowPlan
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.together import batch_key

THREAD_BYTES = 55 << 20
"""What a thread takes for the fine poses of a particle; the allocator keeps as much for it afterwards."""
_PROGRAM_BYTES = 285 << 20
"""A rank with its libraries and compiled code, before it has any data."""
_DOUBLE, _PAIR, _SINGLE = 8, 8, 4
_FILES_OF_VOLUME = 2
_MODEL_MAPS = 8
"""Maps of the model's box: two halves and their successors, as read and as written, the mask."""
_PADDED_MAPS_OF_REFERENCE, _PADDED_MAPS_OF_RECONSTRUCTION = 3.0, 3.5
"""Arrays of the padded box in double precision, held at once while a reference or a map is made."""
_SUMS_OF_HALF, _SUMS_AT_WORK = 2, 3.3
"""Accumulators of each half (its own, and joined at low resolution), and what is held beside them to make a map."""
_COMPARED_BYTES, _STORED_BYTES = 24, 20
"""Image, image without mask, CTF and weight of a pixel."""
_SCORES_IN_A_THREAD = 3
"""Scores of a tile: their total, those of one tilt, and the same less the power."""
_MOST_DIAGONALISED = 400
_MORE_FUNCTIONS, _MORE_PER_PX, _MORE_PER_PX_DIAGONALISED = 10, 15, 3
"""By how many functions shifts within a disc need more than the product of both areas, also per pixel of its radius."""


def bytes_of_program(refinement: Refinement) -> int:
    """Count what does not depend on the iteration."""
    maps = _MODEL_MAPS * _SINGLE * refinement.grid.box_px**3
    return _PROGRAM_BYTES + refinement.settings.threads * THREAD_BYTES + maps


def bytes_of_reference(windows: WindowPlan) -> tuple[int, int]:
    """Count a sliced reference, and what is held while it is made."""
    size, padded = array_size(windows.max_shell, windows.padding), padded_box_px(windows.box_px, windows.padding)
    return _PAIR * size**2 * (size // 2 + 1), int(_PADDED_MAPS_OF_REFERENCE * _DOUBLE * padded**3)


def bytes_of_sums(refinement: Refinement, windows: WindowPlan) -> int:
    """Count the sums of each thread, and those of the half that was done before."""
    return (refinement.settings.threads + len(refinement.communicator.halves) - 1) * _bytes_of_sum(windows)


def _bytes_of_sum(windows: WindowPlan) -> int:
    return _DOUBLE * int(np.prod(windows.geometry.shape))


def bytes_of_maps(refinement: Refinement, windows: WindowPlan, at_the_end: bool) -> int:
    """Count sums in each of their forms, that of both halves at the end among them, and padded maps."""
    padded = padded_box_px(windows.box_px, windows.padding)
    held = _SUMS_OF_HALF * max(1, len(refinement.communicator.halves)) + at_the_end + _SUMS_AT_WORK
    return int(held * _bytes_of_sum(windows) + _PADDED_MAPS_OF_RECONSTRUCTION * _DOUBLE * padded**3)


def bytes_of_stack(refinement: Refinement) -> int:
    """Count the largest stack in single precision, or the largest volume with its CTF volume."""
    groups, dimensions = refinement.particles.optics_groups, refinement.particles.dimensions
    files = _FILES_OF_VOLUME if dimensions == 3 else 1
    return max(files * _SINGLE * _most_tilts(refinement) * optics.box_px**dimensions for optics in groups)


def _most_tilts(refinement: Refinement) -> int:
    return max(refinement.particles.images_of(i) for i in range(len(refinement.particles)))


def _pixels(refinement: Refinement, optics: OpticsGroup, size_px: int) -> int:
    """Count the pixels of a pass in one tilt image, or in a volume."""
    return len(disc(optics.box_px, size_px, size_px / 2, refinement.particles.dimensions).kx)


def bytes_of_particle(refinement: Refinement, plan: IterationPlan, together: bool) -> int:
    """Count the images of one particle, their products with functions of shifts, in all threads, and its scores."""
    groups = enumerate(refinement.particles.optics_groups)
    return max(_bytes_in_group(refinement, plan, number, optics, together) for number, optics in groups)


def _bytes_in_group(
    refinement: Refinement, plan: IterationPlan, number: int, optics: OpticsGroup, together: bool
) -> int:
    windows, search, box, tilts = plan.windows.by_group[number], plan.search, optics.box_px, _most_tilts(refinement)
    fine_px = max(windows.fine.image_size_px, windows.stored.image_size_px)
    pixels, fine = (_pixels(refinement, optics, size) for size in (windows.coarse.image_size_px, fine_px))
    are_volumes = refinement.particles.are_volumes
    more = _SINGLE * (refinement.settings.images.exact_noise or are_volumes)
    whole_bytes = 2 * _PAIR + more + _SINGLE * are_volumes
    whole = box ** (refinement.particles.dimensions - 1) * (box // 2 + 1)
    images = tilts * (whole_bytes * whole + (_COMPARED_BYTES + more) * pixels + (_STORED_BYTES + more) * fine)
    offsets = len(search.offsets.coarse_angstrom)
    radius_px = search.offsets.range_angstrom / optics.pixel_size_angstrom
    functions = _functions(offsets, radius_px, windows.coarse.image_size_px / box, together)
    if are_volumes:  # phase factors as they are, beside the products with them where a particle is by itself
        functions = offsets if together else 2 * offsets
    orientations = len(search.orientations.pixels) * len(search.orientations.psi_deg)
    scores = _SINGLE * orientations * offsets if together else 0
    in_threads = _SINGLE * min(ORIENTATIONS_AT_ONCE, orientations) * (2 * functions + _SCORES_IN_A_THREAD * offsets)
    threads = refinement.settings.threads if together else 1
    return images + _PAIR * tilts * pixels * functions + scores + threads * in_threads


def bytes_of_slices(refinement: Refinement, plan: IterationPlan) -> int:
    """Count the slices of one tilt, or of some voxels, and their squares, in all threads."""
    groups = zip(refinement.particles.optics_groups, plan.windows.by_group, strict=True)
    pixels = max(_pixels(refinement, optics, windows.coarse.image_size_px) for optics, windows in groups)
    if refinement.particles.are_volumes:
        pixels = min(pixels, Cores.voxels_at_once)
    return refinement.settings.threads * (_PAIR + _SINGLE) * ORIENTATIONS_AT_ONCE * pixels


def _functions(offsets: int, radius_px: float, share_of_box: float, together: bool) -> int:
    """Estimate how many functions of a tilt's pixels the shifts of a search are mixtures of."""
    areas = np.pi * radius_px**2 * np.pi * share_of_box**2 / 4
    per_px = _MORE_PER_PX_DIAGONALISED if together and offsets <= _MOST_DIAGONALISED else _MORE_PER_PX
    return min(offsets, int(areas + per_px * radius_px) + _MORE_FUNCTIONS)


def largest_share(refinement: Refinement) -> int:
    """Count the particles of a half that fall to one rank, if all ranks are alike."""
    workers = len(workers_of(1, refinement.communicator.size))
    return -(-max(len(some) for some in refinement.members.values()) // workers)


def largest_batch(refinement: Refinement) -> int:
    """Count the particles of a half that a rank can compare together, at most."""
    batches = Counter(
        (half, *batch_key(refinement.particles, int(i))) for half, some in refinement.members.items() for i in some
    )
    return min(max(batches.values()), largest_share(refinement))
