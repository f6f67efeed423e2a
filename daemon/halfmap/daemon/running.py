"""A daemon's life inside of the event loop: open the store, begin, answer, end."""

import asyncio
import logging
import signal
import sqlite3
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from halfmap.daemon import service_unit
from halfmap.daemon.clock import SystemClock
from halfmap.daemon.daemon import Daemon, make_doers, make_parts
from halfmap.daemon.database import StoreUnavailable, StoreUnreadable, open_database, open_for_reading
from halfmap.daemon.log import start_logging
from halfmap.daemon.places import BadPlace, Places
from halfmap.daemon.recovery_desk import RecoveryDesk
from halfmap.daemon.server import serving
from halfmap.daemon.service import Service
from halfmap.daemon.settings import BadSettings, Settings
from halfmap.daemon.store import Store

_log = logging.getLogger(__name__)


async def run(where: Places, settings: Settings, environ: Mapping[str, str]) -> int:
    """Be the daemon until a signal or a client ends it; returns the exit status."""
    start_logging(where.log, environ)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    # a terminal that closes is no reason to end
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        connection, trouble = _opened(where.store)
    except StoreUnreadable as error:
        _log.error("%s", error)
        await _answer(where, RecoveryDesk(where, str(error), time.time(), ended.set), environ, ended)
        return 0
    store = Store(connection, SystemClock())
    try:
        parts = make_parts(where, settings, environ, store)
    except BadSettings as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    parts.trouble = trouble
    if not trouble:
        # a full disk, or one that can only be read, is found out by the first change, and by nothing before it
        parts.try_store()
    doers = make_doers(parts, ended.set)
    daemon = Daemon(parts, doers)
    await daemon.begin()
    try:
        await _answer(where, doers.desk, environ, ended)
    except BadPlace as error:
        _log.error("%s", error)
        return 1
    finally:
        await daemon.end()
        connection.close()
    return 0


def _opened(path: Path) -> tuple[sqlite3.Connection, str]:
    """Open the store, at least for reading; and why it cannot be written."""
    try:
        return open_database(path), ""
    except StoreUnavailable as error:
        return open_for_reading(path), f"the store cannot be written ({error}); restart the daemon when it can"


async def _answer(where: Places, service: Service, environ: Mapping[str, str], ended: asyncio.Event) -> None:
    async with serving(service, where):
        service_unit.notify("READY=1", environ)
        _log.info("ready: %s", where.socket)
        await ended.wait()
        service_unit.notify("STOPPING=1", environ)
    _log.info("ended")
