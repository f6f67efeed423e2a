"""Jobs that are no refinements, run by a real daemon with the programs that they are for."""

import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from halfmap.daemon.client import JobQuery, JobState, Launch, Refused, Submission
from halfmap.engine.formats.mrc import read_map, write_map
from halfmap.engine.formats.star import read_star
from halfmap.engine.simulation import simulate
from tests.faults.daemon.harness import TINY, Bench, new_bench

PARTICLES = "Extract/job001/particles.star"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types")
    made = new_bench(folder / "bench", simulate(TINY, folder / "simulated").root)
    settings = made.root / "daemon.toml"
    # programs of the sources that are tested, whatever is installed
    settings.write_text(f'environment = ["PYTHONPATH"]\n{settings.read_text()}')
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


def listed(bench: Bench, line: str) -> bool:
    """Wait for a line in RELION's list of jobs, which is written just after the daemon's own store."""
    until = time.monotonic() + 10
    while line not in (bench.project / "default_pipeline.star").read_text().splitlines():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def reason(bench: Bench, job: int) -> str:
    """Wait until it is told why a job waits."""
    until = time.monotonic() + 10
    while not (told := bench.row(job).reason) and time.monotonic() < until:
        time.sleep(0.05)
    return told


def offsets_angstrom(path: Path) -> np.ndarray:
    """How far each particle lies from where it was picked."""
    labels = [f"rlnOrigin{axis}Angst" for axis in "XYZ"]
    return np.linalg.norm(read_star(path)["particles"][labels].to_numpy(float), axis=1)


def test_a_job_leaves_what_relion_looks_for(bench):
    row = bench.ended(submitted(bench, "relion.external", centred(PARTICLES, "2")))
    assert (row.state, row.name, row.kind) == (JobState.FINISHED, "External/job001/", "relion.external")
    folder = bench.project / row.name
    assert (folder / "RELION_JOB_EXIT_SUCCESS").exists()
    assert "Done!" in (folder / "run.out").read_text()
    assert (
        f"halfmap star center --i {PARTICLES} --o External/job001/particles.star" in (folder / "note.txt").read_text()
    )
    # by two pixels, whatever a particle's orientation
    assert offsets_angstrom(folder / "particles.star") == pytest.approx(2 * TINY.pixel_size_angstrom)


def test_a_job_whose_input_is_not_there_is_held_and_one_that_failed_goes_on_over_its_files(bench):
    job = submitted(bench, "relion.external", centred("broken.star", "1"))
    assert "broken.star: does not exist" in bench.wait_for(job, JobState.HELD).reason
    (bench.project / "broken.star").write_text("no particles\n")
    bench.ask(lambda client: client.release(job, f"release {job}"))
    row = bench.ended(job)
    assert row.state is JobState.FAILED
    assert (bench.project / row.name / "RELION_JOB_EXIT_FAILURE").exists()
    (bench.project / row.name / "particles.star").touch()
    (bench.project / "broken.star").write_bytes((bench.project / PARTICLES).read_bytes())
    bench.ask(lambda client: client.resume(job, f"resume {job}"))
    bench.wait_for(job, JobState.FINISHED)
    assert offsets_angstrom(bench.project / row.name / "particles.star") == pytest.approx(TINY.pixel_size_angstrom)
    assert bench.ask(lambda client: client.job(job)).attempts[0].argv[-1] == "--overwrite"


def test_an_extraction_that_was_stopped_goes_on_with_what_is_not_there_yet(bench):
    options = {"use_direct_entries": "Yes", "in_particles": "picks.star", "in_tomograms": "tomograms.star",
               "box_size": "16", "binning": "1", "do_float16": "No"}  # fmt: skip
    job = submitted(bench, "relion.pseudosubtomo", options)
    bench.wait_for(job, JobState.RUNNING)
    # it has no iteration that could be waited for
    bench.ask(lambda client: client.stop(job, "after_iteration", f"stop {job}"))
    row = bench.ended(job)
    assert row.state is JobState.ABORTED
    bench.ask(lambda client: client.resume(job, f"resume {job}"))
    bench.wait_for(job, JobState.FINISHED)
    detail = bench.ask(lambda client: client.job(job))
    assert ["--only_do_unfinished" in attempt.argv for attempt in detail.attempts] == [True, False]
    particles = read_star(bench.project / row.name / "particles.star")["particles"]
    assert len(particles) == TINY.particles
    assert all((bench.project / name).is_file() for name in particles["rlnImageName"])
    assert (bench.project / row.name / "optimisation_set.star").is_file()


