"""Opening the database: safe settings, one version, and never a new one in place of one that cannot be read."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.schema import MIGRATIONS

_BUSY_S = 5.0


class StoreUnreadable(Exception):
    """The store is there and cannot be read; it is left as it is."""


class StoreUnavailable(Exception):
    """The store cannot be written now: a full disk, a read-only file system. Nothing of the change was made."""


def open_database(path: Path, migrations: tuple[str, ...] = MIGRATIONS) -> sqlite3.Connection:
    """Open the store, make it where there is none, and bring an older one up to date.

    Raises
    ------
    StoreUnreadable
        If it is damaged, no database, or of a later version.
    StoreUnavailable
        If it cannot be made or written.
    """
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.create_function("REGEXP", 2, _matches, deterministic=True)
        _set_up(connection)
        _check(connection, path)
        _migrate(connection, path, migrations)
    except sqlite3.OperationalError as error:
        if "malformed" in str(error) or "not a database" in str(error):
            raise StoreUnreadable(f"{path}: {error}") from None
        raise StoreUnavailable(f"{path}: {error}") from None
    except sqlite3.DatabaseError as error:
        raise StoreUnreadable(f"{path}: {error}") from None
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a store on a disk that takes nothing, so that it can at least be seen; writing to it is `StoreUnavailable`.

    Raises
    ------
    StoreUnreadable
        If it cannot be read, or there is none.
    """
    try:
        # immutable: no lock and no shared memory are made beside it, and nobody else can write there either
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.create_function("REGEXP", 2, _matches, deterministic=True)
        connection.execute("SELECT count(*) FROM job")
    except sqlite3.DatabaseError as error:
        raise StoreUnreadable(f"{path}: {error}") from None
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -4096")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreUnreadable(f"{path}: {found}")


def version_of(connection: sqlite3.Connection) -> int:
    """Read the version of the tables; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[str, ...]) -> None:
    version = version_of(connection)
    if version > len(migrations):
        raise StoreUnreadable(
            f"{path}: it was written by a later halfmap "
            f"(tables of version {version}, this one knows {len(migrations)}); "
            "start that version."
        )
    for number, step in enumerate(migrations[version:], start=version + 1):
        with writing(connection):
            crash_point(f"migrate.{number}.begun")
            for statement in _statements(step):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            crash_point(f"migrate.{number}.before_commit")
        crash_point(f"migrate.{number}.done")


def _statements(script: str) -> Iterator[str]:
    """Split a script; sqlite3's own executescript would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Make a change as a whole, on disk when the block ends; nothing of it if the block fails.

    Raises
    ------
    StoreUnavailable
        If the disk takes nothing.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        _roll_back(connection)
        raise StoreUnavailable(str(error)) from error
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _matches(pattern: str, text: str | None) -> bool:
    return _compiled(pattern).search(text or "") is not None


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
