"""Waiting for jobs to end, over restarts of the daemon."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from contextlib import aclosing

from halfmap.daemon.client import Client, DaemonAway, JobRow

_AGAIN_S = 0.5


async def wait_for_jobs(
    client: Client, jobs: Collection[int], timeout_s: float | None, ended: Callable[[JobRow], None] = lambda _: None
) -> dict[int, JobRow]:
    """Wait until jobs have ended, or the time is over.

    Parameters
    ----------
    timeout_s
        How long to wait (s); None for ever.
    ended
        Called with each job as it ends.

    Returns
    -------
    dict
        The last row of each job by its number.

    Raises
    ------
    DaemonAway
        If the daemon does not answer at the beginning; later it is waited for.
    """
    rows: dict[int, JobRow] = {}
    rev = (await client.status()).rev
    for job in jobs:
        rows[job] = (await client.job(job)).row
        if rows[job].state.has_ended:
            ended(rows[job])
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_follow(client, rows, rev, ended), timeout_s)
    return rows


async def _follow(client: Client, rows: dict[int, JobRow], rev: int, ended: Callable[[JobRow], None]) -> None:
    waiting = {job for job, row in rows.items() if not row.state.has_ended}
    if not waiting:
        return
    async with aclosing(client.events(rev, None, True)) as events:  # type: ignore[type-var]
        async for event in events:
            if event.job not in waiting:
                continue
            row = rows[event.job] = await _row(client, event.job)
            if row.state.has_ended:
                waiting.discard(event.job)
                ended(row)
            if not waiting:
                return


async def _row(client: Client, job: int) -> JobRow:
    while True:
        try:
            return (await client.job(job)).row
        except DaemonAway:
            await asyncio.sleep(_AGAIN_S)
