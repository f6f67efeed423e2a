"""RELION's list of jobs, ``default_pipeline.star``, as a value: added to and corrected, never reordered or thinned out.

The layout is kept as it is found: RELION 5 and 4 name types and statuses in words, RELION 3.1 numbers them.
RELION: ``PipeLine::read`` and ``PipeLine::write``.
"""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from halfmap.contract.star_text import StarError
from halfmap.contract.whole_file import write_whole
from halfmap.daemon.pipeline_layout import (
    ALIAS,
    COUNTER,
    DEPTH,
    GENERAL,
    INPUTS,
    NAME,
    NODE,
    NODES,
    OUTPUTS,
    PROCESSES,
    STATUS_NUMBERS,
    TABLES,
    Entry,
    Layout,
    Node,
    ProcessRow,
    Status,
)
from halfmap.daemon.pipeline_text import StarText, empty_loop, parse, single_value
from halfmap.daemon.project_lock import NotNow

FILE_NAME = "default_pipeline.star"
NO_ALIAS = "None"

_VERSION = re.compile(r"# version (\d+)")
_REFINE3D_NUMBER = "10"
_SETTLED_S = 2.0


class PipelineProblem(NotNow):
    """A default_pipeline.star that cannot be used; the message says what is wrong where, and what to change."""


class NotYetWhole(NotNow):
    """A file that somebody is still writing; look again later."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A file as it was read; its methods give changed copies."""

    star: StarText
    layout: Layout

    @property
    def counter(self) -> int:
        """Number of the next job."""
        return int(self.star.rows(GENERAL)[0][COUNTER])

    def processes(self) -> list[ProcessRow]:
        """All jobs, in the file's order."""
        layout = self.layout
        labels = (NAME, ALIAS, layout.process_type, layout.process_status)
        return [_process(layout, *values) for values in self.star.columns(PROCESSES, *labels)]

    def process(self, name: str) -> ProcessRow | None:
        """Look a job up by its name."""
        return next((row for row in self.processes() if row.name == name), None)

    def node_kinds(self) -> dict[str, str]:
        """Types of all files that the list knows."""
        return {row[0]: row[1] for row in self.star.columns(NODES, NODE, self.layout.node_type)}

    def with_counter(self, number: int) -> "Pipeline":
        """Set the number of the next job."""
        return replace(self, star=self.star.with_value(GENERAL, 0, COUNTER, str(number)))

    def with_status(self, name: str, status: Status) -> "Pipeline":
        """Change what becomes of a job that is in the list."""
        names = [row for (row,) in self.star.columns(PROCESSES, NAME)]
        text = self.layout.status_text(status)
        return replace(self, star=self.star.with_value(PROCESSES, names.index(name), self.layout.process_status, text))

    def with_job(self, entry: Entry) -> "Pipeline":
        """Append a job with its files, as far as they are not in the list yet."""
        row, layout = entry.row, self.layout
        changed = self
        if self.process(row.name) is None:
            kind = _REFINE3D_NUMBER if layout.has_numbers else row.kind
            values = (row.name, row.alias or NO_ALIAS, kind, layout.status_text(Status(row.status)))
            changed = self._appended(PROCESSES, [values])
        return changed.with_files(row.name, entry.inputs, entry.outputs)

    def with_files(self, process: str, inputs: Sequence[Node], outputs: Sequence[Node]) -> "Pipeline":
        """Append files of a job, and that it takes or makes them, as far as that is not in the list yet."""
        known = self.node_kinds()
        fresh = [node for node in dict.fromkeys((*inputs, *outputs)) if node.name not in known]
        made = [(process, node.name) for node in outputs]
        # RELION: addNewInputEdge does this too for a file that no job had declared
        made += [(maker, node.name) for node in inputs if node in fresh for maker in self._maker(node.name)]
        return (
            self._appended(
                NODES, [(node.name, node.kind, f"{node.depth}")[: 2 + self.layout.has_depth] for node in fresh]
            )
            ._with_edges(INPUTS, [(node.name, process) for node in inputs])
            ._with_edges(OUTPUTS, made)
        )

    def text(self) -> str:
        """The file's text."""
        return self.star.text()

    def _maker(self, node: str) -> list[str]:
        folder = "/".join(node.split("/")[:2]) + "/"
        return [row.name for row in self.processes() if folder in (row.name, row.alias)]

    def _with_edges(self, table: str, edges: Iterable[tuple[str, str]]) -> "Pipeline":
        known = set(self.star.columns(table, *self.layout.labels(table)))
        return self._appended(table, [edge for edge in dict.fromkeys(edges) if edge not in known])

    def _appended(self, table: str, rows: Sequence[Sequence[str]]) -> "Pipeline":
        if not rows:
            return self
        labels, star = self.layout.labels(table), self.star
        if star.table(table) is None:
            later = TABLES[TABLES.index(table) + 1 :]
            star = star.with_table(empty_loop(table, labels, self.layout.version), later)
        return replace(self, star=star.with_rows(table, [dict(zip(labels, row, strict=True)) for row in rows]))


