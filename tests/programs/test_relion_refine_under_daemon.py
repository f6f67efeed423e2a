"""RELION's own program under the daemon: started, followed through its files, stopped. Skipped where it is missing."""

import asyncio
import os
import shutil
import time
import uuid
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from halfmap.commands.demo.running import own_daemon
from halfmap.daemon.client import JobDetail, Launch, Submission, connect

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("relion_refine_mpi") is None, reason="relion_refine_mpi is not on the PATH"),
]

BOX = 32
OPTICS = f"""
# version 30001

data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnImagePixelSize #3
_rlnImageSize #4
_rlnImageDimensionality #5
_rlnVoltage #6
_rlnSphericalAberration #7
_rlnAmplitudeContrast #8
1 opticsGroup1 4.0 {BOX} 2 300.0 2.7 0.1

data_particles

loop_
_rlnImageName #1
_rlnOpticsGroup #2
_rlnMicrographName #3
_rlnDefocusU #4
_rlnDefocusV #5
_rlnDefocusAngle #6
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Projections of three blobs as single particles, which every RELION since 3.1 refines."""
    random = np.random.default_rng(1)
    z, y, x = np.indices((BOX, BOX, BOX)) - BOX // 2
    blobs = [(4, 0, 0), (-3, 3, 2), (0, -5, -4)]
    volume = sum(np.exp(-((z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2) / 8) for a, b, c in blobs).astype(np.float32)
    images = np.array([np.rot90(volume.sum(i % 3), i % 4) + random.normal(0, 3, (BOX, BOX)) for i in range(60)])
    images = (images - images.mean((1, 2), keepdims=True)) / images.std((1, 2), keepdims=True)
    for name, values in (("reference.mrc", volume), ("stack.mrcs", images.astype(np.float32))):
        with mrcfile.new(tmp_path / name, values) as file:
            file.voxel_size = 4.0
    rows = (f"{i + 1:06d}@stack.mrcs 1 mic{i % 3}.mrc {10000 + i % 3 * 100} 10000 0.0" for i in range(60))
    (tmp_path / "particles.star").write_text(OPTICS + "\n".join(rows) + "\n")
    return tmp_path


def submission(project: Path) -> Submission:
    options = {
        "use_direct_entries": "Yes",
        "in_particles": "particles.star",
        "in_tomograms": "particles.star",
        "fn_ref": "reference.mrc",
        "sym_name": "C1",
        "particle_diameter": "100",
        "ini_high": "40",
        "nr_mpi": "3",
    }
    return Submission(project=str(project), options=options, launch=Launch(engine="relion"))


async def seen_through(environ: dict[str, str], project: Path, stop_at: int | None) -> tuple[JobDetail, list[dict]]:
    async with connect(environ) as client:
        await client.watch(str(project), f"{uuid.uuid4()}")
        job = (await client.submit(submission(project), f"{uuid.uuid4()}")).job
        until = time.monotonic() + 120
        is_stopped = False
        while time.monotonic() < until:
            detail = await client.job(job)
            if detail.row.state.has_ended:
                return detail, await client.iterations(job)
            if stop_at is not None and (detail.row.iteration or 0) >= stop_at and not is_stopped:
                is_stopped = True
                await client.stop(job, "abort", f"{uuid.uuid4()}")
            await asyncio.sleep(0.3)
        raise AssertionError(f"not ended in time: {detail}")


def ran(project: Path, stop_at: int | None = None) -> tuple[JobDetail, list[dict]]:
    with own_daemon(os.environ, cards=0) as environ:
        return asyncio.run(seen_through(environ, project, stop_at))


def test_a_run_of_relion_is_followed_to_its_end(project):
    detail, iterations = ran(project)
    assert detail.row.state == "finished", detail.row.reason
    assert any("relion_refine_mpi" in word for word in detail.attempts[0].argv)
    assert [record["iteration"] for record in iterations] == list(range(1, len(iterations) + 1))
    # RELION 3.1 leaves no optimiser file of the joined iteration, which would say its number
    assert iterations[-1]["converged"] == (project / detail.row.name / "run_optimiser.star").exists()
    assert iterations[-1]["resolution_angstrom"] == pytest.approx(detail.row.resolution_angstrom)
    assert "Succeeded" in (project / "default_pipeline.star").read_text()


def test_a_run_of_relion_is_stopped_and_leaves_nothing(project):
    detail, _ = ran(project, stop_at=1)
    assert detail.row.state == "aborted", detail.row.reason
    mark = f"HALFMAP_ATTEMPT={detail.attempts[0].uuid}".encode()
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            left += [folder.name] if mark in (folder / "environ").read_bytes() else []
        except OSError:
            continue
    assert left == []
    assert "Aborted" in (project / "default_pipeline.star").read_text()
