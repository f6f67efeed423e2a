"""The program as a person starts it: whole processes, with what they print and record."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from halfmap.contract.progress import IterationFinished, read_progress
from halfmap.engine.simulation import SimulationSettings
from tests.bench.project import words

RECORDS = "Refine3D/job001/run_progress.jsonl"
_PLANNED = re.compile(r"Memory of each rank: at most ([\d.]+) GB")
_MB_IN_GB = 1024


@dataclass(frozen=True)
class Launched:
    """What a refinement has told.

    Parameters
    ----------
    seconds
        From its start to the end of the process.
    iterations
        Its records.
    planned_mb
        Memory that it said each rank would need at most, by iteration.
    """

    seconds: float
    iterations: list[IterationFinished]
    planned_mb: list[float]

    @property
    def peak_mb(self) -> float:
        """Largest resident memory of any rank, as the ranks have recorded it."""
        return max(_largest(record) for record in self.iterations)

    @property
    def share_of_plan(self) -> float:
        """Largest memory of any rank until an iteration, over what was planned until then; the worst iteration."""
        plans = accumulate(self.planned_mb, max)
        return max(_largest(record) / planned for record, planned in zip(self.iterations, plans, strict=True))


def _largest(record: IterationFinished) -> float:
    return max(peak or 0.0 for peak in record.memory_mb)


def command(ranks: int, arguments: list[str]) -> list[str]:
    """Command line of a refinement; one rank is started without a launcher."""
    if ranks == 1:
        return [sys.executable, "-m", "halfmap.engine", *arguments]
    launcher = Path(sys.executable).parent / "mpiexec"
    return [f"{launcher}", "-n", f"{ranks}", sys.executable, "-m", "mpi4py", "-m", "halfmap.engine", *arguments]


def launch(root: Path, simulated: SimulationSettings, *more: str, ranks: int = 1) -> Launched:
    """Refine a project in processes of its own.

    Raises
    ------
    RuntimeError
        If the refinement fails, with what it printed.
    """
    (root / RECORDS).parent.mkdir(parents=True, exist_ok=True)
    asked_for = {"HALFMAP_NRANKS": f"{ranks}"} if ranks > 1 else {}
    start = time.perf_counter()
    ran = subprocess.run(
        command(ranks, words(simulated, *more)),
        cwd=root,
        env=os.environ | asked_for,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if ran.returncode:
        raise RuntimeError(ran.stdout + ran.stderr)
    records = [event for event in read_progress(root / RECORDS) if isinstance(event, IterationFinished)]
    return Launched(seconds, records, planned_mb(ran.stdout))


def planned_mb(told: str) -> list[float]:
    """Read the memory plans that a refinement has printed."""
    return [float(gigabytes) * _MB_IN_GB for gigabytes in _PLANNED.findall(told)]
