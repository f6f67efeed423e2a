"""Charts of RELION's recorded run, and of made-up ones whose answer is known."""

import math
from dataclasses import replace

import pytest

from halfmap.daemon.client import CardSample
from halfmap.tui.charts import accuracy, changes, fsc, resolution
from halfmap.tui.charts import time as times
from halfmap.tui.charts.all import CHARTS
from halfmap.tui.charts.arrange import draw_all
from halfmap.tui.charts.iterations import iteration_axis
from halfmap.tui.charts.plot import Plot, Series
from halfmap.tui.job.course import Course, Iteration


def named(plot: Plot, name: str) -> Series:
    return next(series for series in plot.series if series.name == name)


def course(*iterations: Iteration, **fields) -> Course:
    return Course("Refine3D/job001/", iterations, **fields)


# --- resolution ----------------------------------------------------------------------------------------------------


def test_the_recorded_resolution_is_drawn_in_the_run_at_0_143_and_joined(recorded):
    (plot,) = resolution.plots(recorded)
    assert named(plot, "in run").y == pytest.approx((29.16, 19.44, *[17.153] * 6), abs=1e-3)
    assert named(plot, "FSC 0.143").y[-1] == pytest.approx(16.2)
    joined = named(plot, "joined")
    assert (joined.x, joined.line, joined.role) == ((9.0,), "points", "final")
    assert plot.levels[0].name == "Nyquist 16.2 Å"
    assert plot.y.high < 16.2
    assert plot.notes == ("joined: 17.2 Å since iteration 3", "FSC 0.143 at 16.2 Å, which is Nyquist")


def test_the_note_at_the_cursor_tells_what_changed(recorded):
    (plot,) = resolution.plots(recorded, 2)
    assert plot.cursor_x == 2
    assert plot.notes[0] == "at 2: 19.4 Å, 9.72 Å finer than before"


def test_a_loss_of_resolution_is_called_coarser():
    (plot,) = resolution.plots(course(Iteration(1, 10.0), Iteration(2, 12.0)))
    assert plot.notes == ("12 Å, 2 Å coarser than before",)


def test_nyquist_far_away_does_not_press_the_curves_together():
    (plot,) = resolution.plots(course(Iteration(1, 40.0), Iteration(2, 30.0), box_px=128, pixel_size_angstrom=1.35))
    assert plot.y.high is None
    assert plot.levels[0].y == pytest.approx(2.7)


def test_other_jobs_lie_behind_with_letters(recorded, recorded_local):
    for name in ("resolution", "accuracy", "fsc", "changes"):
        first = CHARTS[name](recorded, None, (recorded_local,))[0].series[0]
        assert (first.role, first.name, first.glyph) == ("overlay", "job009", "A")


# --- accuracy ------------------------------------------------------------------------------------------------------


def test_recorded_steps_become_finer_until_they_are_below_three_quarters_of_the_accuracy(recorded):
    angles, offsets = accuracy.plots(recorded)
    step = named(angles, "step")
    assert step.line == "stairs"
    assert step.y == (7.5, 3.75, 3.75, 3.75, 1.875, 0.9375, 0.46875, 0.46875, 0.46875)
    assert named(angles, "accuracy").y[0] is None
    assert named(angles, "75 % of a").y[1] == pytest.approx(0.75 * 1.575)
    assert [(mark.x, mark.name) for mark in angles.marks] == [(5.0, "local searches")]
    assert angles.notes == ("fine enough: step 0.469° is below 75 % of 0.651°, no finer step is needed",)
    assert offsets.notes[0].startswith("step 0.711 Å is below 75 % of 0.956 Å")


def test_a_step_above_three_quarters_is_not_fine_enough(recorded):
    angles, _ = accuracy.plots(recorded, 4)
    assert angles.notes[0].startswith("at 4: not fine enough: step 3.75° is above 75 % of 0.753°")


def test_999_is_no_accuracy():
    angles, _ = accuracy.plots(course(Iteration(1, accuracy_rotation_deg=999.0, angular_step_deg=7.5)))
    assert [series.name for series in angles.series] == ["step"]
    assert angles.notes == ("step 7.5°; the accuracy has not been estimated yet",)


# --- FSC -----------------------------------------------------------------------------------------------------------


