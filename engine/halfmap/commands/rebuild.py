"""``halfmap rebuild``: the daemon's store made again from the job folders."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from halfmap.daemon import process
from halfmap.daemon.clock import SystemClock
from halfmap.daemon.database import StoreUnavailable, StoreUnreadable, open_database, writing
from halfmap.daemon.places import Places, places
from halfmap.daemon.rebuild import find_jobs, write_job
from halfmap.daemon.single import AlreadyRuns, Lock
from halfmap.daemon.store import Store


def main(argv: Sequence[str]) -> int:
    """Read the folders of the projects named, and enter what the store does not have."""
    options = parser().parse_args(argv)
    where = places(os.environ)
    try:
        process.prepare(where)
        lock = Lock(where.lock, where.socket)
    except (process.CannotStart, AlreadyRuns) as error:
        print(f"ERROR: {error} Stop it first: halfmap daemon stop", file=sys.stderr)
        return 1
    try:
        return _rebuild(where, [project.resolve() for project in options.project])
    except (StoreUnavailable, StoreUnreadable) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    finally:
        lock.release()


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="halfmap rebuild",
        description="Make the daemon's store again from the job folders of projects. A store that cannot be read is "
        "put aside, never deleted. Jobs that were waiting are held until released.",
    )
    made.add_argument("project", nargs="+", type=Path, help="RELION project directories that were watched")
    return made


def _rebuild(where: Places, projects: Sequence[Path]) -> int:
    try:
        connection = open_database(where.store)
    except StoreUnreadable as error:
        print(f"{error}\nPut aside: {_put_aside(where)}")
        connection = open_database(where.store)
    store = Store(connection, SystemClock())
    for project in projects:
        if not project.is_dir():
            print(f"ERROR: {project} is not a directory; passed over.", file=sys.stderr)
            continue
        store.add_project(project, "")
        with writing(connection):
            names = [found.name for found in find_jobs(project) if write_job(connection, found)]
        print(f"{project}: {len(names)} jobs restored{': ' if names else ''}{', '.join(names)}")
    connection.close()
    return 0


def _put_aside(where: Places) -> Path:
    aside = where.store.with_name(f"store-unreadable-{datetime.now():%Y%m%d-%H%M%S}.sqlite")
    for ending in ("", "-wal", "-shm"):
        path = Path(f"{where.store}{ending}")
        if path.exists():
            path.rename(f"{aside}{ending}")
    return aside
