"""A recorded run played into a job of the daemon in memory, step by step, its files and its output with it."""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfmap.daemon.client import JobRow
from halfmap.daemon.fake import FakeService
from halfmap.tui.demo.recording import RecordedJob, by_iteration, files_of, reveal

STEP_S = 1.0
"""How long a step takes (s)."""
_STEPS_OF_ITERATION = 8
_NO_FIELD = frozenset({"event", "sequence", "time"})


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that happens: an event of the engine, what is printed until then, steps to the iteration's end."""

    event: Mapping[str, Any]
    output: str
    left: int


class Replay:
    """Plays a run.

    Parameters
    ----------
    service
        Where the job is.
    row
        The job; it has been started.
    recorded
        What is played.
    after
        Iterations that the job has finished already; it goes on after them.

    Attributes
    ----------
    job
        The number of the job that it plays.
    is_between_iterations
        Whether an iteration has just ended.
    """

    def __init__(self, service: FakeService, row: JobRow, recorded: RecordedJob, after: int = 0) -> None:
        self.is_between_iterations = True
        self._service = service
        self.job = row.job
        self._row = row
        self._recorded = recorded
        self._folder = Path(row.project, row.name)
        self._steps = deque(step for step in _steps(recorded) if step.event["iteration"] > after)
        if after == 0:
            self._lay_out()
        service.progress(row.job, iteration=after + 1, phase="", fraction=None, ends_about=None)
        self._tell_files()

    def step(self) -> bool:
        """Do the next step; tell whether there are more."""
        step = self._steps.popleft()
        _append_event(self._folder, step.event)
        with (self._folder / "run.out").open("a", encoding="utf-8", newline="") as file:
            file.write(step.output)
        self.is_between_iterations = step.left == 0
        if self.is_between_iterations:
            self._finish_iteration(step.event)
        else:
            self._service.progress(
                self._row.job,
                iteration=step.event["iteration"],
                phase=step.event["phase"],
                fraction=step.event["fraction"],
                ends_about=self._service.now + step.left * STEP_S,
            )
        return bool(self._steps)

    def _lay_out(self) -> None:
        """Make the folder, with what a run has written once it begins."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in ("run.out", "run.err", "run_progress.jsonl"):
            (self._folder / name).write_text("", encoding="utf-8")
        _append_event(self._folder, self._recorded.started)
        reveal(self._recorded, self._folder, 0)

    def _finish_iteration(self, event: Mapping[str, Any]) -> None:
        reveal(self._recorded, self._folder, event["iteration"])
        self._service.iterate(self._row.job, **{name: event[name] for name in event.keys() - _NO_FIELD})
        seconds = _STEPS_OF_ITERATION * STEP_S
        self._service.progress(self._row.job, phase="", fraction=None, ends_about=None, step_seconds=seconds)
        self._tell_files()

    def _tell_files(self) -> None:
        self._service.job_files[self._row.job] = files_of(self._recorded, Path(self._row.project), self._row.name)


def _append_event(folder: Path, event: Mapping[str, Any]) -> None:
    with (folder / "run_progress.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def _steps(recorded: RecordedJob) -> Iterator[_Step]:
    """Give a few steps for each iteration; the last one is its end."""
    outputs = by_iteration(recorded.output)
    for finished in recorded.iterations:
        number = finished["iteration"]
        phases = [one for one in recorded.events if one["event"] == "phase_progress" and one["iteration"] == number]
        events = [*_some(phases, _STEPS_OF_ITERATION - 1), finished]
        parts = _parts(outputs.get(number, ""), len(events))
        for nth, (event, part) in enumerate(zip(events, parts, strict=True), 1):
            yield _Step(event, part, len(events) - nth)


def _some(events: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """Choose events, evenly, the last one among them."""
    if len(events) <= most:
        return list(events)
    return [events[(nth + 1) * len(events) // most - 1] for nth in range(most)]


def _parts(text: str, number: int) -> list[str]:
    """Cut a text into a number of parts at ends of lines."""
    lines = text.splitlines(keepends=True)
    return ["".join(lines[nth * len(lines) // number : (nth + 1) * len(lines) // number]) for nth in range(number)]
