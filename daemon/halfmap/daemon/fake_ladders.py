"""Ladders of binnings in a daemon in memory: they are decided as in the real one, and climbed when a client looks."""

from abc import abstractmethod
from typing import Any

from halfmap.contract.ladder_edit import with_options
from halfmap.contract.ladder_file import BadLadder, Ladder, read_ladder
from halfmap.contract.ladder_sampling import Reached
from halfmap.contract.ladder_steps import Known, all_steps, identity
from halfmap.daemon.fake_memory import FakeMemory, refuse
from halfmap.daemon.ladder_records import LadderDetail, LadderDraft, LadderName, LadderOrder, LadderRow
from halfmap.daemon.ladders.course import Rest, Sight, Standing, Submit, decide
from halfmap.daemon.ladders.mending import STOPPED, JobOrders, to_go_on, to_stop
from halfmap.daemon.ladders.notes import Notes
from halfmap.daemon.ladders.submissions import submission_of
from halfmap.daemon.ladders.view import detail
from halfmap.daemon.records import JobRow, Submission
from halfmap.daemon.state import JobState

_PIXEL_SIZE_ANGSTROM = 2.0


class FakeLadders(FakeMemory):
    """What the fake daemon does with ladders; their tilt series have pixels of 2 Å if the file says nothing."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        super().__init__(now)
        self._ladders: dict[tuple[str, str], tuple[str, Notes]] = {}

    @abstractmethod
    async def submit(self, submission: Submission, key: str) -> JobRow:
        """Queue a job."""

    async def ladders(self, project: str | None) -> list[LadderRow]:
        """List ladders."""
        self._check_here()
        return [(await self._climbed(*which)).row for which in [*self._ladders] if project in (None, which[0])]

    async def ladder(self, which: LadderName) -> LadderDetail:
        """Show a ladder."""
        self._check_here()
        self._known(which)
        return await self._climbed(which.project, which.name)

    async def begin_ladder(self, draft: LadderDraft, key: str) -> LadderDetail:  # noqa: ARG002 (twice is once)
        """Begin a ladder, or go on with it."""
        self._check_here()
        if draft.project not in self._projects:
            refuse("not_found", f"{draft.project} is not a watched project.")
        _read(draft.text)
        which = (draft.project, draft.name)
        _, notes = self._ladders.get(which, ("", Notes(uuid=f"{len(self._ladders)}")))
        self._ladders[which] = (draft.text, notes)
        return await self._gone_on(draft)

    async def stop_ladder(self, which: LadderName, key: str) -> LadderDetail:  # noqa: ARG002 (twice is once)
        """Stop a ladder."""
        self._check_here()
        text, notes = self._known(which)
        self._ladders[which.project, which.name] = (text, notes.with_stop(STOPPED))
        await self._do(to_stop(self._sights(which.project, notes).values()))
        return await self._climbed(which.project, which.name)

    async def continue_ladder(self, which: LadderName, key: str) -> LadderDetail:  # noqa: ARG002 (twice is once)
        """Let a ladder go on."""
        self._check_here()
        self._known(which)
        return await self._gone_on(which)

    async def set_ladder_options(self, order: LadderOrder, key: str) -> LadderDetail:  # noqa: ARG002 (twice is once)
        """Set options of a step to come."""
        self._check_here()
        text, notes = self._known(order)
        steps = {step.identity: step for rung in all_steps(_read(text), Known(None)) for step in rung}
        if order.step not in steps:
            refuse("not_found", f"there is no step {order.step}.")
        if order.step in notes.steps:
            refuse("conflict", f"{order.step} is queued already, as {notes.jobs[order.step]}; its options stay.")
        changed = with_options(text, steps[order.step].binning, steps[order.step].name, order.options)
        _read(changed)
        self._ladders[order.project, order.name] = (changed, notes)
        return await self._climbed(order.project, order.name)

    # --- parts -----------------------------------------------------------------------------------------------------

    async def _gone_on(self, which: LadderName) -> LadderDetail:
        text, _ = self._known(which)
        standing = self._standing(which.project, which.name)
        anew, jobs = to_go_on(standing)
        await self._do(jobs)
        self._ladders[which.project, which.name] = (text, standing.notes.with_stop("").without(anew))
        return await self._climbed(which.project, which.name)

    async def _climbed(self, project: str, name: str) -> LadderDetail:
        while True:
            standing, text = self._standing(project, name), self._ladders[project, name][0]
            decision = decide(standing)
            if isinstance(decision, Rest):
                return detail(project, name, standing, decision, text)
            await self._queue(project, name, standing, decision)

    async def _queue(self, project: str, name: str, standing: Standing, decision: Submit) -> None:
        notes, step = standing.notes, decision.step
        row = await self.submit(submission_of(project, standing.ladder, notes, step), notes.key(step.identity))
        self._ladders[project, name] = (self._ladders[project, name][0], notes.queued(step, row.name))

    def _standing(self, project: str, name: str) -> Standing:
        text, notes = self._ladders[project, name]
        ladder, sights = _read(text), self._sights(project, notes)
        reached = {}
        for binning in ladder.binnings:
            sight = sights.get(notes.jobs.get(identity(binning, "refine"), ""), Sight())
            row = self._row(sight.number) if sight.number and sight.state is JobState.FINISHED else None
            if row and row.resolution_angstrom:
                accuracy, step = row.accuracy_translation_angstrom, row.angular_step_deg
                reached[binning] = Reached(row.name, binning, row.resolution_angstrom, accuracy, step)
        return Standing(ladder, notes, Known(ladder.pixel_size or _PIXEL_SIZE_ANGSTROM, notes.jobs, reached), sights)

    def _sights(self, project: str, notes: Notes) -> dict[str, Sight]:
        rows = {row.name: row for row in self._rows() if row.project == project}
        found = {job: rows.get(job) for job in notes.jobs.values()}
        return {job: Sight(row.state, row.reason, row.job) if row else Sight() for job, row in found.items()}

    async def _do(self, orders: JobOrders) -> None:
        service: Any = self
        for job in orders.stop:
            await service.stop(job, "abort", f"ladder-{len(self._events)}")
        for what in ("hold", "release", "resume"):
            for job in getattr(orders, what):
                await getattr(service, what)(job, f"ladder-{what}-{len(self._events)}")

    def _known(self, which: LadderName) -> tuple[str, Notes]:
        if (which.project, which.name) not in self._ladders:
            refuse("not_found", f"{which.project} has no ladder {which.name}.")
        return self._ladders[which.project, which.name]

    @abstractmethod
    def _check_here(self) -> None: ...


def _read(text: str) -> Ladder:
    try:
        return read_ladder(text)
    except BadLadder as error:
        refuse("refused", "the ladder cannot be used:", *error.problems)
