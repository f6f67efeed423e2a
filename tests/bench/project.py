"""The simulated project that is refined, and the options of its refinement."""

from collections import Counter
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.command_line import from_argv
from halfmap.engine import IterationFinished, refine
from halfmap.engine.simulation import SimulationSettings, simulate
from tests.bench.counting import counted
from tests.bench.tally import Passes

OPTIONS = """
    --auto_refine --split_random_halves --ios Extract/job001/optimisation_set.star --ref Reference/reference.mrc
    --o Refine3D/job001/run --overwrite --ctf --norm --scale --flatten_solvent --zero_mask --oversampling 1
    --offset_range 2 --offset_step 2 --pad 1 --low_resol_join_halves 40 --auto_ignore_angles --auto_resol_angles
    --random_seed 1"""


def settings(particles: int, box_px: int = 32) -> SimulationSettings:
    """Particles of C6 symmetry in two tilt series of 13 images; a larger box only shows more of the surroundings."""
    return SimulationSettings(particles=particles, box_px=box_px, tilt_step_deg=9.0, snr=0.03, half_sets=True)


def make_project(simulated: SimulationSettings, root: Path) -> Path:
    """Simulate a project, unless it is there already."""
    if not root.exists():
        simulate(simulated, root)
    return root


def words(simulated: SimulationSettings, *more: str) -> list[str]:
    """Arguments of the refinement of a simulated project."""
    of_particle = ["--sym", simulated.symmetry, "--particle_diameter", f"{simulated.diameter_angstrom:g}"]
    return [*OPTIONS.split(), *of_particle, *more]


def total_seconds(iterations: Sequence[IterationFinished]) -> dict[str, float]:
    """Time of each phase, added up over iterations."""
    total: Counter[str] = Counter()
    for record in iterations:
        total.update({phase: seconds or 0.0 for phase, seconds in record.seconds.items()})
    return dict(total)


@dataclass(frozen=True)
class Run:
    """A refinement that has been run in this process.

    Parameters
    ----------
    iterations
        Its records.
    passes
        What was compared in each of them.
    """

    iterations: list[IterationFinished]
    passes: list[Passes]

    @property
    def seconds(self) -> dict[str, float]:
        """Time of each phase, added up over the iterations."""
        return total_seconds(self.iterations)

    @property
    def work(self) -> Passes:
        """What was compared in all of them."""
        return sum(self.passes, Passes.none())


def run_refinement(root: Path, simulated: SimulationSettings, *more: str) -> Run:
    """Refine a project in this process, and count."""
    (root / "Refine3D/job001").mkdir(parents=True, exist_ok=True)
    with chdir(root), counted() as tally:
        done = [(record, tally.take()) for record in refine(from_argv(words(simulated, *more)), quiet=True)]
    return Run([record for record, _ in done], [passes for _, passes in done])
