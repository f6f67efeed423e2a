"""The page of jobs that a screen shows: asked for when something changed, and the rows in sight more often."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from halfmap.daemon.client import DaemonStatus, JobPage, JobQuery, JobRow, Refused, Service

PAGE = 500
"""The most rows that are held at a time; the daemon has the others."""


@dataclass
class JobPages:
    """Asks for pages of jobs.

    Attributes
    ----------
    service
        The daemon.
    asked
        Which jobs are wanted.
    page
        What was told of them last; None before that.
    status
        How the daemon was then.
    """

    service: Service
    asked: JobQuery = field(default_factory=lambda: JobQuery(limit=PAGE))
    page: JobPage | None = None
    status: DaemonStatus | None = None
    _good: JobQuery | None = None

    def want(self, **changes: object) -> None:
        """Want other jobs, from the first on unless an offset is given."""
        self.asked = self.asked.model_copy(update={"offset": 0, **changes})

    async def take(self) -> str:
        """Ask for the page; if the filter is no good, keep the old one and tell why.

        Raises
        ------
        halfmap.daemon.client.DaemonAway
            If the daemon does not answer.
        """
        asked = self.asked
        try:
            page = await self.service.jobs(asked)
            if asked.offset and not page.jobs:
                # there have come to be fewer
                asked = asked.model_copy(update={"offset": max(0, page.total - 1) // PAGE * PAGE})
                page = await self.service.jobs(asked)
            self.status = await self.service.status()
        except Refused as error:
            self.asked = self._good or self.asked.model_copy(update={"match": ""})
            return f"{error}"
        self.asked = self._good = asked
        self.page = page
        return ""

    async def take_in_sight(self, sight: range) -> bool:
        """Ask only for the rows in sight, for figures that pass too quickly for events.

        Returns
        -------
        bool
            False if other jobs have come to stand there: then the page has to be asked for.

        Raises
        ------
        halfmap.daemon.client.DaemonAway
            If the daemon does not answer.
        """
        if self.page is None or not sight:
            return False
        window = self.asked.model_copy(update={"offset": self.asked.offset + sight.start, "limit": len(sight)})
        try:
            told = await self.service.jobs(window)
        except Refused:
            return False
        shown = self.page.jobs
        if told.total != self.page.total or not _are_same(shown[sight.start : sight.stop], told.jobs):
            return False
        rows = (*shown[: sight.start], *told.jobs, *shown[sight.stop :])
        self.page = self.page.model_copy(update={"jobs": rows})
        return True


def _are_same(old: Sequence[JobRow], new: Sequence[JobRow]) -> bool:
    return [row.job for row in old] == [row.job for row in new]


def last_page(total: int) -> int:
    """Give where the last page begins."""
    return max(0, total - 1) // PAGE * PAGE
