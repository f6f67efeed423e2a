"""Directions of the particles of a job's iterations, each file counted once."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from halfmap.daemon.client import JobFiles
from halfmap.tui.files.directions import Directions, read_directions
from halfmap.tui.files.mrc import BadMap, FileMark, mark_of
from halfmap.tui.files.patient import Beat
from halfmap.tui.files.star_angles import BadDirections
from halfmap.tui.text.plain import plain

_MOST = 40


@dataclass(frozen=True, slots=True)
class ParticleChoice:
    """The particles of an iteration; `trouble` says why there are none."""

    iteration: int | None = None
    path: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What was counted; `trouble` says why nothing was."""

    directions: Directions | None = None
    trouble: str = ""


def choose_particles(files: JobFiles, iteration: int | None) -> ParticleChoice:
    """Choose the particles of an iteration; of the latest that has any for None."""
    there = [one for one in files.iterations if one.particles and iteration in (None, one.iteration)]
    if there:
        return ParticleChoice(there[-1].iteration, there[-1].particles)
    if iteration is not None:
        return ParticleChoice(iteration, trouble=f"Iteration {iteration} has no file of particles.")
    return ParticleChoice(trouble=files.trouble or "No particles have been written yet.")


class Catalogue:
    """Reads files of particles and keeps what was counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[FileMark, Directions] = OrderedDict()

    def look(self, path: str, beat: Beat) -> Found:
        """Count the particles of a file, if that is not kept."""
        try:
            mark = mark_of(path)
            with self._lock:
                kept = self._kept.get(mark)
            if kept is None:
                mark, kept = read_directions(path, beat)
                self._keep(mark, kept)
        except (BadMap, BadDirections) as error:
            return Found(trouble=f"{plain(Path(path).name)} {error}")
        return Found(kept)

    def _keep(self, mark: FileMark, directions: Directions) -> None:
        with self._lock:
            self._kept[mark] = directions
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
