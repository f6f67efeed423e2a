"""Jobs that are no refinements, run by a real daemon with the programs that they are for."""

import uuid
from pathlib import Path

import numpy as np
import pytest

from halfmap.daemon.client import JobState, Launch, Submission
from halfmap.engine.formats.star import read_star
from halfmap.engine.simulation import simulate
from tests.faults.daemon.harness import TINY, Bench, new_bench

PARTICLES = "Extract/job001/particles.star"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types")
    made = new_bench(folder / "bench", simulate(TINY, folder / "simulated").root)
    made.start()
    made.watch()
    yield made
    made.end()


def submitted(bench: Bench, kind: str, options: dict[str, str], **launch) -> int:
    asked = Submission(project=str(bench.project), kind=kind, options=options, launch=Launch(**launch))
    key = f"{uuid.uuid4()}"
    return bench.ask(lambda client: client.submit(asked, key)).job


def centred(particles: str, x_px: str) -> dict[str, str]:
    return {"fn_exe": "halfmap star center", "in_part": particles, "param1_label": "center_X", "param1_value": x_px}


def offsets_angstrom(path: Path) -> np.ndarray:
    """How far each particle lies from where it was picked."""
    labels = [f"rlnOrigin{axis}Angst" for axis in "XYZ"]
    return np.linalg.norm(read_star(path)["particles"][labels].to_numpy(float), axis=1)


def test_jobs_wait_for_each_other_and_leave_what_relion_looks_for(bench):
    first = submitted(bench, "relion.external", centred(PARTICLES, "2"), hold=True)
    name = bench.row(first).name
    second = submitted(bench, "relion.external", centred(f"{name}particles.star", "-2"), after=(name,))
    assert name == "External/job001/"
    assert "waits for job001" in bench.wait_for(second, JobState.QUEUED).reason
    bench.ask(lambda client: client.release(first, "let it"))
    row = bench.ended(second)
    assert (row.state, row.name, row.kind) == (JobState.FINISHED, "External/job002/", "relion.external")
    folder = bench.project / row.name
    assert (folder / "RELION_JOB_EXIT_SUCCESS").exists()
    assert "Done!" in (folder / "run.out").read_text()
    assert "halfmap star center --i External/job001/particles.star" in (folder / "note.txt").read_text()
    # there, by two pixels whatever a particle's orientation, and back
    assert offsets_angstrom(bench.project / name / "particles.star") == pytest.approx(2 * TINY.pixel_size_angstrom)
    assert offsets_angstrom(folder / "particles.star") == pytest.approx(0, abs=1e-3)
