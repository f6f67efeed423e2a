"""What the interface is measured with: a real daemon with 5,000 jobs, one that runs, one with maps, a log of 200 MB."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from halfmap.daemon.client import JobState
from halfmap.engine.simulation import simulate
from tests.bench import tui_program
from tests.bench.daemon import as_for_users, fill, until
from tests.faults.daemon.harness import TINY, Bench, new_bench
from tests.terminal.places import environ_for

LOG_MB = 200
_QUIET_S = 4.0
_PROJECTS = 24
_LINE = ' 000/??? sec ~~(,_,">          [oo] Expectation iteration {number:>9} of a log that somebody left behind\n'


@dataclass(frozen=True)
class World:
    """A daemon and its jobs.

    Attributes
    ----------
    finished
        A job that has ended, with maps of `iterations` iterations.
    iterations
        How many.
    log
        That job's ``run.out``, of 200 MB.
    """

    bench: Bench
    finished: int
    iterations: int
    log: Path

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment in which the interface finds the daemon."""
        return environ_for(self.bench.root / "home", **{
            name: value for name, value in self.bench.environ.items() if name.startswith("HALFMAP_")
        })  # fmt: skip

    @contextmanager
    def running_job(self) -> Iterator[int]:
        """Let a job run, three iterations on."""
        job = self._submitted(iterations=3, goes_on=True, state=JobState.RUNNING)
        try:
            until(lambda: (self.bench.row(job).iteration or 0) >= 3)
            yield job
        finally:
            self.bench.ask(lambda client: client.stop(job, "kill", f"stop {job}"))
            self.bench.ended(job)

    def _submitted(self, *, iterations: int, goes_on: bool, state: JobState) -> int:
        pace(self.bench, iterations, goes_on)
        job = self.bench.submit()
        self.bench.wait_for(job, state, seconds=60)
        return job


@contextmanager
def world(folder: Path, jobs: int, iterations: int = 12, log_mb: int = LOG_MB) -> Iterator[World]:
    """Make it, in a folder whose path is short."""
    bench = new_bench(folder / "b", simulate(TINY, folder / "simulated").root)
    program = bench.root / "program"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {tui_program.__file__} {bench.root}/pace.json "$@"\n')
    try:
        bench.start()
        projects = [bench.project, *(bench.root / f"project{number:02d}" for number in range(1, _PROJECTS))]
        for project in projects:
            project.mkdir(exist_ok=True)
            bench.ask(lambda client, project=project: client.watch(str(project), f"watch {project}"))
        pace(bench, iterations, False)
        first = bench.submit("first")
        ended = bench.ended(first, 60)
        assert ended.state is JobState.FINISHED, ended
        bench.kill()
        fill(bench, jobs, projects)
        as_for_users(bench)
        log = bench.project / bench.table("SELECT name FROM job WHERE job = 1")[0]["name"] / "run.out"
        write_log(log, log_mb)
        bench.start()
        _rest(bench)
        yield World(bench, first, iterations, log)
    finally:
        bench.end()


def _rest(bench: Bench) -> None:
    """Wait until nothing happens any more: the inputs of all jobs that wait are looked at first."""
    seen, since = -1, time.monotonic()
    while time.monotonic() < since + _QUIET_S:
        rev = bench.table("SELECT max(rev) AS rev FROM event")[0]["rev"]
        seen, since = rev, (since if rev == seen else time.monotonic())
        time.sleep(0.2)


def pace(bench: Bench, iterations: int, goes_on: bool) -> None:
    """Say how the next program works."""
    told = {"iterations": iterations, "goes_on": goes_on, "fifth_s": 1.0}
    bench.root.joinpath("pace.json").write_text(json.dumps(told))


def write_log(path: Path, megabytes: int) -> None:
    """Write a log of that size."""
    lines = 10_000
    block = "".join(_LINE.format(number=number) for number in range(lines)).encode()
    with path.open("wb") as file:
        while file.tell() < megabytes * 2**20:
            file.write(block)
