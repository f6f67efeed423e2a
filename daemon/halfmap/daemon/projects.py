"""Watched projects brought up to date: others' jobs followed, dropped ones queued, ours as RELION should see them."""

import contextlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halfmap.daemon import inbox
from halfmap.daemon import project as relion_project
from halfmap.daemon.acceptance import Acceptance
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.ending import relion_status, settle_files
from halfmap.daemon.file_system import kind_of
from halfmap.daemon.followed import Followed
from halfmap.daemon.lanes import Hung
from halfmap.daemon.parts import Parts
from halfmap.daemon.records import ProjectRow, Submission
from halfmap.daemon.service import Refused
from halfmap.daemon.store import Job

_AGAIN_S = 0.6
_OWN = "project = ? AND followed = 0 AND name <> ''"
"""Jobs of a project that halfmap runs and that have a folder."""

_log = logging.getLogger(__name__)


@dataclass
class _Watched:
    """What is remembered of a project between two scans."""

    followed: Followed
    seen: dict[str, Any] = field(default_factory=dict)
    file_system: str = ""


class Projects:
    """All watched projects.

    Parameters
    ----------
    parts
        What the daemon is made of.
    acceptance
        Who takes what is dropped into an inbox.
    """

    def __init__(self, parts: Parts, acceptance: Acceptance) -> None:
        self._parts = parts
        self._acceptance = acceptance
        self._watched: dict[Path, _Watched] = {}

    async def begin(self, project: Path) -> None:
        """Watch a project, and bring it up to date."""
        self._watched[project] = _Watched(Followed(project), file_system=kind_of(project).name)
        await self.scan(project)

    async def end(self, project: Path) -> None:
        """Watch a project no more."""
        self._watched.pop(project, None)
        with contextlib.suppress(Hung):
            await self._parts.in_project(project, self._parts.watcher.forget, project)
        self._parts.lanes.forget(project)

    async def scan_all(self) -> None:
        """Bring all projects up to date."""
        for project in self._parts.store.projects():
            await self.scan(project)

    async def scan(self, project: Path) -> None:
        """Bring one project up to date; one that hangs or cannot be read is told, and the others go on."""
        watched = self._watched.get(project)
        if watched is None:
            return
        try:
            own = self._parts.store.names_where(_OWN, str(project))
            found = await self._parts.in_project(project, watched.followed.look, own)
            await self._inbox(project, watched)
            running = [job.folder for job in self._own(project) if job.state.is_active]
            await self._parts.in_project(project, self._parts.watcher.attend, project, running)
        except Hung as error:
            self._parts.project_trouble[project] = str(error)
            return
        except (OSError, relion_project.BadProject) as error:
            self._parts.project_trouble[project] = f"{project} cannot be read: {error}"
            return
        self._parts.project_trouble.pop(project, None)
        self._parts.counters.reconciled[project] = self._parts.clock.now()
        with contextlib.suppress(StoreUnavailable):
            if found:
                self._parts.written(lambda: self._parts.store.follow_jobs(project, found))
        await self._acceptance.prepare_all(project)
        await self._settle(project)

    async def _inbox(self, project: Path, watched: _Watched) -> None:
        look = await self._parts.in_project(project, inbox.waiting, project, watched.seen)
        watched.seen = dict(look.seen)
        for drop in look.ready:
            await self._take(project, drop)
        for bad in look.rejected:
            await self._parts.in_project(project, inbox.reject, bad, bad.reason)
        if look.seen:
            # a file is believed at its second look
            self._parts.loop.call_later(_AGAIN_S, self._parts.hints.add, project)

    async def _take(self, project: Path, drop: inbox.Drop) -> None:
        """Queue a dropped job.star; its key makes it one job however often this is repeated."""
        submission = Submission(project=str(project), kind=drop.kind, options=dict(drop.options))
        try:
            job = await self._acceptance.accept(submission, drop.key)
        except StoreUnavailable:
            return
        except Refused as error:
            if error.refusal.code != "unavailable":
                await self._parts.in_project(project, inbox.reject, drop, str(error))
            return
        row = self._parts.store.job(job)
        await self._parts.in_project(project, inbox.accept, drop, row.name if row else "")

    async def _settle(self, project: Path) -> None:
        """Bring rows of our jobs that RELION has otherwise to what they are; a crash may have come in between."""
        statuses = self._watched[project].followed.statuses
        for job in self._own(project):
            wanted = relion_status(job.state)
            if wanted and statuses.get(job.name, wanted) != wanted:
                with contextlib.suppress(Hung, OSError, relion_project.BadProject):
                    await self._parts.in_project(project, settle_files, job)

    def _own(self, project: Path) -> list[Job]:
        return self._parts.store.jobs_where(_OWN, str(project))

    async def scan_polled(self) -> None:
        """Bring those up to date of which no events come."""
        for project in self._parts.store.projects():
            if self._parts.watcher.mode(project).mode == "polling":
                await self.scan(project)

    def rows(self) -> list[ProjectRow]:
        """Tell about all projects."""
        return [self.row(project) for project in self._parts.store.projects()]

    def row(self, project: Path) -> ProjectRow:
        """Tell about one project."""
        watched = self._watched.get(project)
        watching = self._parts.watcher.mode(project)
        statement = "SELECT count(*) FROM job WHERE project = ?"
        return ProjectRow(
            project=str(project),
            file_system=watched.file_system if watched else "",
            watching=watching.mode,
            reason=watching.reason,
            trouble=self._parts.project_trouble.get(project, ""),
            jobs=self._parts.store.connection.execute(statement, (str(project),)).fetchone()[0],
        )
