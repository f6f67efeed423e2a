"""Which partitions Slurm has, in its own words; asked now and then, never waited for."""

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from halfmap.daemon.clock import Clock
from halfmap.daemon.lanes import Hung, Lanes
from halfmap.daemon.records import PartitionRow
from halfmap.daemon.slurm_programs import SlurmPrograms, SlurmRefused, SlurmUnavailable

ASKED_EVERY_S = 30.0
_LANE = Path("/slurm/partitions")
_FORMAT = "%P|%a|%l|%D|%C|%G"
_PATIENCE_S = 15.0


def read_partitions(answer: str) -> tuple[PartitionRow, ...]:
    """Read the answer of ``sinfo -h -o '%P|%a|%l|%D|%C|%G'``: a line for each kind of nodes of a partition.

    Lines that are none are passed over: a site's wrapper may say more.
    """
    found: dict[str, PartitionRow] = {}
    for line in answer.splitlines():
        words = line.strip().split("|")
        cores = words[4].split("/") if len(words) == 6 else []
        if len(cores) != 4 or not all(one.isdecimal() for one in (words[3], *cores)):
            continue
        row = _row(words, int(words[3]), [int(one) for one in cores])
        before = found.get(row.name)
        found[row.name] = row if before is None else _together(before, row)
    return tuple(found.values())


def _row(words: list[str], nodes: int, cores: list[int]) -> PartitionRow:
    _, idle, _, total = cores
    gres = words[5] if words[5] != "(null)" else ""
    return PartitionRow(
        name=words[0].rstrip("*"),
        is_default=words[0].endswith("*"),
        is_up=words[1] == "up",
        time_limit=words[2],
        nodes=nodes,
        cores=total,
        cores_free=idle,
        generic_resources=(gres,) if gres else (),
    )


def _together(one: PartitionRow, other: PartitionRow) -> PartitionRow:
    return one.model_copy(
        update={
            "nodes": one.nodes + other.nodes,
            "cores": one.cores + other.cores,
            "cores_free": one.cores_free + other.cores_free,
            "generic_resources": tuple(dict.fromkeys((*one.generic_resources, *other.generic_resources))),
        }
    )


class SlurmPartitions:
    """What Slurm last said of its partitions.

    Parameters
    ----------
    environ
        The daemon's environment; without ``sinfo`` on its PATH there are no partitions.
    lanes, clock
        The thread that asks; the time.
    """

    def __init__(self, environ: Mapping[str, str], lanes: Lanes, clock: Clock) -> None:
        self._programs = SlurmPrograms(environ)
        self._has_slurm = shutil.which("sinfo", path=environ.get("PATH")) is not None
        self._lanes = lanes
        self._clock = clock
        self._asked_at = -ASKED_EVERY_S
        self._asking: asyncio.Task[None] | None = None
        self.rows: tuple[PartitionRow, ...] = ()
        self.problem = ""

    def refresh(self) -> None:
        """Have Slurm asked, if it was not for a while; what it says is there at a later look."""
        now = self._clock.monotonic()
        if self._has_slurm and now - self._asked_at >= ASKED_EVERY_S:
            self._asked_at = now
            self._asking = asyncio.get_running_loop().create_task(self._ask(), name="partitions")

    async def _ask(self) -> None:
        try:
            answer = await self._lanes.run(
                _LANE, self._programs.query, "sinfo", "-h", "-o", _FORMAT, patience_s=_PATIENCE_S
            )
        except (SlurmUnavailable, SlurmRefused, Hung) as error:
            self.problem = f"{error}"
            return
        self.rows, self.problem = read_partitions(answer), ""

    async def settled(self) -> None:
        """Wait until a question that is under way was answered."""
        if self._asking is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({self._asking})
