"""Running a refinement through a daemon of the demonstration's own, on cards that are only pretended."""

import asyncio
import contextlib
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from halfmap.commands.demo.view import View
from halfmap.contract import job_directory
from halfmap.contract.progress import ProgressReader
from halfmap.daemon import process
from halfmap.daemon.client import Client, JobDetail, JobRow, Submission, connect
from halfmap.daemon.nvml import write_fake
from halfmap.daemon.places import places
from halfmap.daemon.single import is_held

_POLL_SECONDS = 0.2
_END_SECONDS = 20.0
_LAST_LINES = 15


@contextlib.contextmanager
def own_daemon(environ: Mapping[str, str], cards: int, launcher: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """Run a daemon beside any other of this user, with pretended cards; give the environment in which it is found.

    Parameters
    ----------
    environ
        The environment to begin with.
    cards
        Number of cards to pretend.
    launcher
        Words that start the ranks, instead of the usual ones.

    Raises
    ------
    halfmap.daemon.process.CannotStart
        If it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="halfmap-demo-"))
    write_fake(folder / "cards.json", cards)
    (folder / "daemon.toml").write_text(f"launcher = {json.dumps(launcher)}\n")
    own = {
        **environ,
        "HALFMAP_STATE_DIR": str(folder / "state"),
        "HALFMAP_RUNTIME_DIR": str(folder / "run"),
        "HALFMAP_CONFIG": str(folder / "daemon.toml"),
        "HALFMAP_NVML": str(folder / "cards.json"),
    }
    try:
        process.start(own)
        yield own
    finally:
        asyncio.run(_end(own))
        shutil.rmtree(folder, ignore_errors=True)


async def _end(environ: Mapping[str, str]) -> None:
    lock = places(environ).lock
    if not is_held(lock):
        return
    async with connect(environ) as client:
        await client.shut_down(_key())
    until = time.monotonic() + _END_SECONDS
    while is_held(lock) and time.monotonic() < until:
        await asyncio.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended, with the cards that it had."""

    row: JobRow
    cards: tuple[str, ...]


def run(environ: Mapping[str, str], submission: Submission, view: View) -> Ended:
    """Submit a job, show its progress until it ends, and tell how.

    Raises
    ------
    halfmap.daemon.client.Refused
        If the daemon does not take it.

    Notes
    -----
    Whatever interrupts this, the job is stopped before the exception goes on.
    """
    return asyncio.run(_run(environ, submission, view))


async def _run(environ: Mapping[str, str], submission: Submission, view: View) -> Ended:
    async with connect(environ) as client:
        await client.watch(submission.project, _key())
        row = await client.submit(submission, _key())
        reader = ProgressReader(job_directory.progress_file(Path(row.project, row.name, "run")))
        try:
            detail = await _follow(client, row.job, reader, view)
        except BaseException:
            await _stop(client, row.job)
            raise
    return Ended(detail.row, detail.attempts[0].cards if detail.attempts else ())


async def _follow(client: Client, job: int, reader: ProgressReader, view: View) -> JobDetail:
    while True:
        detail = await client.job(job)
        for event in reader.read_new():
            view.show(event)
        # held: it was refused before its start, and waits for a person who is not there
        if detail.row.state.has_ended or detail.row.state == "held":
            return detail
        await asyncio.sleep(_POLL_SECONDS)


async def _stop(client: Client, job: int) -> None:
    row = await client.stop(job, "abort", _key())
    while not row.state.has_ended:
        await asyncio.sleep(_POLL_SECONDS)
        row = (await client.job(job)).row


def _key() -> str:
    return f"{uuid.uuid4()}"


def last_words(job_folder: Path) -> str:
    """Return the end of a run's error output, from its last error message on; "" if it wrote none."""
    path = job_directory.standard_error_file(job_folder / "run")
    text = path.read_text(errors="replace") if path.exists() else ""
    start = max(text.rfind("ERROR:"), 0)
    return "\n".join(text[start:].strip().splitlines()[-_LAST_LINES:])
