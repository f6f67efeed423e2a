"""A daemon that dies at each of its effects, and what is seen from outside after the next one has gone on."""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

from halfmap.daemon import state
from halfmap.daemon.client import JobState
from halfmap.daemon.schema import MIGRATIONS
from tests.faults.daemon.harness import Bench, identity_of, with_mark
from tests.faults.daemon.ladder_bench import begin, climbed, with_relion

SOURCES = Path(state.__file__).parent
_CALL = re.compile(r'(?:crash_point|step)\(\s*(f?)"([^"]+)"')
_STOPS = ("abort", "terminate", "kill")
_AFTER_S = 5.0
_ATTEMPTS = ("running", "finished", "failed", "aborted", "lost", "not_started")
_AGAIN = ("start.", "note.", "lock.", "attempt.running", "end.written")
"""Places that are passed a second time when a job is stopped and goes on."""


def points() -> list[str]:
    """All places at which the daemon can be made to die, as its sources name them."""
    found: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        for formatted, name in _CALL.findall(path.read_text()):
            found |= _spelled_out(name) if formatted else {name}
    return sorted(found)


def second_passes() -> list[str]:
    """The same places, where they are passed again."""
    return [f"{point}#2" for point in points() if point.startswith(_AGAIN)]


def _spelled_out(name: str) -> set[str]:
    if name.startswith("migrate."):
        return {re.sub(r"\{\w+\}", f"{number + 1}", name) for number in range(len(MIGRATIONS))}
    if name.startswith("stop."):
        return {f"stop.{step}" for step in _STOPS}
    assert name.startswith("attempt."), f"{name}: say in sweep.py what it stands for"
    return {f"attempt.{end}" for end in _ATTEMPTS}


def finishes(bench: Bench) -> JobState:
    """A job that is submitted and ends by itself."""
    return bench.ended(bench.submit("the key", alias="mine")).state


def fails(bench: Bench) -> JobState:
    """A job whose program fails."""
    bench.program(trap="exit 3")
    return bench.ended(bench.submit("the key")).state


def stops(bench: Bench) -> JobState:
    """A job that has to be killed, and goes on afterwards."""
    bench.program(rounds=600, obeys=False, trap="trap '' TERM")
    job = bench.submit("the key")
    bench.wait_for(job, JobState.RUNNING)
    bench.ask(lambda client: client.stop(job, "abort", "the stop"))
    assert bench.ended(job).state is JobState.ABORTED
    bench.program()
    bench.ask(lambda client: client.resume(job, "the resume"))
    bench.wait_for(job, JobState.FINISHED)
    return JobState.ABORTED


def is_lost(bench: Bench) -> JobState:
    """A job whose processes vanish without a word, and that is resumed."""
    bench.program(rounds=600)
    job = bench.submit("the key")
    name = bench.wait_for(job, JobState.RUNNING).name
    while not bench.starts():
        time.sleep(0.02)
    for pid in {identity_of(bench, name)["process_id"], *with_mark(bench.starts()[0][0])}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert bench.ended(job).state is JobState.LOST
    bench.program()
    bench.ask(lambda client: client.resume(job, "the resume"))
    bench.wait_for(job, JobState.FINISHED)
    return JobState.LOST


def cannot_start(bench: Bench) -> JobState:
    """A job whose start cannot be recorded at first: it never runs, is queued again, and runs later."""
    in_the_way = bench.project / ".gui_auto3djob.star"
    in_the_way.mkdir()
    job = bench.submit("the key")
    until = time.monotonic() + _AFTER_S
    while "could not be started" not in bench.row(job).reason:
        assert time.monotonic() < until, bench.row(job)
        time.sleep(0.02)
    in_the_way.rmdir()
    return bench.ended(job).state


def climbs(bench: Bench) -> JobState:
    """A ladder of two rungs, whose jobs are made by the daemon itself."""
    begin(bench)
    climbed(bench)
    return JobState.FINISHED


SCENARIOS: dict[str, tuple[Callable[[Bench], JobState], JobState]] = {
    "attempt.failed": (fails, JobState.FAILED),
    "attempt.aborted": (stops, JobState.ABORTED),
    "attempt.lost": (is_lost, JobState.LOST),
    "attempt.not_started": (cannot_start, JobState.FINISHED),
    "stop.": (stops, JobState.ABORTED),
    "ladder.": (climbs, JobState.FINISHED),
}


def scenario(point: str) -> tuple[Callable[[Bench], JobState], JobState]:
    """The story in which a place is passed, and how its job should end."""
    if point.endswith("#2"):
        return stops, JobState.ABORTED
    return next((told for start, told in SCENARIOS.items() if point.startswith(start)), (finishes, JobState.FINISHED))


def _wait_for_its_death(bench: Bench) -> None:
    """What the daemon does after a job's end may be where it dies, a moment after the end was seen."""
    until = time.monotonic() + _AFTER_S
    while not bench.kills and time.monotonic() < until:
        if bench.is_dead():
            bench.kills += 1
            bench.start()
        time.sleep(0.02)


def swept(bench: Bench, point: str) -> list[str]:
    """Let the daemon die at a place, go on, and give what is wrong then."""
    story, wanted = scenario(point)
    if story is climbs:
        with_relion(bench)
    bench.start(crash_at=point)
    bench.watch()
    found = story(bench)
    _wait_for_its_death(bench)
    wrong = [] if found is wanted else [f"the job is {found}, not {wanted}"]
    wrong += [] if bench.kills else ["the daemon did not die there"]
    return wrong + bench.violations()
