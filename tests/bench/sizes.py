"""How much is measured: all of it in a few minutes, or the same in short."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """What is measured, and how often.

    Parameters
    ----------
    particles, refinements
        Particles of the whole refinement, and how often it is run.
    kernel_boxes, kernel_repetitions
        Boxes (px) at which kernels are measured, and how often each is timed.
    step_particles, step_repetitions
        Particles of a single expectation step where something else grows, and how often it is run.
    growing_particles, growing_boxes, growing_orders
        Particles, boxes (px) and HEALPix orders over which growth is measured.
    """

    particles: int
    refinements: int
    kernel_boxes: tuple[int, ...]
    kernel_repetitions: int
    step_particles: int
    step_repetitions: int
    growing_particles: tuple[int, ...]
    growing_boxes: tuple[int, ...]
    growing_orders: tuple[int, ...]


FULL = Sizes(60, 2, (32, 64), 9, 16, 3, (15, 30, 60), (32, 48, 64), (1, 2, 3))
QUICK = Sizes(20, 1, (32, 64), 3, 4, 2, (6, 18), (32, 48), (1, 2))