def test_shells_lie_at_their_distances_and_the_axis_ends_at_nyquist(recorded):
    (plot,) = fsc.plots(recorded)
    curve = named(plot, "9, joined")
    assert curve.x[0] == math.inf
    assert curve.x[17] == pytest.approx(36 * 8.1 / 17)
    assert (plot.x.low, plot.x.high) == (math.inf, 16.2)
    assert plot.notes[0] == "0.143 beyond 16.2 Å, 0.5 at 16.3 Å"
    assert [level.y for level in plot.levels] == [0.5, 0.143]


def test_at_most_six_older_curves_are_faded(recorded):
    (plot,) = fsc.plots(recorded)
    assert [series.role for series in plot.series].count("faded") == 6
    (early,) = fsc.plots(recorded, 3)
    assert [series.role for series in early.series] == ["faded", "faded", "final", "first"]


def test_crossings_are_linear_between_shells():
    curve = (1.0, 1.0, 0.9, 0.3, 0.1)
    assert fsc.crossing(curve, 0.5) == pytest.approx(2 + 0.4 / 0.6)
    one = course(Iteration(1, fsc=curve), box_px=10, pixel_size_angstrom=2.0)
    (plot,) = fsc.plots(one)
    # 20 Å over the shells 3.785 and 2.667
    assert plot.notes[0] == "0.143 at 5.28 Å, 0.5 at 7.5 Å"
    assert plot.marks[0].x == pytest.approx(20 / 3.785, abs=1e-3)


@pytest.mark.parametrize(
    ("curve", "shell"),
    [((1, 0.6, 0.2, 0.9, 0.1), 1.25), ((0, 1, 1), None), ((1, 0.1, 0.1), 1), ((1, 1, None, 0), 2), ((), None)],
)
def test_the_first_fall_below_counts(curve, shell):
    assert fsc.crossing(curve, 0.5) == shell


def test_zeros_beyond_the_images_of_an_iteration_are_no_correlation(recorded):
    second = recorded.at(2)
    assert second.current_size_px == 30
    assert second.fsc[16:] == (0, 0, 0)
    assert fsc.curve_of(second)[16:] == (None, None, None)
    (plot,) = fsc.plots(recorded, 2)
    assert plot.notes[0] == "0.143 beyond 19.4 Å, 0.5 beyond 19.4 Å"


def test_without_a_box_x_is_the_shell(recorded):
    (plot,) = fsc.plots(replace(recorded, box_px=None))
    assert plot.x.label == "shell"
    assert named(plot, "9, joined").x[3] == 3
    assert "the box is not known" in plot.notes[1]


def test_an_iteration_without_a_curve_is_told():
    (plot,) = fsc.plots(course(Iteration(3)))
    assert plot.empty == "iteration 3 has no curve"


# --- changes -------------------------------------------------------------------------------------------------------


def test_recorded_changes_pmax_and_likelihood_are_drawn_and_what_is_not_known_is_left_out(recorded):
    poses, pmax, likelihood = changes.plots(recorded)
    assert named(poses, "orientation °").y[0] == pytest.approx(15.426459)
    assert poses.notes == ("0.333° (0.71 steps), 0.943 Å (1.3 steps)",)
    assert (pmax.title, pmax.notes) == ("Average Pmax", ("0.333 (-0.011)",))
    # the first two are of another kind: an axis that held them would show nothing of the others
    assert 2.1e6 < likelihood.y.low < 2188682
    assert likelihood.series[0].y[1] < 0


def test_significant_samples_are_drawn_where_they_are_known():
    drawn = changes.plots(
        course(Iteration(1, significant_samples_mean=120.0), Iteration(2, significant_samples_mean=8.0))
    )
    assert [plot.title for plot in drawn] == ["Changes of poses", "Significant samples"]
    assert drawn[1].notes == ("8 (-112)",)


def test_999_is_no_change():
    poses = changes.plots(course(Iteration(1, changes_orientations_deg=999.0, changes_offsets_angstrom=1.0)))[0]
    assert named(poses, "orientation °").y == (None,)
    assert poses.notes == ("1 Å",)


# --- time ----------------------------------------------------------------------------------------------------------

