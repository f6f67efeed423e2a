"""Figures of the daemon with 5,000 jobs in its store: answers, starts, adoption, memory, and what it takes when idle.

``python -m tests.bench.daemon [--jobs N] [--quick]``; about two minutes. The store is as a year may leave it: two dozen
projects, jobs with their options, some hundred of them waiting. Three clients ask at once, at rest and during starts.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from halfmap.daemon.attempt_files import Spec, attempt_folder, read_identity, write_spec
from halfmap.daemon.client import AttemptState, Client, FormDraft, JobQuery, JobState, Launch, connect
from halfmap.daemon.clock import SystemClock
from halfmap.daemon.database import open_database, writing
from halfmap.daemon.launcher import OnThisMachine
from halfmap.daemon.store import Store
from halfmap.engine.simulation import simulate
from tests.faults.daemon.harness import TINY, Bench, new_bench

_STATES = ("finished", "finished", "finished", "failed", "aborted", "lost")
_PROJECTS = 24
_WAITING = 100
"""As many jobs are held, as many deferred, and as many want more cores than there are."""
_JOB = "Refine3D/job{number}/"

Figures = dict[str, tuple[float, float, str]]
"""By name: what was measured, its bar, its unit."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: requests of each client and kind, seconds of rest, starts, jobs adopted at once."""

    requests: int = 100
    idle_s: float = 20.0
    starts: int = 20
    adopted: int = 20


QUICK = Sizes(requests=15, idle_s=3.0, starts=4, adopted=4)