def _process(layout: Layout, name: str, alias: str, kind: str, status: str) -> ProcessRow:
    if layout.has_numbers:
        kind = f"relion.{name.split('/', maxsplit=1)[0].lower()}"
        status = next((word.value for word, number in STATUS_NUMBERS.items() if number == status), status)
    return ProcessRow(name, "" if alias == NO_ALIAS else alias, kind, status)


def empty_pipeline(layout: Layout = Layout.RELION_5) -> Pipeline:
    """Make the list of a project without jobs."""
    general = single_value(GENERAL, COUNTER, 1, layout.version)
    return Pipeline(StarText().with_table(general, ()), layout)


def pipeline_of_one(layout: Layout, entry: Entry) -> Pipeline:
    """Make the ``job_pipeline.star`` of a job: a list with this job alone and a counter of its own."""
    alone = replace(entry, row=replace(entry.row, alias=""))
    return empty_pipeline(layout).with_job(alone).with_counter(2)


def pipeline_from_text(text: str) -> Pipeline:
    """Read a list of jobs.

    Raises
    ------
    PipelineProblem
        If it is no STAR text as RELION reads it, or a table lacks what RELION needs.
    """
    try:
        star = parse(text)
        pipeline = Pipeline(star, _layout(star, text))
        if pipeline.counter < 1:
            raise PipelineProblem(f"{COUNTER} is {pipeline.counter}; it must be the number of the next job")
        _check_columns(pipeline)
    except StarError as error:
        raise PipelineProblem(str(error)) from None
    except (LookupError, ValueError):
        raise PipelineProblem(f"the table {GENERAL} with the whole number {COUNTER} is missing") from None
    return pipeline


def _layout(star: StarText, text: str) -> Layout:
    processes, nodes = star.table(PROCESSES), star.table(NODES)
    if processes and "rlnPipeLineProcessType" in processes.labels:
        return Layout.RELION_3
    versions = [int(number) for number in _VERSION.findall(text)]
    is_5 = not versions or max(versions) >= 50001
    has_depth = nodes is None or DEPTH in nodes.labels
    return Layout.RELION_5 if is_5 or (nodes and has_depth) else Layout.RELION_4


def _check_columns(pipeline: Pipeline) -> None:
    for name in TABLES[1:]:
        table = pipeline.star.table(name)
        needed = set(pipeline.layout.labels(name)) - {DEPTH}
        if table and not needed <= set(table.labels):
            missing = ", ".join(sorted(needed - set(table.labels)))
            raise PipelineProblem(f"the table {name} has no column {missing}")


def read_pipeline(project: Path) -> Pipeline:
    """Read a project's list of jobs; a project without one has no jobs.

    Raises
    ------
    PipelineProblem
        If it cannot be used.
    NotYetWhole
        If it cannot be used, but was changed a moment ago: RELION writes it in place.
    OSError
        If it cannot be read.
    """
    path = project / FILE_NAME
    try:
        is_unsettled = is_being_written(path)
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read()
    except FileNotFoundError:
        return empty_pipeline()
    if is_unsettled:
        raise NotYetWhole(f"{path} is being written.")
    try:
        return pipeline_from_text(text)
    except PipelineProblem as error:
        advice = f"RELION keeps copies of the list in the jobs' folders ({FILE_NAME}); compare it with the latest"
        raise PipelineProblem(f"{path}, {error}. {advice}.") from None


def is_being_written(path: Path) -> bool:
    """Whether a STAR file lacks RELION's blank line at its end, and was changed a moment ago.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 3, 0))
        ending = file.read()
    is_ended = ending.endswith(b"\n") and ending[:-1].endswith((b"\n", b"\n "))
    return not is_ended and 0 <= time.time() - path.stat().st_mtime < _SETTLED_S


def write_pipeline(project: Path, pipeline: Pipeline) -> None:
    """Write a project's list of jobs, whole; the project must be locked."""
    write_whole(project / FILE_NAME, pipeline.text())
