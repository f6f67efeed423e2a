"""The random numbers that RELION draws, so that the same seed gives the same half sets and grid perturbations.

RELION uses the C library's ``srand``/``rand``. glibc's generator is an additive feedback generator with a published
recurrence; it is repeated here in NumPy, for many seeds at once, and compared with the C library in the tests.
"""

import numpy as np
from jaxtyping import Float64, Int64

RAND_MAX = 2**31 - 1
_LAG = 31
_DISCARDED = 310
_LEHMER = 16807


def rand(seeds: Int64[np.ndarray, " seeds"], count: int) -> Int64[np.ndarray, "seeds count"]:
    """Draw the first `count` values of ``rand()`` after ``srand(seed)``, for each seed.

    Parameters
    ----------
    seeds
        Non-negative seeds; 0 behaves as 1, as in the C library.
    count
        Numbers per seed.

    Returns
    -------
    Integers from 0 to `RAND_MAX`.
    """
    state = np.empty((len(seeds), _LAG + 3 + _DISCARDED + count), np.int64)
    state[:, 0] = np.where(seeds == 0, 1, seeds)
    for i in range(1, _LAG):
        state[:, i] = _LEHMER * state[:, i - 1] % RAND_MAX
    state[:, _LAG : _LAG + 3] = state[:, :3]
    for i in range(_LAG + 3, state.shape[1]):
        state[:, i] = (state[:, i - 3] + state[:, i - _LAG]) & 0xFFFFFFFF
    return state[:, -count:] >> 1


def uniform(seeds: Int64[np.ndarray, " seeds"], count: int) -> Float64[np.ndarray, "seeds count"]:
    """Draw `count` uniform numbers in [0, 1] for each seed (RELION: rnd_unif)."""
    return rand(seeds, count) / RAND_MAX


def random_half_sets(seed: int, particles: int) -> Int64[np.ndarray, " particles"]:
    """Assign particles to half set 1 or 2 (RELION: Experiment::divideParticlesInRandomHalves)."""
    return rand(np.array([seed]), particles)[0] % 2 + 1


def next_perturbation(previous: float, factor: float, seed: int) -> float:
    """Move the random perturbation of the sampling grids on by one iteration.

    Parameters
    ----------
    previous
        Perturbation of the iteration before, in units of the coarse step; 0 at the start.
    factor
        `--perturb`; the result lies in [-factor, factor].
    seed
        Random seed plus iteration number.

    Notes
    -----
    RELION: HealpixSampling::resetRandomlyPerturbedSampling.
    """
    if factor <= 0:
        return 0.0
    moved = previous + factor * (0.5 + 0.5 * float(uniform(np.array([seed]), 1)[0, 0]))
    return moved - 2 * factor if moved > factor else moved
