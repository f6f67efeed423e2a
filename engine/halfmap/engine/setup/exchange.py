"""How the sums of a half's workers come together: over the network, or through files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from halfmap.engine.formats.whole_file import written_whole
from halfmap.engine.ranks.communicator import Communicator, workers_of
from halfmap.engine.refinement.refinement import SumsExchange


class OverNetwork(SumsExchange):
    """Lets MPI add up (`--dont_combine_weights_via_disc`)."""

    def add_up(self, communicator: Communicator, half: int, arrays: Sequence[np.ndarray]) -> None:
        """Add up over the workers of a half; the captain holds the total afterwards."""
        communicator.sum_over_workers(half, arrays)


class ThroughDisc(SumsExchange):
    """Lets workers write their sums to files, which the captain reads and removes.

    Parameters
    ----------
    root
        Output root; the files stand beside it.
    """

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def add_up(self, communicator: Communicator, half: int, arrays: Sequence[np.ndarray]) -> None:
        """Add up over the workers of a half; the captain holds the total afterwards."""
        is_captain = communicator.is_captain(half)
        if half in communicator.halves and not is_captain:
            with written_whole(self._file(communicator.rank)) as temporary, temporary.open("wb") as out:
                for array in arrays:
                    np.save(out, array)
        communicator.gather(half)
        if is_captain:
            for rank in workers_of(half, communicator.size)[1:]:
                self._add(self._file(rank), arrays)

    def _file(self, rank: int) -> Path:
        return self._root.with_name(f".{self._root.name}_sums_of_rank{rank}.npy")

    def _add(self, path: Path, arrays: Sequence[np.ndarray]) -> None:
        with path.open("rb") as file:
            for array in arrays:
                np.add(array, np.load(file), out=array)
        path.unlink()

    def remove_leftovers(self) -> None:
        """Remove what an earlier run left that was killed between writing and reading."""
        for path in self._root.parent.glob(f".{self._root.name}_sums_of_rank*.npy"):
            path.unlink(missing_ok=True)
