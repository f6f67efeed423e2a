"""What grows is kept within bounds: samples and old requests are forgotten, backups are made daily and thinned out."""

import datetime
import logging

from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.parts import Parts

_DAY_S = 86400.0
_BACKUPS = 7

_log = logging.getLogger(__name__)


def retain(parts: Parts) -> None:
    """Forget what is old, and write the day's copy of the store."""
    try:
        parts.written(lambda: parts.store.forget(parts.clock.now() - parts.settings.retention_days * _DAY_S))
        _back_up(parts)
    except (StoreUnavailable, OSError) as error:
        _log.warning("old samples and backups: %s", error)


def _back_up(parts: Parts) -> None:
    today = datetime.datetime.fromtimestamp(parts.clock.now(), datetime.UTC).date()
    copy = parts.places.state / f"backup-{today}.sqlite"
    if not copy.exists():
        parts.store.back_up(copy)
    for old in sorted(parts.places.state.glob("backup-*.sqlite"))[:-_BACKUPS]:
        old.unlink(missing_ok=True)
