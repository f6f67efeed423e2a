"""Metrics are text that Prometheus reads."""

import re
import stat
from pathlib import Path

from halfmap.daemon.metrics import MetricsSnapshot, prometheus_text, resident_bytes, write_textfile

SNAPSHOT = MetricsSnapshot(
    version="0.1.0",
    started=1.5e9,
    jobs={"running": 2, "queued": 5},
    longest_wait_s=12.5,
    waits_s=100.25,
    waits=7,
    cards={"free": 1},
    lease_s={"GPU-1": 30.0},
    foreign_busy_s={"GPU-2": 4.0},
    stalls=1,
    restarts=2,
    reconcile_lag_s={"/data/p": 3.0},
    polled=1,
    overflows=4,
    tick_s=0.002,
    store_bytes=4096,
    resident_bytes=5000,
    rev=99,
)
_SAMPLE = re.compile(r'(?P<name>[a-z_]+)(?:\{(?P<label>[a-z]+)="(?P<text>(?:[^"\\\n]|\\[\\n"])*)"\})? (?P<value>\S+)')


def samples(text: str) -> dict[tuple[str, str], float]:
    """Read the text as strictly as a scraper does."""
    found, declared = {}, set()
    assert text.endswith("\n")
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in declared
            assert name.endswith("_total") == (kind == "counter")
            declared.add(name)
        elif not line.startswith("# HELP "):
            sample = _SAMPLE.fullmatch(line)
            assert sample, line
            assert sample["name"] in declared
            found[sample["name"], sample["text"] or ""] = float(sample["value"])
    return found


def test_everything_of_a_snapshot_is_told():
    assert samples(prometheus_text(SNAPSHOT)) == {
        ("halfmap_build_info", "0.1.0"): 1,
        ("halfmap_start_time_seconds", ""): 1.5e9,
        ("halfmap_jobs", "queued"): 5,
        ("halfmap_jobs", "running"): 2,
        ("halfmap_queue_longest_wait_seconds", ""): 12.5,
        ("halfmap_queue_wait_seconds_total", ""): 100.25,
        ("halfmap_starts_total", ""): 7,
        ("halfmap_restarts_total", ""): 2,
        ("halfmap_stalls_total", ""): 1,
        ("halfmap_cards", "free"): 1,
        ("halfmap_card_lease_seconds_total", "GPU-1"): 30,
        ("halfmap_card_foreign_busy_seconds_total", "GPU-2"): 4,
        ("halfmap_reconcile_lag_seconds", "/data/p"): 3,
        ("halfmap_projects_polled", ""): 1,
        ("halfmap_inotify_overflows_total", ""): 4,
        ("halfmap_scheduler_tick_seconds", ""): 0.002,
        ("halfmap_store_bytes", ""): 4096,
        ("halfmap_resident_memory_bytes", ""): 5000,
        ("halfmap_events_total", ""): 99,
    }


def test_a_daemon_without_cards_and_jobs_has_metrics_too():
    found = samples(prometheus_text(MetricsSnapshot(version="1", started=0.0)))
    assert found["halfmap_starts_total", ""] == 0
    assert not any(name == "halfmap_cards" for name, _ in found)


def test_odd_names_of_projects_cannot_break_a_line():
    name = 'a"b\\c\nd# TYPE\udcff'
    text = prometheus_text(MetricsSnapshot(version="1", started=0.0, reconcile_lag_s={name: 1.0}))
    assert ("halfmap_reconcile_lag_seconds", 'a\\"b\\\\c\\nd# TYPE\\\\udcff') in samples(text)
    text.encode("utf-8")


def test_numbers_that_are_none_are_written_as_prometheus_has_them():
    text = prometheus_text(MetricsSnapshot(version="1", started=float("nan"), tick_s=float("inf")))
    assert "halfmap_start_time_seconds NaN\n" in text
    assert "halfmap_scheduler_tick_seconds +Inf\n" in text


def test_the_textfile_is_written_whole_and_readable_by_its_collector(tmp_path: Path):
    path = tmp_path / "halfmap.prom"
    path.write_text("old")
    write_textfile(path, prometheus_text(SNAPSHOT))
    assert samples(path.read_text())["halfmap_events_total", ""] == 99
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["halfmap.prom"]


def test_the_memory_of_this_process_is_plausible():
    assert 5e6 < resident_bytes() < 1e11
