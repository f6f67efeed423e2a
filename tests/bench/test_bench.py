"""The benchmark measures what it says: its counts against independent arithmetic, its figures at the smallest sizes."""

import json
import os
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from rich.table import Table

from halfmap.engine.backend.kernels.gather import gather_slices
from halfmap.engine.backend.kernels.scatter import insert_slices
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.simulation import Project, SimulationSettings
from tests.bench import __main__ as program
from tests.bench import growth, kernels, whole
from tests.bench.counting import Work
from tests.bench.growth import Growth, Point
from tests.bench.measuring import apart, best_seconds, memory_now_mb, peak_memory_mb
from tests.bench.problem import load_kernels, make_problem
from tests.bench.project import Run, run_refinement
from tests.bench.report import figures_table, growth_record, growth_table, make_console, number
from tests.bench.sizes import QUICK

OPTIONS = "--ini_high 50 --healpix_order 1 --auto_local_healpix_order 8 --auto_iter_max 1".split()
PARTICLES, TILTS = 12, 5


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
    words = kernels.recorded_arguments(make_problem(8, 3, 4, 2))["gather_slices"]
    slices = np.full_like(words[5], np.nan)
    gather_slices(*words[:5], slices, words[6])
    assert kernels.samples(words[1], words[2]) == np.isfinite(slices).all(axis=-1).sum() == 4 * 3 * pixels(8)


def test_samples_are_the_unit_weights_that_a_scatter_leaves():
    sums, matrices, kx, ky, phases, totals, images, weights = kernels.recorded_arguments(make_problem(8, 3, 4, 2))[
        "insert_slices"
    ]
    found = np.zeros_like(sums)
    insert_slices(found, matrices, kx, ky, phases, np.ones_like(totals), images, np.ones_like(weights))
    # each sample is shared out over eight voxels by weights that add up to 1
    assert kernels.samples(matrices, kx) == pytest.approx(found[..., 2].sum(), rel=1e-5)


def test_recorded_arguments_are_those_of_a_whole_tile():
    words = kernels.recorded_arguments(make_problem(8, 3, 4, 2))["gather_slices"]
    assert words[5].shape == (4, 3, pixels(8), 2)


def test_coarse_pose_pixels_are_all_poses_of_all_particles(run: Run):
    grid = OrientationGrid(1, 1, PointGroup.parse("C2"))
    # a step of 2 px in a range of 2 px: the middle and its six neighbours
    poses = len(grid.pixels) * 12 * 7
    expected = PARTICLES * poses * TILTS * pixels(run.iterations[0].coarse_size_px)
    assert run.tally.coarse.asked == run.tally.coarse.computed == expected


def test_fine_pose_pixels_are_the_children_of_significant_poses(run: Run):
    record, work = run.iterations[0], run.tally.fine
    significant = record.significant_samples_mean * PARTICLES
    # an orientation has eight children, and so has an offset
    assert work.asked == pytest.approx(64 * significant * TILTS * pixels(record.current_size_px))
    assert work.asked <= work.computed


def test_back_projected_pose_pixels_are_among_those_of_the_fine_pass(run: Run):
    assert 0 < run.tally.stored.asked <= min(run.tally.fine.asked, run.tally.stored.computed)


def test_time_in_the_backend_is_part_of_a_pass_and_passes_part_of_the_expectation(run: Run):
    passes = (run.tally.coarse, run.tally.fine, run.tally.stored)
    assert all(0 < work.backend_seconds <= work.seconds for work in passes)
    assert sum(work.seconds for work in passes) <= run.seconds["expectation"]


def test_a_whole_refinement_is_told_with_units(project: Path, simulated: SimulationSettings):
    measured = whole.measured(project, simulated, OPTIONS)
    found = {figure.name: figure for figure in whole.figures(measured, PARTICLES)}
    assert all(figure.value > 0 for figure in found.values())
    assert {figure.unit for figure in found.values()} == {"s", "thread-s", "M pose-pixels/s", "MB"}
    assert sum(found[name].value for name in measured.phases) < found["whole refinement"].value
    both = (measured.coarse.asked + measured.fine.asked) / measured.phases["expectation"]
    assert found["pose-pixels compared in a second of expectation"].value == pytest.approx(both / 1e6)


def test_a_pass_is_rated_by_the_poses_that_were_asked_for():
    seconds, rate = whole.pass_figures("fine pass", Work(4_000_000, 8_000_000, 2.0, 1.0))
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
    point = growth.measured(PARTICLES, project, simulated, OPTIONS, 1)
    assert point.seconds > 0
    # another order of sums may add or drop a barely significant pose
    assert point.pose_pixels == pytest.approx(run.tally.coarse.asked + run.tally.fine.asked, rel=0.02)
    assert point.peak_mb >= point.above_start_mb >= 0


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
    assert [figure["of_reference"] is None for figure in record["kernels"]] == [True, True, False, False, False, False]
    assert record["machine"]["cores"] > 0


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        program.main(["everything"])
    assert "unknown part: everything" in capsys.readouterr().err


def test_numbers_are_short():
    assert [number(value) for value in (0.01234, 12.34, 123.4, 12345678.0)] == ["0.0123", "12.3", "123", "12,345,678"]


def test_actions_are_timed_in_turn():
    found = best_seconds({"short": lambda: None, "long": lambda: sum(range(2000))}, 2)
    assert 0 < found["short"] < found["long"] < 0.02


def test_memory_is_that_of_a_process_of_its_own():
    load_kernels()
    assert 0 < memory_now_mb() <= peak_memory_mb() * 1.01
    assert apart(os.getpid) != os.getpid()


def test_figures_are_laid_out_in_lines():
    table = figures_table("title", whole.pass_figures("coarse pass", Work(10, 10, 1.0, 1.0)))
    assert "coarse pass, rate of a thread" in laid_out(table)
