"""Sums of the tomograms that are done, kept so that an average that was stopped can go on."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from halfmap.engine.extraction.record import refuse_other_record
from halfmap.engine.formats.whole_file import written_whole
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry

KEEP_INTERVAL_S = 60.0
"""Time that passes at least between two writings."""


@dataclass(frozen=True)
class PartialSums:
    """Sums of some tomograms.

    Parameters
    ----------
    tomograms
        Those that are done.
    sums
        By half set; those of particles without one by 0.
    """

    tomograms: tuple[str, ...]
    sums: Mapping[int, Accumulator]


@dataclass
class SumsKeeper:
    """Writes sums to a file from time to time.

    Parameters
    ----------
    path
        The file.
    record
        What the sums are made from and how.
    """

    path: Path
    record: Mapping[str, str]
    _last: float = field(default_factory=time.monotonic)

    def keep(self, partial: PartialSums) -> None:
        """Write the sums, if the last time is long enough ago."""
        if time.monotonic() - self._last < KEEP_INTERVAL_S:
            return
        self.path.parent.mkdir(exist_ok=True)
        arrays: dict[str, Any] = {f"half{half}": accumulator.sums for half, accumulator in partial.sums.items()}
        with written_whole(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, record=json.dumps(dict(self.record)), tomograms=np.array(partial.tomograms), **arrays)
        self._last = time.monotonic()

    def kept(self, geometry: AccumulatorGeometry) -> PartialSums | None:
        """Read the sums; None if none were kept.

        Raises
        ------
        BadInput
            If they were made from other files or in another way.
        """
        if not self.path.exists():
            return None
        with np.load(self.path) as arrays:
            refuse_other_record(self.path, json.loads(str(arrays["record"])), self.record)
            halves = [name for name in arrays.files if name.startswith("half")]
            sums = {int(name.removeprefix("half")): Accumulator(geometry, arrays[name]) for name in halves}
            return PartialSums(tuple(arrays["tomograms"].tolist()), sums)

    def remove(self) -> None:
        """Remove the file and its folder, if that is empty then."""
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
