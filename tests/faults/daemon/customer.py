"""Somebody who keeps asking while the daemon is killed: in the middle of a request, of a start, of its recovery."""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from halfmap.daemon.client import Client, DaemonAway, JobQuery, JobRow, JobState, Refused, connect
from tests.faults.daemon.harness import Bench, with_mark

_LONGEST_S = 0.3
_STARTING_S = 0.9
_KNOWN_S = 5.0
_PATIENCE_S = 120.0
_AT_ONCE = 4
"""So many jobs wait or run at a time: more only wait."""
_BATCH = 25
"""After so many kills the daemon is left alone, and looked at."""
_GRANDCHILD = "(setsid sleep 30 >/dev/null 2>&1 &)"
_BEHAVIOURS: tuple[dict[str, Any], ...] = (
    {"rounds": 3},
    {"rounds": 3, "trap": "exit 3"},
    {"rounds": 3, "trap": _GRANDCHILD},
    {"rounds": 400, "obeys": True},
    {"rounds": 400, "obeys": False},
    {"rounds": 400, "obeys": False, "trap": "trap '' TERM"},
)


class Customer(threading.Thread):
    """Submits, stops, holds, releases, resumes, each with a key, and repeats each request until it is answered.

    Attributes
    ----------
    accepted
        Number of each job by the key under which it was accepted.
    wrong
        Answers that no promise allows.
    """

    def __init__(self, bench: Bench, seed: int) -> None:
        super().__init__(daemon=True)
        self.accepted: dict[str, int] = {}
        self.wrong: list[str] = []
        self.answered = 0
        self._bench, self._choose = bench, random.Random(seed)
        self._over = threading.Event()

    def run(self) -> None:
        asyncio.run(self._keep_asking())

    def end(self) -> None:
        """Ask for nothing more, once the last request is answered."""
        self._over.set()
        self.join(_PATIENCE_S)
        if self.is_alive():
            self.wrong.append("P2: a request was not answered for two minutes")

    async def _keep_asking(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            await self._one(f"request {number}")
            self.answered += 1
            await asyncio.sleep(self._choose.uniform(0, 0.1))

    async def _one(self, key: str) -> None:
        rows = (await self._answer(lambda client: client.jobs(JobQuery(limit=20)))).jobs
        going_on = [row for row in rows if not row.state.has_ended]
        if len(going_on) < _AT_ONCE and self._choose.random() < 0.6:
            await self._submit(key)
        elif rows:
            # what runs for ever must be stopped by somebody
            await self._change(key, self._choose.choice(going_on if len(going_on) >= _AT_ONCE else rows))

    async def _submit(self, key: str) -> None:
        self._bench.program(**self._choose.choice(_BEHAVIOURS))
        cards, hold = self._choose.choice((0, 1, 1)), self._choose.random() < 0.1
        asked = self._bench.submission(cards=cards, hold=hold)
        row = await self._answer(lambda client: client.submit(asked, key))
        if row is None or row.job in self.accepted.values():
            self.wrong.append(f"P2: {key} was answered with {row}")
        else:
            self.accepted[key] = row.job

    async def _change(self, key: str, row: JobRow) -> None:
        choose, job = self._choose, row.job
        if row.state in (JobState.RUNNING, JobState.STARTING, JobState.STOPPING):
            mode = choose.choice(("abort", "abort", "terminate", "kill"))
            await self._answer(lambda client: client.stop(job, mode, key))
        elif row.state is JobState.HELD:
            await self._answer(lambda client: client.release(job, key))
        elif row.state.has_ended:
            await self._answer(lambda client: client.resume(job, key))
        elif choose.random() < 0.5:
            await self._answer(lambda client: client.prioritise(job, choose.randint(-2, 2), key))
        else:
            await self._answer(lambda client: client.hold(job, key))

    async def _answer(self, story: Callable[[Client], Awaitable[Any]]) -> Any:
        """Ask until there is an answer; a refusal is one, as the job may have changed meanwhile."""
        while True:
            try:
                async with connect(self._bench.environ) as client:
                    return await asyncio.wait_for(story(client), 20)
            except Refused as refused:
                if refused.refusal.code != "unavailable":
                    return None
            except (DaemonAway, OSError, TimeoutError):
                pass
            await asyncio.sleep(0.02)


def kill_under_requests(bench: Bench, kills: int, seed: int) -> list[str]:
    """Kill the daemon so often while somebody asks; let all end, and give what is wrong then."""
    choose = random.Random(seed)
    bench.start()
    bench.watch()
    customer = Customer(bench, seed)
    customer.start()
    wrong: list[str] = []
    for number in range(1, kills + 1):
        time.sleep(choose.uniform(0, _LONGEST_S))
        bench.kill()
        if choose.random() < 0.3:
            bench.launch()
            time.sleep(choose.uniform(0, _STARTING_S))
        else:
            bench.start()
        if number % _BATCH == 0:
            bench.kill()
            bench.start()
            wrong += all_known(bench)
    bench.kill()
    bench.start()
    wrong += all_known(bench)
    customer.end()
    return wrong + customer.wrong + _all_end(bench, customer) + bench.violations()


def all_known(bench: Bench) -> list[str]:
    """Within five seconds of a start each attempt is known to have ended, or its processes exist."""
    until = time.monotonic() + _KNOWN_S
    while True:
        live = [row[0] for row in bench.table("SELECT uuid FROM attempt WHERE state IN ('running', 'stopping')")]
        unknown = [uuid for uuid in live if not with_mark(uuid)]
        if not unknown:
            return []
        if time.monotonic() > until:
            return [f"P4: 5 s after a start {uuid} is said to be live, and has no process" for uuid in unknown]
        time.sleep(0.05)


def _all_end(bench: Bench, customer: Customer) -> list[str]:
    """Release what is held, stop what runs for ever, and tell which accepted jobs do not come to an end."""
    until = time.monotonic() + _PATIENCE_S
    bench.program(rounds=1)
    while time.monotonic() < until:
        rows = bench.ask(lambda client: client.jobs(JobQuery(limit=500))).jobs
        open_ones = [row for row in rows if not row.state.has_ended]
        if not open_ones:
            lost = set(customer.accepted.values()) - {row.job for row in rows}
            return [f"P2: job {job} was accepted and is lost" for job in lost]
        for row in open_ones:
            with contextlib.suppress(Refused):
                _bring_to_its_end(bench, row)
        time.sleep(0.2)
    return [f"P2: {row.name} does not come to an end: {row.state}, {row.reason}" for row in open_ones]


def _bring_to_its_end(bench: Bench, row: JobRow) -> None:
    if row.state is JobState.HELD:
        bench.ask(lambda client: client.release(row.job, f"at the end {row.job} {row.rev}"))
    elif row.state is JobState.RUNNING:
        bench.ask(lambda client: client.stop(row.job, "terminate", f"at the end {row.job} {row.rev}"))
