"""The benchmark measures what it says: its counts against independent arithmetic, its figures at the smallest sizes."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.table import Table

from halfmap.engine.backend.interface import Comparison
from halfmap.engine.backend.select import backend, finds_a_card
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.simulation import Project, SimulationSettings
from tests.bench import __main__ as program
from tests.bench import card, growth, kernels, launching, scoring, searching, shared_out, whole
from tests.bench.counting_backend import CountingComparison, functions_of, operations
from tests.bench.growth import Growth, Point
from tests.bench.launching import Launched, launch, planned_mb
from tests.bench.measuring import apart, busy_cores, median_ratio, memory_now_mb, peak_memory_mb, seconds_in_turn
from tests.bench.problem import ProblemSize, load_kernels, make_problem
from tests.bench.project import Run, run_refinement
from tests.bench.report import (
    figures_table,
    growth_record,
    growth_table,
    iterations_table,
    make_console,
    number,
    whole_record,
)
from tests.bench.sizes import QUICK
from tests.bench.tally import Passes, Tally, Work

OPTIONS = "--ini_high 50 --healpix_order 1 --auto_local_healpix_order 8 --auto_iter_max 1".split()
PARTICLES, TILTS = 12, 5
SMALL = ProblemSize(8, tilts=3, particles=2, orientations=4)


class Counted:
    """A number that counts what is done with it."""

    operations = 0

    def __mul__(self, other: "Counted") -> "Counted":
        Counted.operations += 1
        return Counted()

    __add__ = __mul__


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("bench") / "project"
    shutil.copytree(tiny_project, copy)
    return copy


@pytest.fixture(scope="module")
def simulated(project: Path) -> SimulationSettings:
    return Project(project).settings()


@pytest.fixture(scope="module")
def run(project: Path, simulated: SimulationSettings) -> Run:
    return run_refinement(project, simulated, *OPTIONS)


def laid_out(table: Table) -> str:
    console = make_console()
    with console.capture() as shown:
        console.print(table)
    return shown.get()


def pixels(size_px: int) -> int:
    """Pixels within a radius of half a window, each Hermitian pair once."""
    reach = size_px // 2
    plane = product(range(reach + 1), range(-reach, reach + 1))
    return sum(kx * kx + ky * ky <= reach * reach and (kx > 0 or ky >= 0) for kx, ky in plane)


def test_operations_of_a_matrix_product_are_those_of_the_textbook():
    rows, inner, columns = 2, 5, 3
    left, right = (np.array([[Counted() for _ in range(n)] for _ in range(m)]) for m, n in ((rows, inner), (inner, 3)))
    Counted.operations = 0
    _ = left @ right
    # the first of each sum's terms is not added to anything
    assert kernels.gemm_flops(rows, inner, columns) == Counted.operations + rows * columns


def test_samples_are_the_pixels_that_a_gather_fills():
    problem = make_problem(SMALL)
    assert kernels.samples(problem) == np.isfinite(kernels.sliced(problem)).all(axis=-1).sum() == 4 * 3 * pixels(8)


def test_a_gather_in_tiles_reads_what_the_backend_reads():
    problem, computing = make_problem(SMALL), backend(1)
    in_own_frame = problem.frames[0].T @ problem.rotations
    read = computing.slices(computing.reference(problem.transform), problem.images[0], in_own_frame)
    sliced = kernels.pairs(np.asarray(read).swapaxes(0, 1))
    np.testing.assert_allclose(sliced, kernels.sliced(problem), atol=1e-4)


def test_samples_are_the_unit_weights_that_a_scatter_leaves():
    problem = make_problem(SMALL)
    found = np.zeros(problem.geometry.shape)
    kernels.insertion(problem, found)()
    # each sample is shared out over eight voxels by weights that add up to 1
    assert kernels.samples(problem) == pytest.approx(found[..., 2].sum(), rel=1e-5)


def test_particles_of_a_problem_are_seen_from_the_same_sides():
    problem = make_problem(SMALL)
    sides = [one.geometry @ frame.T for one, frame in zip(problem.images, problem.frames, strict=True)]
    np.testing.assert_allclose(sides[1], sides[0], atol=1e-12)


def test_operations_are_those_of_all_functions_in_all_pixels():
    problem = make_problem(SMALL)
    comparison = problem.comparison(backend(1))
    # an image of 3 tilts has at most as many functions as there are offsets, or pairs of numbers
    assert 3 <= functions_of(comparison) <= 3 * len(problem.offsets_px)
    counted = operations(comparison, pixels(8))
    assert counted == kernels.gemm_flops(1, 2 * pixels(8), functions_of(comparison))


def test_coarse_pose_pixels_are_all_poses_of_all_particles(run: Run):
    grid = OrientationGrid(1, 1, PointGroup.parse("C2"))
    # a step of 2 px in a range of 2 px: the middle and its six neighbours
    poses = len(grid.pixels) * 12 * 7
    expected = PARTICLES * poses * TILTS * pixels(run.iterations[0].coarse_size_px)
    assert run.work.coarse.asked == run.work.coarse.computed == expected


def test_fine_pose_pixels_are_the_children_of_significant_poses(run: Run):
    record, work = run.iterations[0], run.work.fine
    significant = record.significant_samples_mean * PARTICLES
    # an orientation has eight children, and so has an offset
    assert work.asked == pytest.approx(64 * significant * TILTS * pixels(record.current_size_px))
    assert work.asked <= work.computed


def test_back_projected_pose_pixels_are_among_those_of_the_fine_pass(run: Run):
    assert 0 < run.work.stored.asked <= min(run.work.fine.asked, run.work.stored.computed)


def test_time_in_the_backend_is_part_of_a_pass_and_passes_part_of_the_expectation(run: Run):
    passes = (run.work.coarse, run.work.fine, run.work.stored)
    assert all(0 < work.backend_seconds <= work.seconds for work in passes)
    assert sum(work.seconds for work in passes) <= run.seconds["expectation"]


def test_products_and_samples_are_counted_in_the_wide_search(run: Run):
    work, size_px = run.work.coarse, run.iterations[0].coarse_size_px
    assert 0 < work.scoring_seconds <= work.backend_seconds
    # two half sets of two tomograms are four batches, each of which reads all slices; 7 offsets are 7 functions at most
    orientations = len(OrientationGrid(1, 1, PointGroup.parse("C2")).pixels) * 12
    assert work.samples == 4 * orientations * TILTS * pixels(size_px)
    assert 0 < work.operations <= PARTICLES * orientations * kernels.gemm_flops(1, 2 * pixels(size_px), 7 * TILTS)


class FirstParticleOnly(Comparison):
    """Fills in the scores of one particle, by ten functions."""

    columns = (SimpleNamespace(mixing=np.ones((1, 4, 2))), SimpleNamespace(mixing=np.ones((2, 3, 2))))
    orientations_at_once = 256

    def fill_scores(self, rotations: np.ndarray, wanted: np.ndarray, scores: np.ndarray) -> None:
        scores[0] = len(rotations) * wanted.sum()


def test_only_scores_that_are_filled_in_are_counted():
    tally = Tally()
    counting = CountingComparison(FirstParticleOnly(), 5, 7, tally)
    counting.fill_scores(np.eye(3)[None].repeat(4, axis=0), np.ones((3, 4), bool), np.empty((3, 4, 2), np.float32))
    work = tally.take().coarse
    assert (work.computed, work.samples) == (4 * 2 * 5 * 7, 4 * 5 * 7)
    assert work.operations == kernels.gemm_flops(4, 2 * 7, 10)


def test_samples_are_counted_in_the_other_passes(run: Run):
    for work in (run.work.fine, run.work.stored):
        assert 0 < work.samples <= work.computed


def test_reading_slices_is_timed_in_every_pass(run: Run):
    for work in (run.work.coarse, run.work.fine, run.work.stored):
        assert 0 < work.gather_seconds < work.backend_seconds


def test_iterations_are_counted_apart(run: Run):
    assert len(run.passes) == len(run.iterations) == 1


def test_a_pass_within_another_is_not_counted_twice():
    tally = Tally()
    with tally.during("coarse"):
        with tally.during("fine"), tally.computing(6, 2):
            time.sleep(0.02)
        with tally.computing(5, 1):
            pass
    done = tally.take()
    assert done.coarse.seconds < 0.02 <= done.fine.seconds
    assert (done.coarse.asked, done.coarse.computed, done.coarse.samples) == (5, 5, 1)
    assert (done.fine.asked, done.fine.computed, done.fine.samples) == (0, 6, 2)
    assert tally.take() == Passes.none()


def test_shares_of_a_search_follow_from_what_was_counted():
    coarse = Work(10**9, 10**9, 4.0, samples=10**6, gather_seconds=0.2, scoring_seconds=2.0, operations=10**11)
    other = Work(10**9, 2 * 10**9, 1.0, samples=2 * 10**6, gather_seconds=0.4)
    found = searching.figures([searching.Search(Passes(coarse, other, other), 5.0, 2, 2e11)])
    named = {figure.name: figure for figure in found}
    # two threads, each of which did half of the work in half of the time
    assert named["products of the wide search"].value == pytest.approx(100)
    assert named["products of the wide search"].of_reference == pytest.approx(0.5)
    assert named["gather"].of_reference == pytest.approx(1.0 / (2 * 5.0))
    assert named["gather"].value == pytest.approx(5)
    assert named["pose-pixels compared"].value == pytest.approx(2 / 5.0)


def test_a_search_is_measured_with_products_beside_it(project: Path, simulated: SimulationSettings):
    search = searching.measured(project, simulated, OPTIONS, 1)
    assert 0 < search.flops < 2 * search.peak_flops
    assert 0 < search.gather_share < 1


def test_random_particles_are_compared_on_all_threads():
    measured = scoring.measured(ProblemSize(8, tilts=2, particles=3, orientations=300), 2, 2)
    found = {figure.name: figure for figure in scoring.figures(8, measured)}
    assert {figure.unit for figure in found.values()} == {"GFLOP/s", "G pose-pixels/s", "Msamples/s"}
    rate = found["box 8: products of the wide search"]
    assert rate.of_reference == pytest.approx(rate.value / found["box 8: plain products"].value, rel=0.5)


@pytest.fixture(scope="module")
def launched(project: Path, simulated: SimulationSettings) -> Launched:
    return launch(project, simulated, *OPTIONS)


@pytest.mark.slow
def test_a_whole_refinement_is_told_with_units(launched: Launched):
    measured = whole.Whole(PARTICLES, 32, [launched])
    found = {figure.name: figure for figure in whole.figures(measured)}
    assert all(figure.value > 0 for figure in found.values())
    assert {figure.unit for figure in found.values()} == {"s", "MB"}
    assert sum(found[phase].value for phase in whole.COMPUTING) < found["whole refinement"].value


@pytest.mark.slow
def test_memory_stays_within_the_plan_that_was_printed(launched: Launched):
    assert len(launched.planned_mb) == len(launched.iterations) == 1
    assert 100 < launched.peak_mb <= max(launched.planned_mb)
    assert launched.share_of_plan == launched.peak_mb / launched.planned_mb[0]
    # what is planned later does not excuse what was taken before
    too_late = Launched(1.0, launched.iterations * 2, [launched.peak_mb / 2, 2 * launched.peak_mb])
    assert too_late.share_of_plan == pytest.approx(2)


@pytest.mark.slow
def test_seconds_are_told_by_iteration(launched: Launched):
    measured = whole.Whole(PARTICLES, 32, [launched, launched])
    assert measured.seconds_of(0, "expectation") == launched.iterations[0].seconds["expectation"]
    assert "global" in laid_out(iterations_table(measured))
    assert json.loads(json.dumps(whole_record(measured)))["seconds"][0]["expectation"] > 0


@pytest.mark.slow
def test_two_ranks_are_set_against_one(project: Path, simulated: SimulationSettings, launched: Launched):
    both = launch(project, simulated, *OPTIONS, ranks=2)
    assert len(both.iterations[0].memory_mb) == 2
    found = {figure.name: figure.value for figure in shared_out.figures([shared_out.Pair(launched, both)])}
    alone, together = found["expectation step, 1 rank"], found["expectation step, 2 ranks"]
    assert found["expectation step, speed-up"] == pytest.approx(alone / together)


def test_a_refinement_that_fails_says_why(tmp_path: Path, simulated: SimulationSettings):
    with pytest.raises(RuntimeError, match=r"optimisation_set\.star"):
        launch(tmp_path, simulated)


def test_memory_plans_are_read_from_what_is_printed():
    told = " Memory of each rank: at most 0.50 GB (reference 0.10 GB)\n Maximization...\n"
    assert planned_mb(told * 2) == [512.0, 512.0]


def test_several_ranks_are_started_by_the_launcher():
    assert launching.command(1, ["--ctf"])[1:] == ["-m", "halfmap.engine", "--ctf"]
    assert launching.command(2, [])[1:3] == ["-n", "2"]


def test_a_pass_is_rated_by_the_poses_that_were_asked_for():
    seconds, rate = searching.pass_figures("fine pass", [Work(4_000_000, 8_000_000, 2.0, 1.0)])
    assert (seconds.value, seconds.unit, seconds.note) == (2.0, "thread-s", "50% of it in the backend")
    assert (rate.value, rate.unit, rate.note) == (2.0, "M pose-pixels/s", "50% of the computed poses were asked for")


def test_growth_is_told_as_an_exponent_or_by_step():
    points = [Point(size, 0.5 * size**2, 3 * size, 100.0, 10.0) for size in (2, 4, 8)]
    assert Growth("box", "px", points).slope("seconds") == pytest.approx(2)
    assert Growth("box", "px", points).slope("peak_mb") == pytest.approx(0)
    steps = [replace(point, size=order, seconds=8.0**order) for order, point in enumerate(points)]
    by_order = Growth("HEALPix order", "", steps, doubling=False)
    assert 2 ** by_order.slope("seconds") == pytest.approx(8)
    assert json.loads(json.dumps(growth_record(by_order)))["log2_of_factor_per_step"]["seconds"] == pytest.approx(3)
    assert "× 8.00" in laid_out(growth_table(by_order))
    assert "2.00" in laid_out(growth_table(Growth("box", "px", points)))


def test_one_step_is_measured(project: Path, simulated: SimulationSettings, run: Run):
    point = growth.measured(PARTICLES, project, simulated, OPTIONS)
    assert point.seconds > 0
    # another order of sums may add or drop a barely significant pose
    assert point.pose_pixels == pytest.approx(run.work.coarse.asked + run.work.fine.asked, rel=0.02)
    assert point.peak_mb >= point.above_start_mb >= 0


def test_medians_are_taken_of_each_quantity():
    points = [Point(2, 3.0, 7, 90.0, 20.0), Point(2, 1.0, 7, 100.0, 30.0), Point(2, 2.0, 7, 110.0, 10.0)]
    assert growth.median_point(points) == Point(2, 2.0, 7, 100.0, 20.0)


def test_what_grows_is_what_is_asked_for():
    assert growth.Step(4, box_px=48).simulated.box_px == 48
    assert growth.Step(4, healpix_order=3).options[-3:] == ("3", "--ini_high", "50")
    assert growth.Step(4, to_nyquist=True).options[-1] == "16"


def test_the_program_prints_and_writes_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(program, "QUICK", replace(QUICK, kernel_boxes=(8,), kernel_repetitions=1))
    monkeypatch.setattr(program, "apart", lambda function, *words: function(*words))
    file = tmp_path / "figures.json"
    program.main(["kernels", "--quick", "--json", str(file)])
    told, record = capsys.readouterr().out, json.loads(file.read_text())
    assert "\x1b" not in told
    assert all(figure["name"] in told and figure["value"] > 0 for figure in record["kernels"])
    assert {figure["unit"] for figure in record["kernels"]} == {"GFLOP/s", "GB/s", "Msamples/s"}
    assert [figure["of_reference"] is None for figure in record["kernels"]] == [True] * 2 + [False] * 4
    assert record["machine"]["cores"] > 0


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        program.main(["everything"])
    assert "unknown part: everything" in capsys.readouterr().err


def test_numbers_are_short():
    assert [number(value) for value in (0.01234, 12.34, 123.4, 12345678.0)] == ["0.0123", "12.3", "123", "12,345,678"]


def test_actions_are_timed_in_turn():
    found = seconds_in_turn({"short": lambda: None, "long": lambda: sum(range(2000))}, 2)
    assert len(found["short"]) == len(found["long"]) == 2
    assert 0 < max(found["short"]) < min(found["long"]) < 0.02


def test_cores_that_others_keep_busy_are_counted():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        busy = busy_cores(0.5)
        other.kill()
    assert 0.3 < busy < os.cpu_count() + 0.5


def test_ratios_are_those_of_the_same_moments():
    # everything takes ten times as long in the third moment
    assert median_ratio([2.0, 2.2, 20.0], [1.0, 1.0, 10.0]) == pytest.approx(2.0)


def test_memory_is_that_of_a_process_of_its_own():
    load_kernels()
    assert 0 < memory_now_mb() <= peak_memory_mb() * 1.01
    assert apart(os.getpid) != os.getpid()


def test_figures_are_laid_out_in_lines():
    table = figures_table("title", searching.pass_figures("coarse pass", [Work(10, 10, 1.0, 1.0)]))
    assert "coarse pass, rate of a thread" in laid_out(table)


def test_cards_are_measured_where_there_is_one_and_nothing_is_claimed_elsewhere():
    ran = subprocess.run([sys.executable, "-m", "tests.bench.card"], capture_output=True, text=True, check=False)
    if finds_a_card():
        assert "card, tf32" in ran.stdout
    else:
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "nothing to measure" in ran.stderr


def test_the_search_that_is_timed_compares_each_particle_with_all_orientations():
    problem, computing = make_problem(ProblemSize(8, tilts=2, particles=3, orientations=5)), backend(1)
    reference, found = computing.reference(problem.transform), card.searched(problem, computing)()
    for one, images, frame in zip(found, problem.images, problem.frames, strict=True):
        expected = computing.scores(reference, images, frame.T @ problem.rotations, problem.offsets_px @ frame)
        # phase factors are mixtures of few functions
        np.testing.assert_allclose(one, expected, atol=0.02 * np.abs(expected).max())
