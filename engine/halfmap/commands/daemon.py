"""``halfmap daemon start|stop|status|logs``: the process behind the queue."""

import argparse
import asyncio
import os
import signal
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import datetime

from halfmap.daemon import process
from halfmap.daemon.client import DaemonAway, connect
from halfmap.daemon.log import follow_log, for_people, read_log
from halfmap.daemon.places import places
from halfmap.daemon.records import DaemonStatus
from halfmap.daemon.single import holder, is_held

_END_S = 20.0
_LOOK_S = 0.1


def main(argv: Sequence[str]) -> int:
    """Run one of the verbs."""
    options = parser().parse_args(argv)
    verbs = {"start": _start, "stop": _stop, "status": _status, "logs": _logs}
    try:
        return verbs[options.verb](options)
    except process.CannotStart as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="halfmap daemon", description="The process that watches projects and runs jobs."
    )
    verbs = made.add_subparsers(dest="verb", required=True, metavar="start|stop|status|logs")
    start = verbs.add_parser("start", help="start it, away from this terminal")
    start.add_argument("--foreground", action="store_true", help="stay in this terminal, or under systemd")
    verbs.add_parser("stop", help="end it; running jobs go on, and the next daemon takes them up")
    status = verbs.add_parser("status", help="tell how it is; exit code 0 if it runs and is well")
    status.add_argument("--json", action="store_true", help="as JSON")
    logs = verbs.add_parser("logs", help="print the end of its log")
    logs.add_argument("--follow", "-f", action="store_true", help="go on printing")
    logs.add_argument("--lines", "-n", type=int, default=50, metavar="N", help="how many lines [50]")
    logs.add_argument("--json", action="store_true", help="lines as they are, JSON each")
    return made


def _start(options: argparse.Namespace) -> int:
    if options.foreground:
        process.main()
    where = places(os.environ)
    if process.answers(where):
        print(f"It runs already, pid {_pid()}.")
        return 0
    pid = process.start(os.environ)
    print(f"Started, pid {pid}; socket {where.socket}, log {where.log}.")
    return 0


def _pid() -> str:
    found = holder(places(os.environ).lock)
    return f"{found.process_id}" if found else "unknown"


def _stop(_options: argparse.Namespace) -> int:
    where = places(os.environ)
    if not is_held(where.lock):
        print("No daemon of yours runs.")
        return 0
    found = holder(where.lock)
    try:
        asyncio.run(_ask_to_end())
    except DaemonAway:
        # it holds the lock and does not answer; only its holder can be at this pid while the lock is held
        if found is not None:
            os.kill(found.process_id, signal.SIGTERM)
    until = time.monotonic() + _END_S
    while is_held(where.lock):
        if time.monotonic() > until:
            print(f"ERROR: it does not end; kill -9 {_pid()} does no harm to jobs.", file=sys.stderr)
            return 1
        time.sleep(_LOOK_S)
    print("Stopped. Running jobs go on; the next daemon takes them up.")
    return 0


async def _ask_to_end() -> None:
    async with connect(os.environ) as client:
        await client.shut_down(f"{uuid.uuid4()}")


def _status(options: argparse.Namespace) -> int:
    try:
        status = asyncio.run(_ask_for_status())
    except DaemonAway as error:
        print(f"{error}", file=sys.stderr)
        return 3
    print(status.model_dump_json() if options.json else _in_words(status))
    return 0 if status.mode == "ok" else 1


async def _ask_for_status() -> DaemonStatus:
    async with connect(os.environ) as client:
        return await client.status()


def _in_words(status: DaemonStatus) -> str:
    since = datetime.fromtimestamp(status.started).astimezone()
    jobs = ", ".join(f"{number} {state}" for state, number in sorted(status.jobs_by_state.items())) or "none"
    lines = [
        f"halfmap {status.version}, pid {status.process_id}, since {since:%Y-%m-%d %H:%M:%S}",
        f"{status.mode}{': ' + status.reason if status.reason else ''}",
        f"jobs: {jobs}",
        f"store: {status.state_dir}",
    ]
    return "\n".join(lines)


def _logs(options: argparse.Namespace) -> int:
    path = places(os.environ).log
    lines = follow_log(path, options.lines) if options.follow else read_log(path, options.lines)
    for line in lines:
        print(line if options.json else for_people(line), flush=True)
    return 0
