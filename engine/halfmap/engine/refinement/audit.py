"""How much the precision of a card's products changes the weights of poses, measured anew in each iteration."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from halfmap.engine.backend.interface import Backend
from halfmap.engine.backend.precision import Precision
from halfmap.engine.refinement.expectation import Expectation
from halfmap.engine.refinement.particle_state import ParticleState

PARTICLES = 100
LARGEST_CHANGE = 0.25
"""Log-weights may change by so much: weights by less than a third, which is less than what a grid's step does."""
_MATTERS = 14.0
"""Poses that are e⁻¹⁴ times less likely than the best one have no say, whatever becomes of their weights."""


@dataclass(frozen=True)
class Audit:
    """Outcome.

    Parameters
    ----------
    precision
        That was tried.
    particles
        Number of particles that were compared on both.
    change
        Largest change of the log-weight of a pose that matters, with respect to the best pose.
    """

    precision: Precision
    particles: int
    change: float

    @property
    def is_passed(self) -> bool:
        """The precision may be used."""
        return self.change <= LARGEST_CHANGE


def audit(
    expectation: Expectation, exactly: Expectation, particles: Sequence[ParticleState], executor: Executor
) -> Audit:
    """Compare scores of both for poses around those that particles have."""

    def change(particle: ParticleState) -> float:
        found, exact = (one.scores_around(particle) for one in (expectation, exactly))
        return largest_change(found, exact)

    largest = max(executor.map(change, particles), default=0.0)
    return Audit(expectation.backend.precision, len(particles), largest)


def largest_change(found: Float64[np.ndarray, "*poses"], exact: Float64[np.ndarray, "*poses"]) -> float:
    """Largest change of a pose that matters, up to a constant for all poses."""
    best = exact.argmax()
    changes = (found - found.flat[best]) - (exact - exact.flat[best])
    return float(np.abs(changes[exact > exact.max() - _MATTERS]).max())


def settle_precision(backend: Backend, found: Audit) -> str:
    """Go back to single precision if too much is changed; tell in a line what was found."""
    told = (
        f" Precision {found.precision}: log-weights of poses change by {found.change:.3f} at most "
        f"(allowed {LARGEST_CHANGE}; {found.particles} particles, against cores)"
    )
    if found.is_passed:
        return told
    backend.use(Precision.FP32)
    return f"{told}; going on with {Precision.FP32}"
