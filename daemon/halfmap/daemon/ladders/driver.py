"""Who climbs the ladders of all projects: queues what comes next whenever a job has ended or a file has changed.

Nothing of a ladder is in the store. Its file and its notes are read anew at each look, its steps are queued under keys
of their own, and noted afterwards: whatever is killed in between, the same step becomes the same job.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.ladder_file import BadLadder, Ladder, read_ladder
from halfmap.contract.ladder_steps import Step
from halfmap.daemon.acceptance import Acceptance
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.ladders import folder
from halfmap.daemon.ladders.course import Rest, Sight, Standing, Submit, decide
from halfmap.daemon.ladders.notes import Notes
from halfmap.daemon.ladders.submissions import submission_of
from halfmap.daemon.lanes import Hung
from halfmap.daemon.parts import Parts
from halfmap.daemon.service import Refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look at a ladder found: its file, where it stands (None if the file cannot be used), and what it does."""

    text: str
    standing: Standing | None
    rest: Rest


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look depended on: nothing new comes of another one while all of it is the same."""

    files: folder.Signature
    jobs: Mapping[str, Sight]


class Ladders:
    """Climbs ladders.

    Parameters
    ----------
    parts
        What the daemon is made of.
    acceptance
        Who takes jobs.
    """

    def __init__(self, parts: Parts, acceptance: Acceptance) -> None:
        self._parts = parts
        self._acceptance = acceptance
        self._locks: dict[tuple[Path, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seen: dict[tuple[Path, str], _Seen] = {}
        self._refused: dict[tuple[Path, str], str] = {}
        self._files_due = 0.0

    def lock(self, project: Path, name: str) -> asyncio.Lock:
        """Give the lock under which a ladder's files are changed: one step of a ladder at a time."""
        return self._locks[project, name]

    async def follow(self, files_s: float) -> None:
        """Look at ladders whose jobs have changed, and at all files now and then; then wait until something may have.

        Parameters
        ----------
        files_s
            How often the files are looked at (s): a person may have changed one, or brought a ladder along.
        """
        ring, now = self._parts.changed.next(), self._parts.clock.monotonic()
        if now >= self._files_due:
            self._files_due = now + files_s
            await self._look_everywhere()
        else:
            for (project, name), seen in [*self._seen.items()]:
                if self.sights(project, seen.jobs) != seen.jobs:
                    with contextlib.suppress(Hung, OSError):
                        await self.look(project, name)
        await ring.wait(max(0.0, self._files_due - self._parts.clock.monotonic()))

    async def _look_everywhere(self) -> None:
        for project in self._parts.store.projects():
            with contextlib.suppress(Hung, OSError):
                for name in await self._parts.in_project(project, folder.names, project):
                    await self.look(project, name)

    async def look(self, project: Path, name: str) -> None:
        """Queue what comes next of a ladder in which something has changed."""
        files = await self._parts.in_project(project, folder.signature, project, name)
        seen = self._seen.get((project, name))
        is_same = seen is not None and seen.files == files and self.sights(project, seen.jobs) == seen.jobs
        if not is_same and not self._parts.trouble:
            async with self.lock(project, name):
                with contextlib.suppress(folder.NoLadder):
                    await self.climb(project, name)

    async def climb(self, project: Path, name: str) -> Outcome:
        """Queue everything that can be queued now; the caller holds the ladder's lock.

        Raises
        ------
        NoLadder, Hung, OSError
            If its files cannot be read.
        """
        while True:
            outcome, next_step = await self.stand(project, name)
            if next_step is None or outcome.standing is None:
                self._remember(project, name, await self._signed(project, name), outcome)
                return outcome
            self._refused.pop((project, name), None)
            if problem := await self._queue(project, name, outcome.standing, next_step):
                # the same is tried again at the next look, whether or not the files have changed
                self._seen.pop((project, name), None)
                self._refused[project, name] = problem
                return Outcome(outcome.text, outcome.standing, Rest("trouble", problem))

    async def stand(self, project: Path, name: str) -> tuple[Outcome, Step | None]:
        """Find out where a ladder stands, and which step would be queued now; nothing is changed."""
        files = await self._parts.in_project(project, folder.read, project, name)
        try:
            ladder = read_ladder(files.text)
        except BadLadder as error:
            rest = Rest("trouble", f"{folder.folder_of(project, name) / folder.FILE}: {'; '.join(error.problems)}")
            return Outcome(files.text, None, rest), None
        standing = await self._standing(project, ladder, files.notes)
        decision = decide(standing)
        if isinstance(decision, Submit):
            problem = self._refused.get((project, name))
            rest = Rest("trouble", problem) if problem else Rest("running", f"{decision.step.identity} is to be queued")
            return Outcome(files.text, standing, rest), decision.step
        return Outcome(files.text, standing, decision), None

    async def _standing(self, project: Path, ladder: Ladder, notes: Notes) -> Standing:
        # jobs first: a refinement that has finished by then has left its results
        sights = self.sights(project, notes.jobs.values())
        known = await self._parts.in_project(project, folder.known_of, project, ladder, notes)
        return Standing(ladder, notes, known, sights)

    def sights(self, project: Path, jobs: Iterable[str]) -> dict[str, Sight]:
        """Look at jobs by their folders."""
        found = {}
        for name in jobs:
            job = self._parts.store.named(project, name)
            found[name] = Sight() if job is None else Sight(job.state, job.reason, job.job)
        return found

    async def _queue(self, project: Path, name: str, standing: Standing, step: Step) -> str:
        """Queue a step and note its job; tells why it could not be done."""
        submission = submission_of(str(project), standing.ladder, standing.notes, step)
        try:
            number = await self._acceptance.accept(submission, standing.notes.key(step.identity))
        except (Refused, StoreUnavailable) as error:
            return f"{step.identity} was not queued: {error}"
        crash_point("ladder.queued")
        job = self._parts.store.job(number)
        if job is None or not job.name:
            return f"{step.identity} has no folder yet{f': {job.reason}' if job else ''}"
        notes = standing.notes.queued(step, job.name)
        await self._parts.in_project(project, folder.write_notes, project, name, notes)
        crash_point("ladder.noted")
        return ""

    async def _signed(self, project: Path, name: str) -> folder.Signature:
        return await self._parts.in_project(project, folder.signature, project, name)

    def _remember(self, project: Path, name: str, files: folder.Signature, outcome: Outcome) -> None:
        jobs = dict(outcome.standing.sights) if outcome.standing else {}
        self._seen[project, name] = _Seen(files, jobs)
