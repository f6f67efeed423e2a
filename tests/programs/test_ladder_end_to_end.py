"""A ladder from picks to bin 1 in a real daemon with halfmap's own programs, and a daemon that is killed on the way."""

import time

import pytest

from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.scoring.poses import score_poses
from halfmap.engine.simulation import SimulationSettings, simulate
from tests.faults.daemon.harness import Bench, new_bench
from tests.faults.daemon.ladder_bench import begin, climbed, which

pytestmark = pytest.mark.slow

SMALL = SimulationSettings(
    particles=24,
    tomograms=1,
    box_px=24,
    pixel_size_angstrom=8.0,
    diameter_angstrom=150.0,
    tilt_range_deg=40.0,
    tilt_step_deg=20.0,
    snr=0.5,
    pick_error_angstrom=5.0,
)
TEXT = """
particles = "picks.star"
tomograms = "tomograms.star"
reference = "Reference/reference.mrc"
mask = "Mask/mask.mrc"
symmetry = "C6"
mask_diameter = 160
sigma_tilt = 10
binnings = [2, 1]
box_px = 24
ranks = 1
[refine]
other_args = "--random_seed 7"
"""


@pytest.fixture
def bench(tmp_path):
    made = new_bench(tmp_path / "bench", simulate(SMALL, tmp_path / "simulated").root)
    (made.root / "daemon.toml").unlink()  # the programs are halfmap's own
    made.start()
    made.watch()
    yield made
    made.end()


def states(bench: Bench) -> dict[str, str]:
    detail = bench.ask(lambda client: client.ladder(which(bench)))
    return {step.step: step.state for step in detail.steps}


def wait_for(bench: Bench, step: str, state: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while (found := states(bench))[step] != state:
        assert time.monotonic() < until, f"{found}\n{bench.log()}"
        time.sleep(0.1)


def test_picks_are_refined_from_bin_2_to_bin_1_although_the_daemon_is_killed(bench):
    begin(bench, TEXT)
    wait_for(bench, "bin1.refine", "running")
    bench.kill()
    bench.start()
    detail = climbed(bench, seconds=120)
    assert {step.state for step in detail.steps} == {"finished"}
    assert len(bench.table("SELECT job FROM job WHERE followed = 0")) == len(detail.steps) == 8
    coarse, fine = (step for step in detail.steps if step.does == "refine")
    # pixels of 16 Å cannot tell more than 32 Å, those of 8 Å not more than 16 Å
    assert coarse.resolution_angstrom >= 32
    assert fine.resolution_angstrom < 24
    before, after = (
        score_poses(
            bench.project / "truth.star", bench.project / step.job_name / "run_data.star", PointGroup.parse("C6")
        )
        for step in (coarse, fine)
    )
    assert after.angle_median_deg < before.angle_median_deg
    assert after.position_median_angstrom < before.position_median_angstrom
    assert after.position_median_angstrom < 0.5 * SMALL.pixel_size_angstrom
