"""A real daemon, to be killed at will, and a ledger into which each program that is started writes itself."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from halfmap.daemon.client import Client, DaemonAway, JobRow, JobState, Launch, Submission, connect
from halfmap.daemon.nvml import write_fake
from halfmap.daemon.places import places
from halfmap.daemon.process import answers
from halfmap.engine.simulation import Project, SimulationSettings

TINY = SimulationSettings(
    particles=8,
    tomograms=1,
    box_px=16,
    pixel_size_angstrom=12.0,
    diameter_angstrom=160.0,
    tilt_range_deg=20.0,
    tilt_step_deg=20.0,
    reference_resolution_angstrom=50.0,
)
PROGRAM = """#!/bin/sh
# stands in for mpiexec: tells that it was started, works for a while, and ends as RELION's program does
echo "$HALFMAP_ATTEMPT $$" >> {ledger}
while [ $# -gt 0 ]; do [ "$1" = --pipeline_control ] && job=$2; shift; done
# locks that end with the last process of an attempt: nobody else may have its job or its card
exec 8>> "$job/.one" && flock -n 8 || echo "two attempts of $job at a time" >> {together}
[ -z "$CUDA_VISIBLE_DEVICES" ] || {{
  exec 9>> "{together}-$CUDA_VISIBLE_DEVICES" && flock -n 9 || echo "two on $CUDA_VISIBLE_DEVICES" >> {together}
}}
{trap}
n=0
while [ $n -lt {rounds} ]; do
  {obey}
  sleep 0.05
  n=$((n+1))
done
touch "$job/RELION_JOB_EXIT_SUCCESS"
"""
SETTINGS = """
launcher = ["{program}"]
[ticks]
reconcile_s = 1
polling_s = 1
follow_s = 0.2
cards_s = 0.5
[stop]
abort_s = 0.4
terminate_s = 0.4
kill_s = 2
"""
_Answer = TypeVar("_Answer")


@dataclass
class Bench:
    """One daemon with one project.

    Attributes
    ----------
    kills
        How often the daemon was found dead or killed.
    """

    root: Path
    cards: int = 0
    kills: int = 0
    process: subprocess.Popen | None = None
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HALFMAP_")},
            "HALFMAP_STATE_DIR": str(self.root / "state"),
            "HALFMAP_RUNTIME_DIR": str(self.root / "run"),
            "HALFMAP_CONFIG": str(self.root / "daemon.toml"),
        }
        if self.cards:
            write_fake(self.root / "cards.json", self.cards)
            self.environ["HALFMAP_NVML"] = str(self.root / "cards.json")
        self.program()

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    def program(self, rounds: int = 3, obeys: bool = True, trap: str = "") -> None:
        """Say how the program behaves from its next start on."""
        obey = '[ -e "$job/RELION_JOB_ABORT_NOW" ] && { touch "$job/RELION_JOB_EXIT_ABORTED"; exit 2; }'
        together = self.root / "together"
        text = PROGRAM.format(
            ledger=self.ledger, together=together, rounds=rounds, obey=obey if obeys else ":", trap=trap
        )
        path = self.root / "program"
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").chmod(0o755)
        path.with_suffix(".new").replace(path)
        if not (self.root / "daemon.toml").exists():
            (self.root / "daemon.toml").write_text(SETTINGS.format(program=path))

    def start(self, crash_at: str = "") -> None:
        """Start a daemon, and wait until it answers, or is dead."""
        self.launch(crash_at)
        while not self.is_dead() and not answers(places(self.environ)):
            time.sleep(0.01)

    def launch(self, crash_at: str = "") -> None:
        """Start a daemon, and do not wait for it."""
        environ = {**self.environ, **({"HALFMAP_CRASH_AT": crash_at} if crash_at else {})}
        with (self.root / "daemon.out").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "halfmap.daemon"],
                env=environ, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()
        self.kills += 1

    def is_dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def end(self) -> None:
        """Leave nothing behind, whatever the test found."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.kill()
        for line in self.starts():
            for pid in with_mark(line[0]):
                os.kill(pid, signal.SIGKILL)

    def ask(self, story: Callable[[Client], Awaitable[_Answer]]) -> _Answer:
        """Talk to the daemon; when it is found dead, start another and tell the same story again."""
        for _ in range(60):
            try:
                return asyncio.run(self._told(story))
            except (DaemonAway, OSError):
                if self.is_dead():
                    self.kills += 1
                    self.start()
                time.sleep(0.02)
        raise AssertionError(f"no answer: {(self.root / 'daemon.out').read_text()[-2000:]}")

    async def _told(self, story: Callable[[Client], Awaitable[_Answer]]) -> _Answer:
        async with connect(self.environ) as client:
            return await asyncio.wait_for(story(client), 30)

    def watch(self) -> None:
        self.ask(lambda client: client.watch(str(self.project), "watch"))

    def submit(self, key: str = "", alias: str | None = None, **launch: object) -> int:
        asked = self.submission(alias, **launch)
        key = key or f"{uuid.uuid4()}"
        return self.ask(lambda client: client.submit(asked, key)).job

    def submission(self, alias: str | None = None, **launch: object) -> Submission:
        options = {
            "in_optimisation": Project(self.project).relative(Project(self.project).optimisation_set_file),
            "fn_ref": Project(self.project).relative(Project(self.project).reference_file),
            "sym_name": "C6",
            "particle_diameter": "160",
            "nr_mpi": "2",
        }
        return Submission(project=str(self.project), options=options, alias=alias, launch=Launch.model_validate(launch))

    def row(self, job: int) -> JobRow:
        async def story(client: Client) -> JobRow:
            return (await client.job(job)).row

        return self.ask(story)

    def wait_for(self, job: int, *states: JobState, seconds: float = 20) -> JobRow:
        until = time.monotonic() + seconds
        while (row := self.row(job)).state not in states:
            assert time.monotonic() < until, f"{row}\n{self.log()}"
            time.sleep(0.03)
        return row

    def ended(self, job: int, seconds: float = 20) -> JobRow:
        ends = (JobState.FINISHED, JobState.FAILED, JobState.ABORTED, JobState.LOST)
        return self.wait_for(job, *ends, seconds=seconds)

    def log(self) -> str:
        path = self.root / "state/daemon.log"
        return path.read_text()[-3000:] if path.exists() else ""

    def starts(self) -> list[list[str]]:
        """Attempt and pid of each program that was ever started."""
        return [line.split() for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    def table(self, statement: str) -> list[sqlite3.Row]:
        """Read the store from outside."""
        connection = sqlite3.connect(f"{(self.root / 'state/store.sqlite').as_uri()}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def violations(self) -> list[str]:
        """What of the promises is broken, seen from outside."""
        found = []
        twice = [attempt for attempt, number in Counter(line[0] for line in self.starts()).items() if number > 1]
        found += [f"P1: attempt {attempt} was started more than once" for attempt in twice]
        together = self.root / "together"
        found += [f"P1, P5: {line}" for line in together.read_text().splitlines()] if together.exists() else []
        known = {row["uuid"] for row in self.table("SELECT uuid FROM attempt")}
        found += [
            f"P1: {line[0]} ran, and the store does not know it" for line in self.starts() if line[0] not in known
        ]
        found += self._of_jobs()
        for row in self.table("SELECT uuid, state FROM attempt WHERE state NOT IN ('starting', 'running', 'stopping')"):
            left = with_mark(row["uuid"])
            found += [f"P6: {left} of attempt {row['uuid']} ({row['state']}) are left"] if left else []
        leases = self.table("SELECT card FROM lease")
        found += [f"P5: leases {leases}"] if len({row[0] for row in leases}) != len(leases) else []
        revs = [row[0] for row in self.table("SELECT rev FROM event ORDER BY rev")]
        found += ["events do not grow"] if len(revs) != len(set(revs)) else []
        return found

    def _of_jobs(self) -> list[str]:
        found = []
        pipeline = (self.project / "default_pipeline.star").read_text()
        processes = pipeline.partition("data_pipeline_processes")[2].partition("data_")[0]
        ran = {line[0] for line in self.starts()}
        for job in self.table("SELECT job, name, state FROM job WHERE followed = 0"):
            if job["name"] and processes.count(f"{job['name']} ") != 1:
                found.append(f"P2: {job['name']} stands in the pipeline {processes.count(job['name'])} times")
            if job["state"] == "finished":
                uuids = [row[0] for row in self.table(f"SELECT uuid FROM attempt WHERE job = {job['job']}")]
                marker = self.project / job["name"] / "RELION_JOB_EXIT_SUCCESS"
                if not ran & set(uuids) or not marker.exists():
                    found.append(f"P4: {job['name']} is said to be finished and is not")
        names = [job["name"] for job in self.table("SELECT name FROM job WHERE name <> ''")]
        return found + (["P2: two jobs have one name"] if len(names) != len(set(names)) else [])


def with_mark(attempt: str) -> list[int]:
    """Processes that have an attempt's mark in their environment, and have not ended."""
    mark = f"HALFMAP_ATTEMPT={attempt}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def new_bench(root: Path, simulated: Path, cards: int = 0) -> Bench:
    """Make a bench with a copy of a project."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copytree(simulated, root / "project")
    return Bench(root, cards)


def identity_of(bench: Bench, name: str, number: int = 1) -> dict:
    """Read who an attempt's shim is."""
    return json.loads((bench.project / name / f"halfmap/attempt-{number:03d}/shim.json").read_text())