def test_a_centring_waits_for_an_average_that_waits_for_its_particles_to_be_extracted(bench):
    box = {"box_size": "16", "binning": "1"}
    direct = {"use_direct_entries": "Yes", "in_particles": "picks.star", "in_tomograms": "tomograms.star"}
    first = submitted(bench, "relion.pseudosubtomo", {**direct, **box}, hold=True)
    name = bench.row(first).name
    options = {"in_optimisation": f"{name}optimisation_set.star", "sym_name": "C6", **box}
    second = submitted(bench, "relion.reconstructparticletomo", options, after=(name,))
    average = bench.row(second).name
    files = {"in_3dref": f"{average}merged.mrc", "in_mask": "Mask/mask.mrc", "in_part": f"{name}optimisation_set.star"}
    options = {**files, "param1_label": "sym", "param1_value": "C6"}
    third = submitted(bench, "relion.external", options, after=(average,))
    assert reason(bench, third) == f"waits for {average.rstrip('/').rpartition('/')[2]}"
    bench.ask(lambda client: client.release(first, f"release {first}"))
    row = bench.ended(second, 40)
    assert (row.state, row.reason) == (JobState.FINISHED, "")
    last = bench.ended(third, 40)
    assert (last.state, last.reason) == (JobState.FINISHED, "")
    assert listed(bench, f"{last.name}optimisation_set.star TomoOptimisationSet.star.relion            1 ")
    assert read_map(bench.project / row.name / "merged.mrc").box_px == 16
    assert (bench.project / row.name / "optimisation_set.star").is_file()
    pipeline = (bench.project / "default_pipeline.star").read_text()
    assert f"{name}optimisation_set.star {row.name} " in pipeline


def test_an_option_that_the_program_does_not_know_is_no_stop(bench):
    row = bench.ended(submitted(bench, "relion.external", centred(PARTICLES, "1") | {"other_args": "--sideways"}))
    assert row.state is JobState.FAILED
    assert "exit code 3: Options or input files were refused" in row.reason
    assert "--sideways" in (bench.project / row.name / "run.err").read_text()


def test_half_maps_are_post_processed(bench):
    rng = np.random.default_rng(1)
    signal = 4 * np.exp(-sum(axis**2 for axis in np.ogrid[-8:8, -8:8, -8:8]) / 8.0)
    for half in (1, 2):
        write_map(bench.project / f"half{half}.mrc", signal + 0.1 * rng.standard_normal((16, 16, 16)), 12.0)
    write_map(bench.project / "mask.mrc", np.ones((16, 16, 16)), 12.0)
    options = {"fn_in": "half1.mrc", "fn_mask": "mask.mrc", "do_auto_bfac": "No"}
    row = bench.ended(submitted(bench, "relion.postprocess", options))
    assert (row.state, row.reason) == (JobState.FINISHED, "")
    made = {path.name for path in (bench.project / row.name).iterdir()}
    assert made >= {"postprocess.mrc", "postprocess_masked.mrc", "postprocess.star", "RELION_JOB_EXIT_SUCCESS"}
    assert listed(bench, f"{row.name}       None relion.postprocess  Succeeded ")
    assert listed(bench, f"{row.name}postprocess.mrc DensityMap.mrc.relion.postprocess            1 ")


@pytest.mark.parametrize(
    ("kind", "options", "launch", "words"),
    [
        ("relion.class3d", {}, {}, "cannot be queued"),
        ("relion.external", {"fn_exe": "sh -c true"}, {}, "only halfmap's own programs"),
        ("relion.postprocess", {"fn_in": "half1.mrc", "nr_mpi": "3"}, {}, "does not have: nr_mpi"),
        ("relion.external", centred(PARTICLES, "1"), {"engine": "relion"}, "RELION has no program for this"),
        ("relion.external", centred(PARTICLES, "1"), {"cards": 1}, "use no cards"),
    ],
)
def test_what_cannot_be_run_is_refused_and_leaves_nothing(bench, kind, options, launch, words):
    before = (bench.project / "default_pipeline.star").read_text()
    with pytest.raises(Refused, match=words):
        submitted(bench, kind, options, **launch)
    assert (bench.project / "default_pipeline.star").read_text() == before


def test_the_list_shows_these_jobs_too(bench):
    submitted(bench, "relion.external", centred(PARTICLES, "1"), hold=True)
    kinds = {row.kind for row in bench.ask(lambda client: client.jobs(JobQuery())).jobs}
    assert "relion.external" in kinds