def main() -> int:
    """Measure, and print each figure beside its bar; exit code 1 if one is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.daemon", description=__doc__)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--quick", action="store_true", help="measure less: a quarter of a minute")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="halfmap-bench-") as folder:
        return _report(measured(Path(folder), options.jobs, QUICK if options.quick else Sizes()))


def measured(folder: Path, jobs: int, sizes: Sizes) -> Figures:
    """Measure a daemon of its own, whose files lie in a folder."""
    bench = new_bench(folder / "bench", simulate(TINY, folder / "simulated").root)
    try:
        return _measured(bench, jobs, sizes)
    finally:
        bench.end()


def _report(figures: Figures) -> int:
    missed = 0
    for name, (value, bar, unit) in figures.items():
        is_met = value <= bar
        missed += not is_met
        print(f"{name:<48} {value:9.2f} {unit:<4} (at most {bar:g}) {'' if is_met else 'MISSED'}")  # noqa: T201
    return 1 if missed else 0


def _measured(bench: Bench, jobs: int, sizes: Sizes) -> Figures:
    bench.start()
    projects = [bench.project, *(bench.root / f"project{number:02d}" for number in range(1, _PROJECTS))]
    for project in projects:
        project.mkdir(exist_ok=True)
        bench.ask(lambda client, project=project: client.watch(str(project), f"watch {project}"))
    bench.ended(bench.submit("first"))
    bench.kill()
    fill(bench, jobs, projects)
    as_for_users(bench)
    began = time.perf_counter()
    bench.start()
    figures: Figures = {"start, until it answers": (time.perf_counter() - began, 5.0, "s")}
    # the inputs of all jobs that wait are looked at first
    until(lambda: not bench.table("SELECT 1 FROM job WHERE reason = 'its inputs are being looked at'"))
    time.sleep(1)
    figures |= _answers(bench, sizes.requests)
    figures["idle: share of a core"] = (_idle_percent(bench, sizes.idle_s), 2.0, "%")
    figures |= _starts(bench, sizes.starts)
    figures[f"adoption of {sizes.adopted} running jobs"] = (_adoption(bench, sizes.adopted), 5.0, "s")
    figures["memory"] = (_memory_mb(bench), 80.0, "MB")
    figures["store"] = (sum(path.stat().st_size for path in (bench.root / "state").glob("store*")) / 2**20, 100.0, "MB")
    return figures


def as_for_users(bench: Bench) -> None:
    """Set nothing but the launcher; fault tests hurry."""
    bench.root.joinpath("daemon.toml").write_text(f'launcher = ["{bench.root}/program"]\n')


def until(happens: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, f"it did not happen within {seconds} s"
        time.sleep(0.05)


def fill(bench: Bench, jobs: int, projects: Sequence[Path]) -> None:
    """Enter jobs straight into the store: most have ended, a third of these are followed, some hundred wait."""
    store = Store(open_database(bench.root / "state/store.sqlite"), SystemClock())
    first = store.jobs_where("1")[0]
    texts = dict(first.options) | {"other_args": "--verb 1 " * 40}
    wide = dict(first.options) | {"nr_mpi": "2000"}
    later = time.time() + 86400
    rows = [
        (_STATES[number % 6], number % 3 == 0, projects[number % _PROJECTS], texts, None)
        for number in range(jobs - 3 * _WAITING)
    ]
    rows += [("held", False, projects[number % _PROJECTS], texts, None) for number in range(_WAITING)]
    rows += [("queued", False, projects[number % _PROJECTS], texts, later) for number in range(_WAITING)]
    rows += [("queued", False, projects[0], wide, None)] * _WAITING
    with writing(store.connection):
        for number, (state, followed, project, options, begin) in enumerate(rows):
            store.connection.execute(
                "INSERT INTO job (uuid, project, name, kind, followed, state, reason, submitted, begin_at, iteration, "
                "resolution, options, launch) "
                "VALUES (?, ?, ?, 'relion.refine3d.tomo', ?, ?, 'as it was', ?, ?, ?, ?, ?, ?)",
                (f"u{number}", str(project), _JOB.format(number=number + 1000), int(followed), state, float(number),
                 begin, number % 20, 4.0 + number % 7, json.dumps(options), Launch().model_dump_json()),
            )  # fmt: skip
            store.connection.execute("INSERT INTO event (time, kind, job) VALUES (0, 'bench', ?)", (number + 1,))
    store.connection.close()


_ASKED: dict[str, Callable[[Client], Awaitable[object]]] = {
    "status": lambda client: client.status(),
    "a page of 100 jobs": lambda client: client.jobs(JobQuery()),
    "a filtered page": lambda client: client.jobs(JobQuery(match="job1?4.*failed")),
    "one job": lambda client: client.job(77),
    "the files of a job": lambda client: client.files(1),
    "a form checked": lambda client: client.check_form(FormDraft(project="/p", options={"nr_mpi": "4"})),
}


def _answers(bench: Bench, requests: int) -> Figures:
    """Time of requests of three clients at once."""
    figures: Figures = {}
    for name, ask in _ASKED.items():
        seconds = asyncio.run(_three_clients(bench, ask, requests))
        figures[f"{name}, median"] = (statistics.median(seconds) * 1e3, 20.0, "ms")
        figures[f"{name}, 99th of 100"] = (_last_percent(seconds) * 1e3, 20.0, "ms")
    return figures


def _last_percent(seconds: list[float]) -> float:
    # none is slower than the slowest: few figures are not drawn out beyond them
    return statistics.quantiles(seconds, n=100, method="inclusive")[98]


async def _three_clients(bench: Bench, ask: Callable[[Client], Awaitable[object]], requests: int) -> list[float]:
    async def one() -> list[float]:
        seconds = []
        async with connect(bench.environ) as client:
            for _ in range(requests):
                began = time.perf_counter()
                await ask(client)
                seconds.append(time.perf_counter() - began)
                await asyncio.sleep(0.02)
        return seconds

    return [second for part in await asyncio.gather(one(), one(), one()) for second in part]


def _idle_percent(bench: Bench, seconds: float) -> float:
    before = _cpu_seconds(bench)
    time.sleep(seconds)
    return 100 * (_cpu_seconds(bench) - before) / seconds


def _cpu_seconds(bench: Bench) -> float:
    assert bench.process is not None
    fields = Path(f"/proc/{bench.process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(bench: Bench) -> float:
    assert bench.process is not None
    status = Path(f"/proc/{bench.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _starts(bench: Bench, number: int) -> Figures:
    """Time from a submission to its program, and that of other clients' requests meanwhile."""
    bench.program(rounds=40)
    with multiprocessing.get_context("spawn").Pool(1) as others:
        watched = others.apply_async(_requests_meanwhile, (bench.environ, 0.6 * number))
        seconds = [_one_start(bench) for _ in range(number)]
        meanwhile = watched.get()
    return {
        "submit to running, median": (statistics.median(seconds), 0.5, "s"),
        "submit to running, slowest": (max(seconds), 0.5, "s"),
        "requests during starts, median": (statistics.median(meanwhile) * 1e3, 20.0, "ms"),
        "requests during starts, 99th of 100": (_last_percent(meanwhile) * 1e3, 20.0, "ms"),
    }


