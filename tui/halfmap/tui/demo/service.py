"""The daemon in memory, as the demonstration's stage uses it."""

from fnmatch import fnmatch

from halfmap.daemon.client import CardRow, JobDetail, JobRow, PathRow
from halfmap.daemon.fake import FakeService


class DemoService(FakeService):
    """A daemon in memory whose jobs and cards can be looked at without asking."""

    async def browse(self, project: str, text: str, pattern: str) -> list[PathRow]:
        """Complete a path within the folder that was typed so far."""
        rows = await super().browse(project, text, "")
        here = [row for row in rows if "/" not in row.path[len(text) :].rstrip("/")]
        return [row for row in here if row.is_folder or fnmatch(row.path.rpartition("/")[2], pattern or "*")]

    def row(self, job: int) -> JobRow:
        """Give a job's row."""
        return self._row(job)

    def detail(self, job: int) -> JobDetail:
        """Give all about a job."""
        return self._jobs[job]

    def rows(self) -> list[JobRow]:
        """Give the rows of all jobs."""
        return self._rows()

    def finished_iterations(self, job: int) -> int:
        """Count a job's finished iterations."""
        return len(self._iterations.get(job, ()))

    def card(self, uuid: str) -> CardRow:
        """Give a card."""
        return self._cards[uuid]

    def leased(self) -> list[CardRow]:
        """Give the cards that jobs have."""
        return [card for card in self._cards.values() if card.leased_to is not None]

    def free(self) -> list[CardRow]:
        """Give the cards that a job could have."""
        return [card for card in self._cards.values() if card.state == "free"]
