"""How long a refinement may take: from earlier ones of the same kind, else from what was measured once. Rough."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from halfmap.contract.refine3d import ANGULAR_SAMPLINGS, Refine3D
from halfmap.daemon.records import Launch

_SYMMETRY = re.compile(r"([CD])([0-9]+)", re.IGNORECASE)
_PLATONIC = {"T": 12, "O": 24, "I": 60}

_PARTICLES, _TILTS, _BOX_PX, _OPERATORS, _CORES = 200, 17, 36, 6, 2
"""What was measured: the 200 particles of the README's table."""
_MEASURED_S = {"halfmap": (94.0, 50.0), "relion": (716.0, 735.0)}
"""How long it took: the global search, and the local searches after it, which the run that began with them tells."""
_LEAST_S = 10.0
"""No run is shorter, however little it has to do."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What decides how long a run takes.

    Attributes
    ----------
    tilts
        Mean number of tilt images of a particle; 0 if not known.
    symmetry, sampling
        As in the form.
    searches_globally
        Whether the run begins with searches of all orientations.
    computing_cores
        Threads of all ranks that compute.
    uses_cards
        Whether it computes on cards.
    """

    engine: Literal["halfmap", "relion"]
    particles: int
    box_px: int
    tilts: float
    symmetry: str
    sampling: str
    searches_globally: bool
    computing_cores: int
    uses_cards: bool


def workload(job: Refine3D, launch: Launch, particles: int, box_px: int, tilts: float = 0.0) -> Workload:
    """Tell what a run has to do, and with what."""
    order = {name: place for place, name in enumerate(ANGULAR_SAMPLINGS)}
    # of three ranks and more the first only leads
    computing = job.nr_mpi if job.nr_mpi <= 2 else job.nr_mpi - 1
    return Workload(
        engine=launch.engine,
        particles=particles,
        box_px=box_px,
        tilts=tilts,
        symmetry=job.sym_name,
        sampling=job.sampling,
        searches_globally=order.get(job.sampling, 0) < order.get(job.auto_local_sampling, 0),
        computing_cores=max(1, computing * job.nr_threads),
        # this version's engine uses none
        uses_cards=launch.engine == "relion" and job.use_gpu,
    )


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that went from its first iteration to its end, and how long that took (s)."""

    name: str
    work: Workload
    seconds: float


@dataclass(frozen=True, slots=True)
class Duration:
    """A prediction in seconds, and what it rests on in words; None and empty where nothing can be said."""

    seconds: float | None = None
    rests_on: str = ""


def predict(work: Workload, past: Iterable[PastRun]) -> Duration:
    """Predict how long a new run takes.

    Parameters
    ----------
    past
        Latest first. The first one counts that did the same on other particles or cores.
    """
    if work.particles <= 0 or work.box_px <= 0:
        return Duration()
    for run in past:
        if _kind(run.work) == _kind(work) and run.work.particles > 0:
            scale = work.particles / run.work.particles * run.work.computing_cores / work.computing_cores
            words = f"{run.name}, which took {_in_words(run.seconds)} with {run.work.particles} particles"
            return Duration(run.seconds * scale, f"{words} on {_cores(run.work.computing_cores)}")
    return _from_measured(work)


def _kind(work: Workload) -> tuple[object, ...]:
    return work.engine, work.box_px, work.symmetry.upper(), work.sampling, work.searches_globally, work.uses_cards


def _from_measured(work: Workload) -> Duration:
    """Scale what was measured: all by particles, images, pixels and cores, the global search by symmetry too."""
    if work.uses_cards or work.tilts <= 0:
        return Duration()
    searching, local = _MEASURED_S[work.engine]
    images = work.particles * work.tilts / (_PARTICLES * _TILTS)
    scale = images * (work.box_px / _BOX_PX) ** 2 * _CORES / work.computing_cores
    seconds = local + (searching * _OPERATORS / operators(work.symmetry) if work.searches_globally else 0.0)
    return Duration(
        max(_LEAST_S, scale * seconds),
        f"{_PARTICLES} particles of {_BOX_PX} px measured once; may be off several times",
    )


def operators(symmetry: str) -> int:
    """Number of rotations of a point group; 1 for a text that names none."""
    found = _SYMMETRY.fullmatch(symmetry)
    if found:
        return max(1, int(found[2])) * (2 if found[1].upper() == "D" else 1)
    return _PLATONIC.get(symmetry[:1].upper(), 1)


def _cores(number: int) -> str:
    return "1 core" if number == 1 else f"{number} cores"


def _in_words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
