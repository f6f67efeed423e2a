"""The figures of the interface are taken; what is promised itself is held in ``tests/terminal``."""

import tempfile
from pathlib import Path

import pytest

from tests.bench.tui import measured, told
from tests.bench.tui_measures import Figure, Sizes


@pytest.mark.slow
def test_figures_are_taken_of_a_list_of_jobs_and_of_one_that_has_ended():
    sizes = Sizes(starts=1, watched_s=0.3, keys=3)
    with tempfile.TemporaryDirectory(prefix="hm-") as folder:
        figures = list(measured(Path(folder), 400, sizes, ("start", "jobs", "job"), log_mb=2))
    names = [figure.name for figure in figures]
    for part in ("first paint", "jobs at rest", "filter", "←, →", "first page of a log of 2 MB", "memory"):
        assert any(part in name for name in names), part
    assert all(figure.value == 0 for figure in figures if figure.unit == "B/s")
    # five times what is promised, for a busy machine
    assert [figure for figure in figures if figure.bar and figure.value > 5 * figure.bar] == []


def test_a_figure_beyond_its_bar_is_told(capsys):
    kept = [told(Figure("key", value, "s", bar)).is_kept for value, bar in ((0.05, 0.1), (0.2, 0.1), (3.0, None))]
    assert kept == [True, False, True]
    lines = capsys.readouterr().out.splitlines()
    assert ["MISSED" in line for line in lines] == [False, True, False]
