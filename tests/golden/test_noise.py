"""Images without particles: the halves must not agree on anything, and no resolution may be claimed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import starfile

from halfmap.contract.progress import RunFinished, read_progress
from halfmap.engine.simulation import SimulationSettings, simulate

pytestmark = pytest.mark.slow

EXTENT_ANGSTROM = 24 * 8.0
SHARED_SHELL = 5  # 192 Å / 40 Å, rounded up
OPTIONS = (
    "--auto_refine --split_random_halves --ios Extract/job001/optimisation_set.star --ref Reference/reference.mrc "
    "--firstiter_cc --ini_high 40 --pool 4 --ctf --particle_diameter 130 --flatten_solvent --zero_mask --norm --scale "
    "--oversampling 1 --healpix_order 1 --auto_local_healpix_order 4 --offset_range 1 --offset_step 2 --sym C2 "
    "--low_resol_join_halves 40 --random_seed 1 --auto_resol_angles --auto_ignore_angles --j 2 --o Refine3D/job002/run"
).split()


@pytest.fixture(scope="module")
def refined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noise") / "project"
    settings = SimulationSettings(
        particles=60,
        symmetry="C2",
        diameter_angstrom=130,
        box_px=24,
        pixel_size_angstrom=8,
        tilt_range_deg=40,
        tilt_step_deg=8,
        noise_only=True,
        seed=5,
    )
    simulate(settings, folder)
    subprocess.run([sys.executable, "-m", "halfmap.engine", *OPTIONS], cwd=folder, capture_output=True, check=True)
    return folder / "Refine3D/job002"


def test_the_halves_do_not_agree_beyond_the_shells_that_they_share(refined: Path) -> None:
    """A shell of 60 particles' half maps has 30 voxels or more of C2.

    So correlations scatter by 0.1, and means of six shells by 0.04.
    The first shell beyond the shared ones shares part of their agreement: masks blur transforms by 192 Å / 130 Å.
    """
    for model in sorted(refined.glob("run_it*_half1_model.star"))[1:] + [refined / "run_model.star"]:
        fsc = starfile.read(model)["model_class_1"].rlnGoldStandardFsc.to_numpy(float)
        assert fsc[SHARED_SHELL + 1] < 0.5
        assert np.abs(fsc[SHARED_SHELL + 2 :]).max() < 0.3
        assert abs(fsc[SHARED_SHELL + 2 :].mean()) < 0.12


def test_no_resolution_is_claimed(refined: Path) -> None:
    end = read_progress(refined / "run_progress.jsonl")[-1]
    assert isinstance(end, RunFinished)
    assert end.resolution_angstrom is None
    resolution = float(starfile.read(refined / "run_model.star")["model_general"]["rlnCurrentResolution"])
    assert resolution == pytest.approx(EXTENT_ANGSTROM / SHARED_SHELL, rel=1e-4)
