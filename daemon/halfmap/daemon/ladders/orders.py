"""What clients ask about ladders: checked, written into the ladder's files, and left to the driver to be climbed."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from halfmap.contract.ladder_edit import with_options
from halfmap.contract.ladder_file import NAME, BadLadder, Ladder, read_ladder
from halfmap.contract.ladder_steps import Known, Step, all_steps
from halfmap.daemon.acceptance import refused
from halfmap.daemon.ladder_records import LadderDetail, LadderDraft, LadderName, LadderOrder, LadderRow
from halfmap.daemon.ladders import folder
from halfmap.daemon.ladders.course import Standing
from halfmap.daemon.ladders.driver import Ladders, Outcome
from halfmap.daemon.ladders.mending import STOPPED, JobOrders, to_go_on, to_stop
from halfmap.daemon.ladders.view import detail, unreadable
from halfmap.daemon.lanes import Hung
from halfmap.daemon.parts import Parts
from halfmap.daemon.service import Refused, Service


class LadderOrders:
    """Answers clients about ladders.

    Parameters
    ----------
    parts, ladders
        What the daemon is made of, and who climbs.
    jobs
        What stops, holds, releases and resumes jobs.
    """

    def __init__(self, parts: Parts, ladders: Ladders, jobs: Service) -> None:
        self._parts, self._ladders, self._jobs = parts, ladders, jobs

    async def rows(self, project: str | None) -> list[LadderRow]:
        """List ladders, of one project or all."""
        rows = []
        for path in self._parts.store.projects():
            if project in (None, str(path)):
                with contextlib.suppress(Hung, OSError):
                    rows += [await self._row(path, name) for name in await self._names(path)]
        return rows

    async def _names(self, project: Path) -> list[str]:
        return await self._parts.in_project(project, folder.names, project)

    async def _row(self, project: Path, name: str) -> LadderRow:
        try:
            outcome, _ = await self._ladders.stand(project, name)
        except folder.NoLadder as error:
            return LadderRow(project=str(project), name=name, state="trouble", reason=str(error))
        return shown(project, name, outcome).row

    async def show(self, which: LadderName) -> LadderDetail:
        """Show a ladder."""
        project = self._watched(which)
        async with _in_words():
            outcome, _ = await self._ladders.stand(project, which.name)
        return shown(project, which.name, outcome)

    async def begin(self, draft: LadderDraft) -> LadderDetail:
        """Begin a ladder, or go on with the one of this name: what is queued stays, the rest follows the new text."""
        project = self._watched(draft)
        _read(draft.text)
        async with self._ladders.lock(project, draft.name), _in_words():
            await self._parts.in_project(project, folder.begin, project, draft.name, draft.text)
            return await self._go_on(project, draft.name)

    async def go_on(self, which: LadderName) -> LadderDetail:
        """Let a ladder go on that was stopped, or whose step has failed."""
        project = self._watched(which)
        async with self._ladders.lock(project, which.name), _in_words():
            return await self._go_on(project, which.name)

    async def stop(self, which: LadderName) -> LadderDetail:
        """Queue nothing more, stop what runs, and hold what waits."""
        project = self._watched(which)
        async with self._ladders.lock(project, which.name), _in_words():
            files = await self._parts.in_project(project, folder.read, project, which.name)
            notes = files.notes.with_stop(STOPPED)
            await self._parts.in_project(project, folder.write_notes, project, which.name, notes)
            await self._do(to_stop(self._ladders.sights(project, notes.jobs.values()).values()))
            outcome, _ = await self._ladders.stand(project, which.name)
        return shown(project, which.name, outcome)

    async def set_options(self, order: LadderOrder) -> LadderDetail:
        """Set options of a step that is not queued yet, in the ladder's file."""
        project = self._watched(order)
        async with self._ladders.lock(project, order.name), _in_words():
            files = await self._parts.in_project(project, folder.read, project, order.name)
            ladder = _read(files.text)
            step = _step_of(ladder, order.step)
            if note := files.notes.steps.get(order.step):
                raise refused("conflict", f"{order.step} is queued already, as {note.job}; its options stay.")
            text = with_options(files.text, step.binning, step.name, order.options)
            _read(text)
            await self._parts.in_project(project, folder.write_text, project, order.name, text)
            outcome, _ = await self._ladders.stand(project, order.name)
        return shown(project, order.name, outcome)

    # --- parts -----------------------------------------------------------------------------------------------------

    async def _go_on(self, project: Path, name: str) -> LadderDetail:
        outcome, _ = await self._ladders.stand(project, name)
        if outcome.standing is not None:
            await self._mend(project, name, outcome.standing)
        return shown(project, name, await self._ladders.climb(project, name))

    async def _mend(self, project: Path, name: str, standing: Standing) -> None:
        anew, jobs = to_go_on(standing)
        notes = standing.notes.with_stop("").without(anew)
        await self._do(jobs)
        await self._parts.in_project(project, folder.write_notes, project, name, notes)

    async def _do(self, orders: JobOrders) -> None:
        """Stop, hold, release and resume jobs; one that has changed meanwhile is no reason to leave the others out."""
        asked = [
            *(self._jobs.stop(job, "abort", f"{uuid.uuid4()}") for job in orders.stop),
            *(self._jobs.hold(job, f"{uuid.uuid4()}") for job in orders.hold),
            *(self._jobs.release(job, f"{uuid.uuid4()}") for job in orders.release),
            *(self._jobs.resume(job, f"{uuid.uuid4()}") for job in orders.resume),
        ]
        refusals = []
        for one in asked:
            try:
                await one
            except Refused as error:
                refusals.append(error)
        if refusals and len(refusals) == len(asked):
            raise refusals[0]

    def _watched(self, which: LadderName) -> Path:
        if not NAME.fullmatch(which.name):
            raise refused(
                "bad_request",
                f"{which.name!r} cannot be a ladder's name: letters, digits, '_', '-' and '.', at most 64, the first a "
                "letter or digit.",
            )
        project = Path(which.project)
        if project not in self._parts.store.projects():
            raise refused(
                "not_found", f"{which.project} is not a watched project; say `halfmap watch {project}` first."
            )
        return project


def shown(project: Path, name: str, outcome: Outcome) -> LadderDetail:
    """Show what a look has found."""
    if outcome.standing is None:
        return unreadable(str(project), name, outcome.rest.reason, outcome.text)
    return detail(str(project), name, outcome.standing, outcome.rest, outcome.text)


def _step_of(ladder: Ladder, which: str) -> Step:
    steps = [step for rung in all_steps(ladder, Known(None)) for step in rung]
    found = next((step for step in steps if step.identity == which), None)
    if found is None:
        raise refused("not_found", f"there is no step {which}; there are {', '.join(one.identity for one in steps)}.")
    return found


def _read(text: str) -> Ladder:
    try:
        return read_ladder(text)
    except BadLadder as error:
        raise refused("refused", "the ladder cannot be used:", *error.problems) from None


@asynccontextmanager
async def _in_words() -> AsyncIterator[None]:
    """Tell what is wrong with files as a refusal."""
    try:
        yield
    except folder.NoLadder as error:
        raise refused("not_found", str(error)) from None
    except (Hung, OSError) as error:
        raise refused("unavailable", str(error)) from None
