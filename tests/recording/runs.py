"""The two refinements that are recorded: which options, with which mask, and how they are run."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
from scipy import ndimage

from halfmap.contract import job_directory
from halfmap.contract.command_line import to_argv
from halfmap.contract.conversion import arguments_from_job
from halfmap.contract.job_star import write_job_star
from halfmap.contract.refine3d import Refine3D

REFERENCE = "Reconstruct/job002/merged.mrc"
MASK = "Mask/job010/mask.mrc"
_RADIUS_ANGSTROM = 105.0
_LEVEL, _MARGIN_PX, _SOFT_EDGE_PX = 0.25, 2, 4

_SHARED = {
    "fn_ref": REFERENCE,
    "fn_mask": MASK,
    "sym_name": "C6",
    "particle_diameter": 230.0,
    "offset_range": 2.0,
    "auto_faster": True,
    "nr_pool": 16,
    "nr_mpi": 3,
    "other_args": "--random_seed 1",
}


@dataclass(frozen=True, slots=True)
class Run:
    """A refinement to record: its folder in the project, and its options."""

    name: str
    job: Refine3D


RUNS = (
    Run(
        "Refine3D/job011/",
        Refine3D(
            **_SHARED,
            in_optimisation="PseudoSubtomo/job001/optimisation_set.star",
            ini_high=40.0,
            sampling="7.5 degrees",
            auto_local_sampling="1.8 degrees",
            sigma_tilt=10.0,
        ),
    ),
    Run(
        "Refine3D/job012/",
        Refine3D(
            **_SHARED,
            in_optimisation="Refine3D/job011/run_optimisation_set.star",
            ini_high=30.0,
            sampling="3.7 degrees",
            auto_local_sampling="3.7 degrees",
            sigma_tilt=10.0,
        ),
    ),
)


def make_mask(project: Path) -> None:
    """Make a soft mask around what the reference holds near its centre."""
    with mrcfile.open(project / REFERENCE) as file:
        density, pixel_size = np.array(file.data, dtype=np.float64), float(file.voxel_size.x)
    smooth = ndimage.gaussian_filter(density, 1.5)
    middle = density.shape[0] // 2
    z, y, x = np.indices(density.shape) - middle
    is_near = x**2 + y**2 + z**2 < (_RADIUS_ANGSTROM / pixel_size) ** 2
    core = (smooth > _LEVEL * smooth[middle - 3 : middle + 4].max()) & is_near
    parts, _ = ndimage.label(ndimage.binary_closing(core, iterations=3))
    largest = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    distance = np.clip((ndimage.distance_transform_edt(~largest) - _MARGIN_PX) / _SOFT_EDGE_PX, 0, 1)
    (project / MASK).parent.mkdir(parents=True, exist_ok=True)
    with mrcfile.new(project / MASK, overwrite=True) as file:
        file.set_data((0.5 + 0.5 * np.cos(np.pi * distance)).astype(np.float32))
        file.voxel_size = pixel_size


def refine(project: Path, run: Run) -> None:
    """Run a refinement in the project, with its output in ``run.out`` and ``run.err`` as the daemon collects it."""
    folder = project / run.name
    folder.mkdir(parents=True)
    write_job_star(run.job, folder / "job.star")
    words = to_argv(arguments_from_job(run.job, f"{run.name}run", run.name))
    command = [sys.executable, "-m", "halfmap.commands", "refine", "--nr_mpi", f"{run.job.nr_mpi}", *words]
    root = folder / "run"
    with (
        job_directory.standard_output_file(root).open("w") as out,
        job_directory.standard_error_file(root).open("w") as err,
    ):
        subprocess.run(command, cwd=project, stdout=out, stderr=err, check=True)
