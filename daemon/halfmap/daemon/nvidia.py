"""Cards as NVIDIA's driver tells of them, through NVML. Standard library only until a library is loaded.

Almost everything may be unsupported: by the card, by the driver's age, in a container. What is not told is None; what
has to be told (that the card answers, and its UUID) makes a card lost where it was there before.
"""

import contextlib
import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from halfmap.daemon.card_health import Signals, defects
from halfmap.daemon.card_processes import command_of, user_of
from halfmap.daemon.cards import Card, CardProcess, CardReader, CardsUnreadable

_BYTES_PER_MB = 2**20
_MW_PER_W = 1000
_EVENTS_AT_ONCE = 256

_COMPUTE = ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2")
_MPS = ("nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v2")
_GRAPHICS = ("nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2")
_CLOCKS = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
"""Names of the same thing, new drivers' first."""


class _Lost(Exception):
    """A card does not answer; the message is the driver's."""


class Nvml(CardReader):
    """The machine's cards.

    Parameters
    ----------
    library
        The module `pynvml`; loaded if it is not given.

    Raises
    ------
    CardsUnreadable
        If there is no driver, or it cannot be used.
    """

    def __init__(self, library: Any = None) -> None:
        self._library = _load() if library is None else library
        self._last: dict[int, tuple[Card, ...]] = {}
        self._xids: dict[str, set[int]] = {}
        self._watched: set[str] = set()
        self._events: Any = None
        self._is_begun = False
        self._begin()

    def read(self) -> list[Card]:
        """Read all cards, those among them that have stopped answering."""
        self._begin()
        try:
            count = int(self._library.nvmlDeviceGetCount())
        except self._library.NVMLError as error:
            self._is_begun = False
            raise CardsUnreadable(_why(self._library, error)) from None
        self._take_events()
        problems: list[str] = []
        cards = [card for index in range(count) for card in self._answered(index, problems)]
        self.problem = "; ".join(problems)
        return cards

    def _begin(self) -> None:
        """Open the library, again after a driver that went away."""
        if self._is_begun:
            return
        try:
            self._library.nvmlInit()
        except self._library.NVMLError as error:
            raise CardsUnreadable(_why(self._library, error)) from None
        self._is_begun = True
        self._last.clear()
        self._watched.clear()
        self._events = None
        with contextlib.suppress(_Lost):
            self._events = self._ask("nvmlEventSetCreate")

    def _answered(self, index: int, problems: list[str]) -> tuple[Card, ...]:
        """The card of an index, with its instances; as it was last, marked as lost, if it does not answer."""
        try:
            self._last[index] = tuple(self._cards(index))
        except (_Lost, self._library.NVMLError) as error:
            problems.append(f"card {index} does not answer ({error})")
            return tuple(replace(card, is_lost=True, processes=()) for card in self._last.get(index, ()))
        return self._last[index]

    def _cards(self, index: int) -> Iterator[Card]:
        handle = self._library.nvmlDeviceGetHandleByIndex(index)
        uuid = str(self._library.nvmlDeviceGetUUID(handle))
        self._watch(handle, uuid)
        health = defects(self._signals(handle, uuid))
        mode = self._ask("nvmlDeviceGetMigMode", handle)
        whole = replace(self._card(handle, uuid, index), health=health, is_divided=bool(mode and mode[0]))
        yield whole
        if not whole.is_divided:
            return
        for number in range(self._ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
            part = self._ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, number)
            its_uuid = None if part is None else self._ask("nvmlDeviceGetUUID", part)
            if its_uuid is not None:
                instance = self._card(part, str(its_uuid), index)
                # one chip: what ails it ails all its instances
                yield replace(
                    instance, mig_parent=uuid, instance=number, health=health, temperature_c=whole.temperature_c
                )

    def _card(self, handle: Any, uuid: str, index: int) -> Card:
        memory = self._ask("nvmlDeviceGetMemoryInfo", handle)
        power = self._ask("nvmlDeviceGetPowerUsage", handle)
        rates = self._ask("nvmlDeviceGetUtilizationRates", handle)
        return Card(
            uuid=uuid,
            index=index,
            name=str(self._ask("nvmlDeviceGetName", handle) or ""),
            memory_total_mb=memory.total / _BYTES_PER_MB if memory else 0.0,
            memory_used_mb=memory.used / _BYTES_PER_MB if memory else 0.0,
            power_w=None if power is None else power / _MW_PER_W,
            utilisation=None if rates is None else float(rates.gpu),
            temperature_c=self._ask("nvmlDeviceGetTemperature", handle, self._library.NVML_TEMPERATURE_GPU),
            processes=self._processes(handle),
        )

    def _processes(self, handle: Any) -> tuple[CardProcess, ...]:
        """Each process once: one that computes and draws counts as computing."""
        found = {}
        for process in self._ask_first(_GRAPHICS, handle) or ():
            found[process.pid] = _process(process, "graphics")
        for process in (*(self._ask_first(_COMPUTE, handle) or ()), *(self._ask_first(_MPS, handle) or ())):
            found[process.pid] = _process(process, "compute")
        return tuple(found[pid] for pid in sorted(found))

    def _signals(self, handle: Any, uuid: str) -> Signals:
        library = self._library
        rows = self._ask("nvmlDeviceGetRemappedRows", handle)
        return Signals(
            xids=frozenset(self._xids.get(uuid, ())),
            uncorrected_ecc=self._ask(
                "nvmlDeviceGetTotalEccErrors",
                handle,
                library.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
                library.NVML_VOLATILE_ECC,
            ),
            remap_pending=None if rows is None else bool(rows[2]),
            remap_failed=None if rows is None else bool(rows[3]),
            clock_reasons=self._ask_first(_CLOCKS, handle),
        )

    def _watch(self, handle: Any, uuid: str) -> None:
        """Ask once to be told of a card's XIDs."""
        if self._events is not None and uuid not in self._watched:
            self._watched.add(uuid)
            self._ask("nvmlDeviceRegisterEvents", handle, self._library.nvmlEventTypeXidCriticalError, self._events)

    def _take_events(self) -> None:
        """Take the XIDs that have come since the last reading; none are waited for."""
        for _ in range(_EVENTS_AT_ONCE if self._events is not None else 0):
            try:
                event = self._library.nvmlEventSetWait_v2(self._events, 0)
            except self._library.NVMLError:
                return
            with contextlib.suppress(self._library.NVMLError):  # of a card that does not answer: it is lost anyway
                uuid = str(self._library.nvmlDeviceGetUUID(event.device))
                if event.eventType == self._library.nvmlEventTypeXidCriticalError:
                    self._xids.setdefault(uuid, set()).add(int(event.eventData))

    def _ask(self, name: str, *arguments: Any) -> Any:
        """Ask for something that may be unsupported, and is None then."""
        library = self._library
        try:
            return getattr(library, name)(*arguments)
        except library.NVMLError as error:
            if error.value in (library.NVML_ERROR_GPU_IS_LOST, library.NVML_ERROR_RESET_REQUIRED):
                raise _Lost(str(error)) from None
            return None

    def _ask_first(self, names: tuple[str, ...], *arguments: Any) -> Any:
        return next((found for name in names if (found := self._ask(name, *arguments)) is not None), None)


def _load() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        raise CardsUnreadable(
            "the cards cannot be read: nvidia-ml-py is not installed; install halfmap anew."
        ) from None


def _process(process: Any, kind: Literal["compute", "graphics"]) -> CardProcess:
    memory = None if process.usedGpuMemory is None else process.usedGpuMemory / _BYTES_PER_MB
    return CardProcess(process.pid, user_of(process.pid), command_of(process.pid), memory, kind)


def _why(library: Any, error: Any) -> str:
    if error.value == library.NVML_ERROR_LIBRARY_NOT_FOUND:
        return "this machine has no NVIDIA driver (libnvidia-ml.so.1 is not there)"
    if error.value == library.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return "the NVIDIA driver was replaced while it was in use; restart the machine"
    return f"the NVIDIA driver cannot be used ({error}); see what nvidia-smi says"
