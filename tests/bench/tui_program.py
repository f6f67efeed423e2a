"""Stands in for the engine in the figures of the interface: tells progress, writes maps and poses, works for ever.

The daemon starts it in the place of ``mpiexec``: ``tui_program.py PACE … --pipeline_control JOB/``. PACE is a JSON file
with the number of iterations to do at once, whether to go on after them, and how long a fifth of one then takes.
"""

import json
import math
import sys
import time
from pathlib import Path

import mrcfile
import numpy as np

from halfmap.contract import job_directory
from halfmap.contract.job_directory import Marker
from halfmap.contract.progress import IterationFinished, PhaseProgress, ProgressWriter, RunFinished, RunStarted

BOX, PIXEL_ANGSTROM, PARTICLES = 64, 4.0, 2000
FIFTHS, PHASES = 5, ("accuracy", "expectation", "maximization")
_OPTIMISER = """# version 50001 / halfmap

data_optimiser_general

_rlnOutputRootName {root}
_rlnCurrentIteration {number}

"""


def main() -> int:
    """Work until there is nothing left to do, or somebody says to stop."""
    pace = json.loads(Path(sys.argv[1]).read_text())
    job = Path(sys.argv[sys.argv.index("--pipeline_control") + 1])
    root, random = job / "run", np.random.default_rng(1)
    with ProgressWriter(job_directory.progress_file(root)) as writer:
        writer.write(
            RunStarted(version="1", argv=(), ranks=1, threads=1, host="here", output_root=str(root),
                       particles_per_half=(PARTICLES // 2, PARTICLES // 2), box_size_px=BOX,
                       pixel_size_angstrom=PIXEL_ANGSTROM, symmetry="C1")
        )  # fmt: skip
        number = 0
        while number < pace["iterations"] or pace["goes_on"]:
            number += 1
            if number > pace["iterations"] and not _work(writer, job, number, pace["fifth_s"]):
                job_directory.marker_file(job, Marker.ABORTED).touch()
                return 2
            _write_files(root, number, random)
            writer.write(_measured(number))
        writer.write(RunFinished(resolution_angstrom=8.0))
    job_directory.marker_file(job, Marker.SUCCESS).touch()
    return 0


def _work(writer: ProgressWriter, job: Path, number: int, fifth_s: float) -> bool:
    """Tell five times how far an iteration has come; False if it was told to stop."""
    for fifth in range(FIFTHS):
        if job_directory.marker_file(job, Marker.ABORT_NOW).exists():
            return False
        phase = PHASES[min(fifth, len(PHASES) - 1)]
        writer.write(PhaseProgress(iteration=number, phase=phase, fraction=fifth / FIFTHS, seconds=fifth * fifth_s))
        print(f" iteration {number}: {phase}, {20 * fifth} %", flush=True)  # noqa: T201
        time.sleep(fifth_s)
    return True


def _measured(number: int) -> IterationFinished:
    resolution = 8 + 40 * math.exp(-number / 6)
    edge = BOX * PIXEL_ANGSTROM / resolution
    return IterationFinished(
        iteration=number,
        resolution_angstrom=resolution,
        resolution_fsc_143_angstrom=resolution - 0.5,
        fsc=tuple(1 / (1 + math.exp(1.5 * (shell - edge))) for shell in range(BOX // 2)),
        accuracy_rotation_deg=0.5 + 8 * math.exp(-number / 5),
        accuracy_translation_angstrom=0.4 + 5 * math.exp(-number / 5),
        angular_step_deg=7.5 / 2 ** min(3, number // 5),
        offset_step_angstrom=4.0 / 2 ** min(3, number // 5),
        offset_range_angstrom=10.0,
        healpix_order=2 + min(3, number // 5),
        local_searches=number > 10,
        changes_orientations_deg=10 * math.exp(-number / 4),
        changes_offsets_angstrom=3 * math.exp(-number / 4),
        average_pmax=min(0.9, 0.1 + number / 30),
        significant_samples_mean=10 + 500 * math.exp(-number / 4),
        seconds={"expectation": 4.0 + math.sin(number), "maximization": 0.7, "fsc": 0.2},
        memory_mb=(900.0 + number,),
    )


def _write_files(root: Path, number: int, random: np.random.Generator) -> None:
    for half in job_directory.HALVES:
        with mrcfile.new(job_directory.half_map_file(root, number, half), overwrite=True) as file:
            file.set_data(_density(number, random))
            file.voxel_size = PIXEL_ANGSTROM
    angles = random.uniform((-180, 0, -180), (180, 180, 180), (PARTICLES, 3))
    rows = "\n".join("{:11.4f} {:11.4f} {:11.4f}".format(*row) for row in angles)
    columns = "_rlnAngleRot #1\n_rlnAngleTilt #2\n_rlnAnglePsi #3"
    job_directory.data_file(root, number).write_text(f"\ndata_particles\n\nloop_\n{columns}\n{rows}\n\n")
    # the file that makes an iteration: the last to be written
    job_directory.optimiser_file(root, number).write_text(_OPTIMISER.format(root=root, number=number))


def _density(number: int, random: np.random.Generator) -> np.ndarray:
    z, y, x = np.indices((BOX, BOX, BOX)) - BOX / 2
    shell = np.exp(-((np.sqrt(x**2 + y**2 + z**2) - 18) ** 2) / (60 / number + 4))
    return (shell * (1 + 0.3 * np.cos(x / 3) * np.cos(y / 4)) + random.normal(0, 1 / number, shell.shape)).astype("f4")


if __name__ == "__main__":
    sys.exit(main())