BUSY = course(
    Iteration(
        1, seconds={"expectation": 60.0, "maximization": 20.0, "join": 15.0, "fsc": 5.0}, memory_mb=(1024.0, 2048.0)
    ),
    Iteration(2, seconds={"expectation": 90.0, "write": None}, memory_mb=(1024.0, None)),
)


def test_phases_are_stacked_the_highest_sum_first():
    plot = times.plots(BUSY)[0]
    assert [(series.name, series.y) for series in plot.series] == [
        ("the rest", (100.0, 90.0)),
        ("maximization", (80.0, 90.0)),
        ("expectation", (60.0, 90.0)),
    ]
    assert plot.y.label == "s"
    assert times.plots(BUSY, 1)[0].notes == ("at 1: 1:40 min; expectation 60 %, the rest 20 %, maximization 20 %",)


def test_long_iterations_are_told_in_minutes_or_hours():
    slow = course(Iteration(1, seconds={"expectation": 3 * 3600.0}))
    plot = times.plots(slow)[0]
    assert (plot.y.label, plot.series[0].y) == ("h", (3.0,))


def test_memory_of_each_rank_is_drawn():
    _, memory = times.plots(BUSY)
    assert named(memory, "rank 1").y == (2.0, None)
    many = course(Iteration(1, memory_mb=(1024.0, 3072.0, 2048.0, 2048.0)))
    assert {series.name: series.y for series in times.plots(many)[1].series} == {"least": (1.0,), "largest": (3.0,)}
    assert times.plots(many)[1].notes == ("at most 3.0 GB; 4 ranks together 8.0 GB",)


def test_relion_tells_no_times_and_that_is_said(recorded):
    (plot,) = times.plots(recorded)
    assert plot.empty == "this program does not tell how long its phases take"


def samples(*cards: str, number: int = 10) -> list[CardSample]:
    return [
        CardSample(
            time=1e6 + 60 * n, uuid=card, memory_used_mb=2048, power_w=100 + n, utilisation=None if n < 2 else 90
        )
        for n in range(number)
        for card in cards
    ]


def test_cards_are_drawn_over_time():
    _, _, power, memory, utilisation = times.plots(BUSY, samples=samples("GPU-1234567-x", "GPU-7654321-x"))
    assert [series.name for series in power.series] == ["123456", "765432"]
    assert (power.x.label, power.series[0].x[:3], power.series[0].y[:2]) == ("min", (0, 1, 2), (100, 101))
    assert set(memory.series[0].y) == {2.0}
    assert utilisation.series[0].y[:3] == (None, None, 90)
    assert power.notes == ("now 109 W, 109 W",)


def test_of_many_cards_four_are_drawn_and_of_many_samples_the_means():
    power = times.plots(course(), samples=samples(*(f"GPU-{n}" for n in range(6)), number=1000))[1]
    assert len(power.series) == 4
    assert power.notes[1] == "4 of 6 cards are drawn"
    assert len(power.series[0].x) <= 240
    assert power.series[0].y[0] == pytest.approx(102)


# --- all -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("size", [(0, 0), (1, 1), (36, 7), (150, 44)])
def test_every_chart_is_drawn_of_every_course(name, size, recorded):
    empty, unknown = course(), course(Iteration(1), Iteration(7))
    odd = course(Iteration(2, -1.0, math.inf, (math.nan, None, 2.0), 0.0, -3.0, 0.0, 0.0, log_likelihood=math.nan))
    for one in (
        empty,
        unknown,
        odd,
        recorded,
        replace(recorded, box_px=0),
        replace(recorded, pixel_size_angstrom=None),
    ):
        for cursor in (None, 1, 99):
            rows = draw_all(CHARTS[name](one, cursor, (recorded, empty)), *size, False)
            assert len(rows) == size[1]


def test_the_axis_of_iterations_stays_while_a_job_runs(recorded):
    running = replace(recorded, iterations=recorded.iterations[:6])
    assert (
        iteration_axis(running).high == iteration_axis(replace(recorded, iterations=recorded.iterations[:8])).high == 10
    )
    assert iteration_axis(recorded).high is None
    long = course(*(Iteration(n) for n in range(1, 44)))
    assert iteration_axis(long).high == 50
    assert iteration_axis(running, (long,)).high == 43
