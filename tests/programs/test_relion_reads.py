"""RELION's own programs, where they are installed, read every file that a run writes."""

import shutil
import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import starfile

from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.program import main
from halfmap.engine.scoring.maps import score_maps
from tests.faults.conftest import OPTIONS

pytestmark = pytest.mark.slow


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def run(*words: str, folder: Path) -> str:
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout


@pytest.fixture(scope="module")
def refined(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a refinement to convergence."""
    copy = tmp_path_factory.mktemp("read") / "project"
    shutil.copytree(tiny_project, copy)
    words = [*OPTIONS, "--auto_iter_max", "30", "--auto_ignore_angles", "--auto_resol_angles"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        assert main(words) == ExitCode.SUCCESS
    return copy / "Refine3D/job002"


@needs("relion_star_handler")
def test_every_star_file_is_read_and_its_values_are_kept(refined: Path, tmp_path: Path) -> None:
    files = sorted(refined.glob("*.star"))
    assert len(files) > 20
    for file in files:
        copy = tmp_path / file.name
        run("relion_star_handler", "--i", file.name, "--o", str(copy), folder=refined)
    ours, theirs = (starfile.read(folder / "run_data.star")["particles"] for folder in (refined, tmp_path))
    assert list(ours.columns) == list(theirs.columns)
    numbers = ours.select_dtypes("number").columns
    assert np.allclose(ours[numbers], theirs[numbers], rtol=1e-5, atol=1e-6)


@needs("relion_image_handler")
def test_every_map_is_read(refined: Path, tmp_path: Path) -> None:
    for file in sorted(refined.glob("*.mrc")):
        copy = tmp_path / file.name
        run("relion_image_handler", "--i", file.name, "--o", str(copy), "--multiply_constant", "1", folder=refined)
        assert np.array_equal(mrcfile.read(copy), mrcfile.read(file))
        assert mrcfile.open(copy).voxel_size.x == pytest.approx(10)


@needs("relion_postprocess")
def test_half_maps_of_a_refinement_are_postprocessed(hiv_twin: Path, tmp_path: Path) -> None:
    """The last iterations of RELION's local refinement, done by us from where it left off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(hiv_twin)
        recorded = "Refine3D/job009/run_it006_optimiser.star"
        assert main(["--continue", recorded, "--o", f"{tmp_path}/run", "--j", "2"]) == ExitCode.SUCCESS
    (tmp_path / "post").mkdir()
    with mrcfile.new(tmp_path / "mask.mrc") as mask:
        axis = np.arange(-18, 18)
        radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
        mask.set_data(np.clip((18 - radius) / 3, 0, 1).astype(np.float32))
        mask.voxel_size = 8.1
    halves = ("--i", "run_half1_class001_unfil.mrc", "--i2", "run_half2_class001_unfil.mrc", "--mask", "mask.mrc")
    run("relion_postprocess", *halves, "--angpix", "8.1", "--o", "post/processed", folder=tmp_path)
    theirs = starfile.read(tmp_path / "post/processed.star")["fsc"].rlnFourierShellCorrelationUnmaskedMaps
    maps = [tmp_path / f"run_half{half}_class001_unfil.mrc" for half in (1, 2)]
    ours = score_maps(*maps).fsc
    # in the last shell theirs has the corners that ours leaves out
    assert np.allclose(ours[:17], theirs[:17], atol=0.01)
