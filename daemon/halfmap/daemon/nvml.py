"""Which cards a daemon reads: the machine's, none, or those of a file that tests and the demo write.

The file is named by ``$HALFMAP_NVML`` (an absolute path) and read at each reading, so that writing it anew makes
somebody's process appear, or a card vanish. Replace it whole (`write_fake` does). It holds JSON such as::

    {"cards": [
        {"uuid": "GPU-0",
         "index": 0,
         "memory_total_mb": 24576,
         "processes": [{"pid": 4711, "user": "anna", "command": "cryosparc", "memory_mb": 11468.8}]}
    ]}

==================  ===================================================================================
of a card           meaning, and what it is if it is left out
==================  ===================================================================================
``uuid``            text; has to be there, each once
``index``           its number in nvidia-smi; its place in the list
``name``            ``fake card``
``memory_total_mb`` 24576
``memory_used_mb``  the sum over its processes
``power_w``         W, or null; null
``utilisation``     %, or null; null
``temperature_c``   °C, or null; null
``processes``       list of objects, see below; none
``health``          list of defects in words; none
``xids``            list of numbers of the driver's messages; none. Those that are defects join ``health``
``mig_parent``      for a MIG instance: UUID of the divided card, which has to be in the list; none
``instance``        for a MIG instance: its number on that card; none
``is_lost``         true: it does not answer any more; false
==================  ===================================================================================

==================  ===================================================================================
of a process        meaning, and what it is if it is left out
==================  ===================================================================================
``pid``             has to be there
``user``            what /proc tells
``command``         what /proc tells. Both empty: a process that cannot be seen from here
``memory_mb``       null: the driver does not tell; null
``kind``            ``compute``, or ``graphics`` for a screen's processes; ``compute``
==================  ===================================================================================

A field that is not known, a wrong type, or a number below 0 make the file unreadable, with words that say where.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from halfmap.contract.whole_file import write_whole
from halfmap.daemon.cards import Card, CardReader, CardsUnreadable
from halfmap.daemon.fake_cards import FakeNvml
from halfmap.daemon.nvidia import Nvml

__all__ = ["FakeNvml", "NoCards", "Nvml", "card_reader", "write_fake"]

VARIABLE = "HALFMAP_NVML"


class NoCards(CardReader):
    """A machine without cards; `problem` says why there are none."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def read(self) -> list[Card]:
        """Find none."""
        return []


def card_reader(environ: Mapping[str, str], library: Any = None) -> CardReader:
    """Choose: the file that ``$HALFMAP_NVML`` names, the driver's cards, or none.

    Parameters
    ----------
    library
        The module `pynvml`; loaded if it is not given.
    """
    named = environ.get(VARIABLE, "")
    if named and not Path(named).is_absolute():
        return NoCards(f"${VARIABLE} is {named}, which is not an absolute path; give one")
    if named:
        return FakeNvml(Path(named))
    try:
        return Nvml(library)
    except CardsUnreadable as error:
        return NoCards(str(error))


def write_fake(path: Path, cards: int | Iterable[Card]) -> None:
    """Write a file of cards, whole: these, or so many that nobody uses, ``GPU-0``, ``GPU-1`` and so on.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    listed = [Card(f"GPU-{n}", n, "fake card", 24576.0) for n in range(cards)] if isinstance(cards, int) else cards
    write_whole(path, json.dumps({"cards": [_as_written(card) for card in listed]}, indent=1))


def _as_written(card: Card) -> dict[str, Any]:
    """Without what follows from the other cards, or is left out where there is none."""
    fields = asdict(card)
    del fields["is_divided"]
    return {name: value for name, value in fields.items() if not (name == "instance" and value is None)}