def _one_start(bench: Bench) -> float:
    began = time.perf_counter()
    job = bench.submit()
    while bench.row(job).state in (JobState.PREPARING, JobState.QUEUED, JobState.STARTING):
        time.sleep(0.005)
    seconds = time.perf_counter() - began
    bench.ask(lambda client, job=job: client.stop(job, "kill", f"stop {job}"))
    bench.ended(job)
    return seconds


def _requests_meanwhile(environ: dict[str, str], seconds: float) -> list[float]:
    """In a process of its own: ask for this and that."""

    async def ask() -> list[float]:
        found = []
        async with connect(environ) as client:
            # the client loads what it connects with at its first request: its own time, and not the daemon's
            await client.status()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                for one in _ASKED.values():
                    began = time.perf_counter()
                    await one(client)
                    found.append(time.perf_counter() - began)
                    await asyncio.sleep(0.02)
        return found

    return asyncio.run(ask())


def _adoption(bench: Bench, number: int) -> float:
    """Time from the start of a daemon until it knows again all jobs that another left running."""
    bench.program(rounds=2000)
    as_for_users(bench)
    bench.kill()
    store = Store(open_database(bench.root / "state/store.sqlite"), SystemClock())
    jobs = {_left_running(bench, store, 9000 + count) for count in range(number)}
    store.connection.close()
    until(lambda: len(bench.starts()) >= number)
    began = time.perf_counter()
    bench.start()
    until(lambda: _taken_up(bench) >= jobs)
    seconds = time.perf_counter() - began
    for job in jobs:
        bench.ask(lambda client, job=job: client.stop(job, "kill", f"end {job}"))
    for job in jobs:
        bench.ended(job, seconds=60)
    return seconds


def _left_running(bench: Bench, store: Store, number: int) -> int:
    """Start an attempt as a daemon does that dies then; more of them than this machine has cores for."""
    first, name, uuid = store.jobs_where("1")[0], _JOB.format(number=number), f"attempt {number}"
    job = store.add_job(f"job {number}", bench.project, Launch(), first.options, f"key {number}", name=name)
    store.change_job(job, JobState.QUEUED)
    spec = Spec.model_validate_json(store.attempts(first.job)[0].spec).model_copy(
        update={"uuid": uuid, "job": job, "job_folder": name, "output_root": f"{name}run", "pipeline_control": name,
                "standard_output": f"{name}run.out", "standard_error": f"{name}run.err",
                "argv": (str(bench.root / "program"), "--pipeline_control", name)}
    )  # fmt: skip
    store.begin_attempt(job, uuid, spec.model_dump_json(), (), slurm=False)
    folder = attempt_folder(bench.project / name, 1)
    write_spec(folder, spec)
    shim = OnThisMachine().start(folder, spec).process_id
    until(lambda: read_identity(folder))
    store.change_attempt(uuid, AttemptState.RUNNING, JobState.RUNNING, started=time.time(), process_id=shim)
    return job


def _taken_up(bench: Bench) -> set[int]:
    """Jobs of which the daemon tells figures, which it has only after it has looked at their processes and files."""
    rows = bench.ask(lambda client: client.jobs(JobQuery(states=(JobState.RUNNING,), limit=500))).jobs
    return {row.job for row in rows if row.cores}


if __name__ == "__main__":
    sys.exit(main())
