"""The words of RELION's list of jobs: its tables, labels and statuses, in the layouts of RELION 5, 4 and 3.1."""

from dataclasses import dataclass
from enum import Enum, StrEnum

GENERAL, PROCESSES, NODES = "pipeline_general", "pipeline_processes", "pipeline_nodes"
INPUTS, OUTPUTS = "pipeline_input_edges", "pipeline_output_edges"
TABLES = (GENERAL, PROCESSES, NODES, INPUTS, OUTPUTS)
"""In the order in which RELION writes them."""

COUNTER, NAME, ALIAS = "rlnPipeLineJobCounter", "rlnPipeLineProcessName", "rlnPipeLineProcessAlias"
FROM, TO, PROCESS = "rlnPipeLineEdgeFromNode", "rlnPipeLineEdgeToNode", "rlnPipeLineEdgeProcess"
NODE, DEPTH = "rlnPipeLineNodeName", "rlnPipeLineNodeTypeLabelDepth"


class Status(StrEnum):
    """All that RELION knows. Any other word in the file makes its programs die, with the project locked."""

    RUNNING = "Running"
    SCHEDULED = "Scheduled"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ABORTED = "Aborted"


STATUS_NUMBERS = dict(zip(Status, "01234", strict=True))


class Layout(Enum):
    """Whose file it is: the version comment, and the labels of types and statuses."""

    RELION_5 = ("# version 50001", "Label", True)
    RELION_4 = ("# version 30001", "Label", False)
    RELION_3 = ("# version 30001", "", False)

    def __init__(self, version: str, ending: str, has_depth: bool) -> None:
        self.version = version
        self.process_type = f"rlnPipeLineProcessType{ending}"
        self.process_status = f"rlnPipeLineProcessStatus{ending}"
        self.node_type = f"rlnPipeLineNodeType{ending}"
        self.has_depth = has_depth

    @property
    def has_numbers(self) -> bool:
        """Whether types and statuses are numbers."""
        return self is Layout.RELION_3

    def labels(self, table: str) -> tuple[str, ...]:
        """Columns of a table, in RELION's order."""
        return {
            PROCESSES: (NAME, ALIAS, self.process_type, self.process_status),
            NODES: (NODE, self.node_type, *((DEPTH,) if self.has_depth else ())),
            INPUTS: (FROM, PROCESS),
            OUTPUTS: (PROCESS, TO),
        }[table]

    def status_text(self, status: Status) -> str:
        """Write a status."""
        return STATUS_NUMBERS[status] if self.has_numbers else status.value


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A job of any kind.

    Attributes
    ----------
    name, alias
        ``Refine3D/job012/``; ``Refine3D/my_name/`` or empty.
    kind
        RELION's label such as ``relion.refine3d.tomo``; for RELION 3.1, which has numbers, made from the folder's name.
    status
        One of `Status`, or what the file says instead.
    """

    name: str
    alias: str
    kind: str
    status: str


@dataclass(frozen=True, slots=True)
class Node:
    """A file that jobs hand on: its type in the words (or the number) of the layout, how deep browsers sort by it."""

    name: str
    kind: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A job to append: its row, and the files that it takes and makes."""

    row: ProcessRow
    inputs: tuple[Node, ...] = ()
    outputs: tuple[Node, ...] = ()
