"""Maps of known shape, and pictures of jobs that have them."""

from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from halfmap.daemon.client import IterationFiles, JobFiles
from halfmap.tui.job.course import Course, Iteration
from halfmap.tui.job.picture import JobPicture


def ball(box: int, radius_px: float, centre: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """A ball with a soft edge; the centre is given in px (x, y, z) from the voxel box // 2."""
    z, y, x = np.indices((box, box, box)) - box // 2
    away = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2)
    return (1 / (1 + np.exp(2 * (away - radius_px)))).astype(np.float32)


@pytest.fixture
def write_map(tmp_path: Path) -> Callable[..., str]:
    def write(values: np.ndarray, name: str = "map.mrc", pixel: float = 2.0) -> str:
        path = tmp_path / name
        with mrcfile.new(path, overwrite=True) as file:
            file.set_data(values)
            if pixel:
                file.voxel_size = pixel
        return f"{path}"

    return write


@pytest.fixture
def relion_job(hiv_twin: Path) -> JobPicture:
    """RELION's job of 6 iterations and a joined one, with a mask of another box."""
    run = f"{hiv_twin}/Refine3D/job009/run_"
    numbered = [
        IterationFiles(
            iteration=number,
            half_maps=(
                f"{run}it{number:03d}_half1_class001.mrc",
                f"{run}it{number:03d}_half2_class001.mrc",
            ),
            particles=f"{run}it{number:03d}_data.star",
        )
        for number in range(1, 7)
    ]
    joined = IterationFiles(
        iteration=7,
        is_joined=True,
        half_maps=(f"{run}half1_class001_unfil.mrc", f"{run}half2_class001_unfil.mrc"),
        map=f"{run}class001.mrc",
        particles=f"{run}data.star",
    )
    files = JobFiles(iterations=(*numbered, joined), mask=f"{hiv_twin}/Mask/mask.mrc", box_px=36)
    return JobPicture(files=files, course=Course("job009", tuple(Iteration(n, 17.15) for n in range(1, 8)), 36, 8.1))
