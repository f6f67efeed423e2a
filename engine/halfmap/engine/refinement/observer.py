"""Who is told what a refinement does while it does it."""

from dataclasses import dataclass

from halfmap.engine.refinement.state import Control


@dataclass(frozen=True)
class SearchSize:
    """Number of poses of one pass.

    Parameters
    ----------
    oversampling
        0 for the coarse pass.
    angular_step_deg, orientations
        Step, and orientations that are searched for a particle.
    offset_step_angstrom, offsets
        Step, and offsets.
    """

    oversampling: int
    angular_step_deg: float
    orientations: int
    offset_step_angstrom: float
    offsets: int


class Observer:
    """Told of each step; does nothing by itself. Methods are called on every rank."""

    def iteration_started(self, control: Control) -> None:
        """Hear that an iteration starts; `control` is the state after the last one, with the new number."""

    def phase(self, name: str, done: int, total: int) -> None:
        """Hear how far a phase has come; `done` is 0 at its start and `total` at its end."""

    def accuracies_estimated(self, control: Control) -> None:
        """Hear the estimated accuracies."""

    def search_planned(self, control: Control, sizes: tuple[SearchSize, SearchSize]) -> None:
        """Hear what is going to be searched."""

    def memory_planned(self, lines: list[str]) -> None:
        """Hear how much memory the iteration takes on each rank, in lines."""

    def precision_checked(self, outcome: str) -> None:
        """Hear what the precision of a card changes, in a line; only ranks with a card tell."""

    def joining(self, resolution_angstrom: float) -> None:
        """Hear up to where the halves share their data."""

    def comparing(self, solvent_corrected: bool, randomised_angstrom: float | None) -> None:
        """Hear that the FSC is being taken."""
