"""When silence is an alarm, and whom it names."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.contract.progress import RunStarted
from halfmap.daemon.activity import Activity, ActivityLog, ranks_of
from halfmap.daemon.cards import Card
from halfmap.daemon.following import Look
from halfmap.daemon.processes import ProcessSeen
from halfmap.daemon.settings import Stall as Limits
from halfmap.daemon.stall import in_words, judge_stall, threshold_s

LIMITS = Limits()
HALFMAP = RunStarted(version="0", argv=(), ranks=3, threads=1, host="h")
LOOK = Look(run=HALFMAP, newest_file="run_it017_optimiser.star", newest_iteration=17)
CARD = Card("GPU-1", 1, power_w=240.0, utilisation=97.0)


def rank(number: int | None, ticks: int, state: str = "R", pid: int = 4709, **more) -> ProcessSeen:
    values = {"session": 1, "parent": 1, "command": "python", "rss_mb": 1.0, "user": "me", "start_time": 7}
    return ProcessSeen(pid=pid + (number or 0), state=state, rank=number, cpu_ticks=ticks, **(values | more))


class Job:
    """A job that is looked at every two seconds of a made-up time."""

    def __init__(self, run: RunStarted | None = HALFMAP) -> None:
        self.log, self.now, self.sequence, self.look = ActivityLog(), 1000.0, 0, replace(LOOK, run=run)
        self.ticks = {0: 0, 1: 0, 2: 0}
        self.states = {0: "R", 1: "R", 2: "R"}
        self.cards = (CARD,)
        self.observe()

    def observe(self) -> Activity:
        ranks = [rank(number, ticks, self.states[number]) for number, ticks in self.ticks.items()]
        return self.log.observe(self.now, replace(self.look, sequence=self.sequence), ranks, self.cards)

    def go_on(self, seconds: float, busy=(0, 1, 2), step: float = 2.0) -> Activity:
        """Let time pass without progress, with some ranks at work."""
        until = self.now + seconds
        while self.now < until:
            passed = min(step, until - self.now)
            self.now += passed
            for number in set(busy) & self.ticks.keys():
                self.ticks[number] += int(passed * 90)
            activity = self.observe()
        return activity

    def progress(self, times: int = 10, every: float = 20.0) -> None:
        for _ in range(times):
            self.go_on(every - 2)
            self.sequence += 1
            self.go_on(2)

    def judge(self):
        return judge_stall(self.log.activity, LIMITS, self.now)


def test_a_stopped_rank_is_named_with_what_was_measured():
    job = Job()
    job.progress()
    job.states[2] = "T"
    job.cards = (replace(CARD, utilisation=100.0, power_w=62.0),)
    job.go_on(14 * 60, busy=(0, 1))
    assert job.judge().text == (
        "no progress for 14 min (usually every 20 s); rank 2 (pid 4711) is stopped (SIGSTOP); "
        "last file run_it017_optimiser.star; card 1 100 % busy at 62 W"
    )
    assert job.judge().ranks == (2,)
    assert job.judge().cards == ()


def test_a_rank_that_is_gone_is_named():
    job = Job()
    job.progress()
    del job.ticks[1]
    job.go_on(300)
    assert "rank 1 (pid 4710) is gone" in job.judge().text


def test_a_rank_that_waits_for_a_disk_is_named():
    job = Job()
    job.progress()
    job.states[0] = "D"
    job.go_on(300, busy=(1, 2))
    assert "rank 0 (pid 4709) has waited for a disk or file system for 5 min" in job.judge().text


def test_a_rank_that_reads_from_disk_and_works_is_not_blamed():
    job = Job()
    job.progress()
    job.states[0] = "D"
    job.go_on(300)
    assert job.judge().ranks == ()
    assert "ranks 0, 1 and 2 kept using CPU" in job.judge().text


def test_a_zombie_is_named():
    job = Job()
    job.progress()
    job.states[1] = "Z"
    job.go_on(300, busy=(0, 2))
    assert "rank 1 (pid 4710) has ended" in job.judge().text


def test_the_rank_that_does_nothing_while_others_wait_busily_is_named():
    job = Job()
    job.progress()
    job.go_on(300, busy=(0, 1))
    assert "rank 2 (pid 4711) has used no CPU for 5 min while ranks 0 and 1 did" in job.judge().text


def test_silence_of_all_is_told_as_such():
    job = Job()
    job.progress()
    job.go_on(300, busy=())
    assert "no CPU used for 5 min by ranks 0, 1 and 2" in job.judge().text


def test_a_card_that_is_busy_at_little_power_while_the_processors_idle_hangs():
    job = Job()
    job.progress()
    job.cards = (replace(CARD, utilisation=100.0, power_w=62.0),)
    job.go_on(300, busy=())
    found = job.judge()
    assert "card 1 100 % busy at 62 W, usually 240 W: a kernel hangs on it" in found.text
    assert found.cards == ("GPU-1",)


def test_a_card_that_draws_its_usual_power_does_not_hang():
    job = Job()
    job.progress()
    job.go_on(300, busy=())
    assert job.judge().cards == ()


def test_a_long_phase_in_which_events_arrive_is_no_stall():
    job = Job()
    for _ in range(200):
        job.progress(1, every=60)
        assert job.judge() is None


def test_a_job_that_has_shown_nothing_yet_gets_longer():
    job = Job()
    job.go_on(1799)
    assert job.judge() is None
    job.go_on(3)
    assert job.judge().text.startswith("no progress for 30 min since it was first seen")


def test_relions_next_iteration_may_be_longer_than_the_last():
    job = Job(run=None)
    job.look = replace(job.look, step_seconds=36_000.0)
    job.progress(every=600)
    assert threshold_s(job.log.activity, LIMITS) == 9000
    engine = Job()
    engine.look = replace(engine.look, step_seconds=36_000.0)
    engine.progress()
    assert threshold_s(engine.log.activity, LIMITS) == LIMITS.least_s


def test_a_time_in_which_a_rank_was_stopped_is_not_learned():
    job = Job()
    job.progress()
    job.states[2] = "T"
    job.go_on(3600, busy=(0, 1))
    job.states[2] = "R"
    job.progress(1)
    assert job.log.activity.longest_gap == pytest.approx(20)
    job.progress(1, every=100)
    assert job.log.activity.longest_gap == pytest.approx(100)


def test_a_time_without_observations_is_neither_silence_nor_learned():
    job = Job()
    job.progress()
    assert judge_stall(job.log.activity, LIMITS, job.now + 7200) is None
    job.now += 7200
    job.sequence += 1
    job.observe()
    assert job.judge() is None
    assert job.log.activity.longest_gap < 30


def test_growth_of_the_output_and_iteration_files_are_progress_too():
    for change in ({"output_bytes": 10}, {"newest_file": "run_it018_data.star"}, {"newest_time": 5.0}):
        job = Job()
        job.progress()
        job.go_on(170)
        job.look = replace(job.look, **change)
        job.go_on(20)
        assert job.judge() is None


def test_what_a_rank_starts_is_no_rank():
    guard = rank(0, 5, pid=5000, parent=4709)
    mpiexec = rank(None, 9999, pid=4000)
    assert [process.pid for process in ranks_of([mpiexec, guard, rank(1, 1), rank(0, 1)])] == [4709, 4710]
    assert ranks_of([rank(None, 3, pid=10), mpiexec]) == [mpiexec]
    assert ranks_of([]) == []


def test_a_job_whose_processes_are_elsewhere_is_judged_by_its_files():
    log = ActivityLog()
    for second in range(0, 100, 2):
        log.observe(second, replace(LOOK, sequence=second), (), ())
    for second in range(100, 400, 2):
        log.observe(second, replace(LOOK, sequence=98), (), ())
    found = judge_stall(log.activity, LIMITS, 400)
    assert found.text == "no progress for 5 min (usually every 2 s); last file run_it017_optimiser.star"


def test_durations_are_told_as_people_do():
    assert [in_words(seconds) for seconds in (0.2, 20, 89, 840, 5400, 9000)] == [
        "1 s", "20 s", "89 s", "14 min", "1.5 h", "2.5 h",
    ]  # fmt: skip


gaps = st.lists(st.floats(1, 300), min_size=3, max_size=12)


@given(learned=gaps, later=gaps, busy=st.sets(st.integers(0, 2)))
def test_no_alarm_while_signs_keep_arriving_within_the_learned_gap(learned, later, busy):
    job = Job()
    for gap in learned:
        job.go_on(gap, busy, step=25)
        job.sequence += 1
        job.observe()
    longest = max(learned)
    for gap in later:
        job.go_on(min(gap, longest), busy, step=25)
        assert job.judge() is None
        job.sequence += 1
        job.observe()


@given(learned=gaps, beyond=st.floats(0.1, 5000), busy=st.sets(st.integers(0, 2)), relion=st.booleans())
def test_silence_beyond_the_threshold_is_always_an_alarm(learned, beyond, busy, relion):
    job = Job(run=None if relion else HALFMAP)
    for gap in learned:
        job.go_on(gap, busy, step=25)
        job.sequence += 1
        job.observe()
    threshold = threshold_s(job.log.activity, LIMITS)
    # a thousandth less: the seconds of many looks are summed
    job.go_on(0.999 * threshold, busy, step=threshold / 3)
    assert job.judge() is None
    job.go_on(0.001 * threshold + beyond, busy, step=threshold)
    assert job.judge().silence_s == pytest.approx(threshold + beyond)
