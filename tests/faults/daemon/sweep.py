"""A daemon that dies at each of its effects, and what is seen from outside after the next one has gone on."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from halfmap.daemon import state
from halfmap.daemon.client import JobState
from halfmap.daemon.schema import MIGRATIONS
from tests.faults.daemon.harness import Bench

SOURCES = Path(state.__file__).parent
_CALL = re.compile(r'(?:crash_point|step)\(\s*(f?)"([^"]+)"')
_STOPS = ("abort", "terminate", "kill")
_AFTER_S = 5.0
_ENDS = ("running", "finished", "failed", "aborted")


def points() -> list[str]:
    """All places at which the daemon can be made to die, as its sources name them."""
    found: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        for formatted, name in _CALL.findall(path.read_text()):
            found |= _spelled_out(name) if formatted else {name}
    return sorted(found)


def _spelled_out(name: str) -> set[str]:
    if name.startswith("migrate."):
        return {re.sub(r"\{\w+\}", f"{number + 1}", name) for number in range(len(MIGRATIONS))}
    if name.startswith("stop."):
        return {f"stop.{step}" for step in _STOPS}
    assert name.startswith("attempt."), f"{name}: say in sweep.py what it stands for"
    return {f"attempt.{end}" for end in _ENDS}


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


SCENARIOS: dict[str, tuple[Callable[[Bench], JobState], JobState]] = {
    "attempt.failed": (fails, JobState.FAILED),
    "attempt.aborted": (stops, JobState.ABORTED),
    "stop.": (stops, JobState.ABORTED),
}


def scenario(point: str) -> tuple[Callable[[Bench], JobState], JobState]:
    """The story in which a place is passed, and how its job should end."""
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
    bench.start(crash_at=point)
    bench.watch()
    found = story(bench)
    _wait_for_its_death(bench)
    wrong = [] if found is wanted else [f"the job is {found}, not {wanted}"]
    wrong += [] if bench.kills else ["the daemon did not die there"]
    return wrong + bench.violations()
