"""What happens while the demonstration is looked at: jobs start, go on and end, also those that a person submits."""

from collections.abc import Mapping
from pathlib import Path

from halfmap.daemon.client import CardRow, JobRow, JobState
from halfmap.tui.demo.machine import IN_USE, add_sample, free_the_colleagues_card, let_rest, put_to_work
from halfmap.tui.demo.past import command, resources
from halfmap.tui.demo.recording import RecordedJob
from halfmap.tui.demo.replay import STEP_S, Replay
from halfmap.tui.demo.service import DemoService

_WAITS_STEPS = 2
_COLLEAGUE_ENDS_AFTER = 90
_SAMPLE_EVERY = 10
_NO_CARD = "needs 1 card, 0 free"


class Stage:
    """Lets things happen, a step at a time.

    Parameters
    ----------
    service
        The daemon in memory.
    project
        The project whose jobs are played.
    recorded
        What new jobs play.
    replays
        What is played already, by job.
    """

    def __init__(
        self, service: DemoService, project: Path, recorded: RecordedJob, replays: Mapping[int, Replay]
    ) -> None:
        self._service = service
        self._project = f"{project}"
        self._recorded = recorded
        self._replays = dict(replays)
        self._steps = 0
        self._queued_at: dict[int, int] = {}

    def step(self) -> None:
        """Let a second pass."""
        self._steps += 1
        self._service.advance(STEP_S)
        for job in [*self._replays]:
            self._go_on(job)
        for row in self._service.rows():
            self._stop_or_start(row)
        if self._steps == _COLLEAGUE_ENDS_AFTER:
            free_the_colleagues_card(self._service)
        if self._steps % _SAMPLE_EVERY == 0:
            add_sample(self._service, self._service.leased(), self._steps)
        self._tell_use()

    def _go_on(self, job: int) -> None:
        """Let a job that runs do a step, unless it was stopped or taken away meanwhile."""
        row = self._service.row(job)
        if not row.state.is_active:
            del self._replays[job]
            return
        goes_on = row.state is JobState.RUNNING or "after iteration" in row.reason
        if goes_on and not self._replays[job].step():
            self._end(row, JobState.FINISHED, "")

    def _end(self, row: JobRow, state: JobState, reason: str) -> None:
        self._service.progress(row.job, phase="", fraction=None, ends_about=None)
        self._service.finish(row.job, state, reason)
        for uuid in row.cards:
            let_rest(self._service, self._service.card(uuid))
        self._replays.pop(row.job, None)

    def _stop_or_start(self, row: JobRow) -> None:
        if row.state is JobState.STOPPING and self._may_stop(row):
            self._end(row, JobState.ABORTED, "stopped on request")
        elif row.state is JobState.QUEUED and not row.followed and row.project == self._project:
            since = self._queued_at.setdefault(row.job, self._steps)
            if self._steps - since >= _WAITS_STEPS:
                self._start_if_it_can(row)
        else:
            self._queued_at.pop(row.job, None)

    def _may_stop(self, row: JobRow) -> bool:
        replay = self._replays.get(row.job)
        return replay is None or "after iteration" not in row.reason or replay.is_between_iterations

    def _start_if_it_can(self, row: JobRow) -> None:
        wants_card = self._service.detail(row.job).options.get("use_gpu") == "Yes"
        free = self._service.free() if wants_card else []
        if wants_card and not free:
            reason = row.reason or (IN_USE if self._steps < _COLLEAGUE_ENDS_AFTER else _NO_CARD)
            if row.reason != reason:
                self._service.progress(row.job, reason=reason)
            return
        self._start(row, free[:1])

    def _start(self, row: JobRow, cards: list[CardRow]) -> None:
        done = self._service.finished_iterations(row.job)
        uuids = tuple(card.uuid for card in cards)
        for card in cards:
            put_to_work(self._service, card)
        started = self._service.start(row.job, uuids, command(self._recorded, row.name), **resources(self._recorded))
        self._replays[row.job] = Replay(self._service, started, self._recorded, done)

    def _tell_use(self) -> None:
        """Tell how much of the machine running jobs have."""
        active = [row for row in self._service.rows() if row.state.is_active and not row.followed]
        self._service.machine = self._service.machine.model_copy(
            update={
                "cores_leased": sum(row.cores for row in active),
                "memory_leased_mb": sum(row.memory_mb or 0 for row in active),
            }
        )
