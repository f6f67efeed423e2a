"""How much is measured: all of it in a few minutes, or the same in short."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """What is measured, and how often.

    Parameters
    ----------
    refined
        Particles and box (px) of each refinement that is run to its end.
    refinements
        How often each of them is run.
    searched
        Particles and box (px) of the global search whose products and gathers are counted.
    kernel_boxes, kernel_repetitions
        Boxes (px) at which kernels are measured, and how often each is timed.
    step_particles, step_repetitions
        Particles of a single expectation step where something else grows, and how often it is run.
    growing_particles, growing_boxes, growing_orders
        Particles, boxes (px) and HEALPix orders over which growth is measured.
    shared_out, pairs_of_runs
        Particles and box (px) of the refinement that is shared out between two ranks, and how often.
    """

    refined: tuple[tuple[int, int], ...]
    refinements: int
    searched: tuple[int, int]
    kernel_boxes: tuple[int, ...]
    kernel_repetitions: int
    step_particles: int
    step_repetitions: int
    growing_particles: tuple[int, ...]
    growing_boxes: tuple[int, ...]
    growing_orders: tuple[int, ...]
    shared_out: tuple[int, int]
    pairs_of_runs: int


FULL = Sizes(
    refined=((24, 32), (48, 48), (96, 64)),
    refinements=3,
    searched=(192, 48),
    kernel_boxes=(32, 64),
    kernel_repetitions=9,
    step_particles=48,
    step_repetitions=2,
    growing_particles=(96, 192, 384),
    growing_boxes=(32, 64),
    growing_orders=(2, 3),
    shared_out=(192, 48),
    pairs_of_runs=3,
)
QUICK = Sizes(
    refined=((16, 32), (24, 48)),
    refinements=1,
    searched=(48, 32),
    kernel_boxes=(32, 64),
    kernel_repetitions=3,
    step_particles=8,
    step_repetitions=1,
    growing_particles=(16, 64),
    growing_boxes=(32, 64),
    growing_orders=(1, 2),
    shared_out=(64, 32),
    pairs_of_runs=1,
)
