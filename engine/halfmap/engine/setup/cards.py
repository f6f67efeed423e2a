"""Which card a rank computes on. Nothing here touches a card: only the driver is asked."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pynvml

from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.backend.interface import Backend
from halfmap.engine.backend.precision import CardSettings, Precision
from halfmap.engine.backend.select import backend, has_cupy
from halfmap.engine.errors import BadInput
from halfmap.engine.ranks.communicator import Communicator, workers_of


@dataclass(frozen=True)
class MachineCards:
    """Cards of one machine, as a rank on it sees them.

    Parameters
    ----------
    visible
        Names of the cards, as the driver knows them, in the order in which they are counted.
    free
        Those on which no process computes.
    """

    visible: tuple[str, ...]
    free: tuple[str, ...]


def cards_here(environment: Mapping[str, str] = os.environ) -> MachineCards:
    """Ask the driver; without one there are none."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return MachineCards((), ())
    try:
        count = pynvml.nvmlDeviceGetCount()
        named = environment.get("CUDA_VISIBLE_DEVICES")
        visible = tuple(map(str, range(count))) if named is None else tuple(filter(None, named.split(",")))
        return MachineCards(visible, tuple(card for card in visible if _is_free(card)))
    finally:
        pynvml.nvmlShutdown()


def _is_free(card: str) -> bool:
    try:
        handle = (
            pynvml.nvmlDeviceGetHandleByIndex(int(card))
            if card.isdigit()
            else pynvml.nvmlDeviceGetHandleByUUID(card.encode())
        )
        return not pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    except pynvml.NVMLError:
        return True  # what is not told, as in many containers, does not keep a card from being used


def card_of(asked: str, cards: MachineCards, worker: int, worker_here: int) -> str:
    """Choose a rank's card.

    Parameters
    ----------
    asked
        Ids with colons between them, counted among the visible cards; empty to share out the free ones.
    cards
        Cards of the rank's machine.
    worker, worker_here
        The rank's place among those that align particles: of all, and of those on its machine.

    Raises
    ------
    BadInput
        If there is no such card, or none is free.
    """
    if not cards.visible:
        raise BadInput("--gpu: the driver tells of no NVIDIA card here; leave the option out to compute on cores.")
    if asked:
        ids = [int(one) for one in asked.split(":")]
        chosen = ids[worker % len(ids)]
        if chosen >= len(cards.visible):
            raise BadInput(f"--gpu {asked}: there is no card {chosen}; {_count_in_words(len(cards.visible))}.")
        return cards.visible[chosen]
    if not cards.free:
        raise BadInput(
            f"--gpu: others compute on all cards ({', '.join(cards.visible)}); name cards, as in --gpu 0:1, to share."
        )
    return cards.free[worker_here % len(cards.free)]


def _count_in_words(count: int) -> str:
    return "the only one is card 0" if count == 1 else f"the last of {count} is card {count - 1}"


def cards_of_ranks(asked: str, hosts: Sequence[str], cards: Sequence[MachineCards]) -> list[str | None]:
    """Choose the card of each rank; None for one that aligns no particles.

    Parameters
    ----------
    asked
        See `card_of`.
    hosts, cards
        Machine of each rank, and what that rank sees of its cards.

    Raises
    ------
    BadInput
        See `card_of`.
    """
    workers = sorted({rank for half in (1, 2) for rank in workers_of(half, len(hosts))})
    chosen: list[str | None] = [None] * len(hosts)
    for place, rank in enumerate(workers):
        here = [worker for worker in workers if hosts[worker] == hosts[rank]]
        chosen[rank] = card_of(asked, cards[rank], place, here.index(rank))
    return chosen


def use_only(card: str) -> None:
    """Let this process see one card, which it counts as the first; to be called before CUDA is."""
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["CUDA_VISIBLE_DEVICES"] = card


def backend_of_rank(arguments: RefineArguments, communicator: Communicator) -> Backend:
    """Give each rank what computes for it: cores, or a card that no other rank of its machine has if there are enough.

    Raises
    ------
    BadInput
        On all ranks, if cards are asked for that are not there.
    """
    if arguments.gpu is None:
        return backend(arguments.threads)
    seen = communicator.gather((platform.node(), cards_here(), has_cupy()))
    if not all(installed for _, _, installed in seen):
        raise BadInput("--gpu needs CuPy: pip install 'halfmap[cuda12]' (or cuda13, as the driver is).")
    hosts, cards, _ = zip(*seen, strict=True)
    card = cards_of_ranks(arguments.gpu, hosts, cards)[communicator.rank]
    if card is None:
        return backend(arguments.threads)
    use_only(card)
    return backend(arguments.threads, CardSettings(Precision(arguments.gpu_precision), arguments.free_gpu_memory_mb))
