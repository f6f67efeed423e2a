"""The simulated project that is refined, and the options of its refinement."""

from collections import Counter
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.command_line import from_argv
from halfmap.engine import IterationFinished, refine
from halfmap.engine.simulation import SimulationSettings, simulate
from tests.bench.counting import Tally, counted

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


@dataclass(frozen=True)
class Run:
    """A refinement that has been run.

    Parameters
    ----------
    iterations
        Its records.
    tally
        What was compared.
    """

    iterations: list[IterationFinished]
    tally: Tally

    @property
    def seconds(self) -> dict[str, float]:
        """Time of each phase, added up over the iterations."""
        total: Counter[str] = Counter()
        for record in self.iterations:
            total.update({phase: seconds or 0.0 for phase, seconds in record.seconds.items()})
        return dict(total)


def run_refinement(root: Path, simulated: SimulationSettings, *more: str) -> Run:
    """Refine a project in this process, and count."""
    (root / "Refine3D/job001").mkdir(parents=True, exist_ok=True)
    of_particle = ["--sym", simulated.symmetry, "--particle_diameter", f"{simulated.diameter_angstrom:g}"]
    with chdir(root), counted() as tally:
        arguments = from_argv([*OPTIONS.split(), *of_particle, *more])
        return Run(list(refine(arguments, quiet=True)), tally)
