"""The daemon's state as its metrics want it."""

from importlib.metadata import version

from halfmap.daemon.metrics import MetricsSnapshot, resident_bytes
from halfmap.daemon.parts import Parts


def snapshot(parts: Parts) -> MetricsSnapshot:
    """Count and measure, now."""
    connection, now = parts.store.connection, parts.clock.now()
    jobs = {row[0]: row[1] for row in connection.execute("SELECT state, count(*) FROM job GROUP BY state")}
    oldest = connection.execute("SELECT min(submitted) FROM job WHERE state = 'queued'").fetchone()[0]
    waits = connection.execute("SELECT count(*), sum(started - submitted) FROM job WHERE started > 0 AND followed = 0")
    count, seconds = waits.fetchone()
    states: dict[str, int] = {}
    for row in parts.cards.rows():
        states[row.state] = states.get(row.state, 0) + 1
    leases = {row["card"]: now - row["since"] for row in parts.store.leases()}
    restarts = connection.execute("SELECT count(*) FROM attempt WHERE number > 1").fetchone()[0]
    polled = sum(parts.watcher.mode(project).mode == "polling" for project in parts.store.projects())
    return MetricsSnapshot(
        version=version("halfmap"),
        started=parts.started,
        jobs=jobs,
        longest_wait_s=0.0 if oldest is None else now - oldest,
        waits_s=seconds or 0.0,
        waits=count,
        cards=states,
        lease_s=leases,
        stalls=parts.counters.stalls,
        restarts=restarts,
        reconcile_lag_s={str(project): now - when for project, when in parts.counters.reconciled.items()},
        polled=polled,
        overflows=parts.watcher.overflows,
        tick_s=parts.counters.schedule_seconds,
        store_bytes=sum(path.stat().st_size for path in parts.places.state.glob("store.sqlite*")),
        resident_bytes=resident_bytes(),
        rev=parts.store.rev(),
    )
