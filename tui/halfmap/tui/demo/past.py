"""What has happened to jobs before the demonstration begins: their commands, iterations and files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from halfmap.daemon.client import JobRow
from halfmap.tui.demo.recording import RecordedJob, before_iteration, reveal
from halfmap.tui.demo.service import DemoService

_PROGRAM = "/opt/halfmap/bin/halfmap"
_NO_FIELD = frozenset({"event", "sequence", "time"})


def command(recorded: RecordedJob, name: str) -> tuple[str, ...]:
    """Give the command that runs a recorded job under another name."""
    words = (word.replace(recorded.name, name) for word in recorded.arguments)
    return (_PROGRAM, "refine", "--nr_mpi", recorded.options["nr_mpi"], *words)


def resources(recorded: RecordedJob) -> dict[str, Any]:
    """Give what a job takes, as its row tells it."""
    return {"cores": int(recorded.options["nr_mpi"]), "memory_mb": 3200}


def iterate(service: DemoService, job: int, events: Sequence[Mapping[str, Any]]) -> None:
    """Let iterations end, each in the time that it took."""
    for event in events:
        seconds = [value for value in event["seconds"].values() if value is not None]
        service.advance(sum(seconds))
        service.iterate(job, **{name: event[name] for name in event.keys() - _NO_FIELD})
        service.progress(job, step_seconds=sum(seconds))


def reveal_all(project: Path, row: JobRow, recorded: RecordedJob, until: int) -> None:
    """Put the files of a recorded job into another's folder, as they were after an iteration."""
    folder = project / row.name
    folder.mkdir(parents=True)
    last = recorded.iterations[-1]["iteration"]
    for number in range(until + 1):
        reveal(recorded, folder, number)
    output = recorded.output if until == last else before_iteration(recorded.output, until + 1)
    events = [event for event in recorded.events if until == last or event.get("iteration", 0) <= until]
    told = [event for event in events if until == last or event["event"] != "run_finished"]
    (folder / "run.out").write_text(output, encoding="utf-8", newline="")
    (folder / "run.err").write_text("", encoding="utf-8")
    (folder / "run_progress.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in told), encoding="utf-8")
