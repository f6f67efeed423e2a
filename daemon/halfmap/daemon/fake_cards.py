"""Cards out of a file, for tests and the demo; `halfmap.daemon.nvml` describes the file. Standard library only."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from halfmap.daemon.card_health import Signals, defects
from halfmap.daemon.card_processes import command_of, printable, user_of
from halfmap.daemon.cards import Card, CardProcess, CardReader, CardsUnreadable

_Kind = Literal["text", "truth", "whole number", "number", "number or null", "list"]

_CARD: Mapping[str, _Kind] = {
    "uuid": "text",
    "index": "whole number",
    "name": "text",
    "memory_total_mb": "number",
    "memory_used_mb": "number",
    "power_w": "number or null",
    "utilisation": "number or null",
    "temperature_c": "number or null",
    "processes": "list",
    "health": "list",
    "xids": "list",
    "mig_parent": "text",
    "instance": "whole number",
    "is_lost": "truth",
}
_PROCESS: Mapping[str, _Kind] = {
    "pid": "whole number",
    "user": "text",
    "command": "text",
    "memory_mb": "number or null",
    "kind": "text",
}
_TYPES: Mapping[_Kind, tuple[type, ...]] = {
    "text": (str,),
    "truth": (bool,),
    "whole number": (int,),
    "number": (int, float),
    "number or null": (int, float, type(None)),
    "list": (list,),
}
_LOOKS = 5
_PAUSE_S = 0.02
_MEMORY_MB = 24576.0


class FakeNvml(CardReader):
    """Cards as a file has them at each reading."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Card]:
        """Read the file; one that is half written is read again a few times."""
        document = self._document()
        try:
            cards = _cards(document)
        except _Wrong as error:
            raise CardsUnreadable(f"{self._path}, which $HALFMAP_NVML names, is wrong: {error}") from None
        parents = {card.mig_parent for card in cards}
        return [replace(card, is_divided=card.uuid in parents) for card in cards]

    def _document(self) -> Any:
        for look in range(_LOOKS):
            try:
                return json.loads(self._path.read_text(encoding="utf-8"), parse_constant=_no_number)
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else f"it is not whole JSON ({error})"
                if look + 1 < _LOOKS:
                    time.sleep(_PAUSE_S)
        raise CardsUnreadable(f"{self._path}, which $HALFMAP_NVML names, cannot be read: {why}")


class _Wrong(Exception):
    """What is wrong in a file; the message says where."""


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _strict(found: object, fields: Mapping[str, _Kind], where: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise _Wrong(f"{where} is not an object")
    if unknown := [name for name in found if name not in fields]:
        raise _Wrong(f"{where} has fields that are not known: {', '.join(unknown)}; known are {', '.join(fields)}")
    for name, value in found.items():
        _check(value, fields[name], f"{name} of {where}")
    return found


def _check(value: object, kind: _Kind, where: str) -> None:
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "truth"):
        raise _Wrong(f"{where} is {value!r}, which is no {kind}")
    if isinstance(value, int | float) and value < 0:
        raise _Wrong(f"{where} is {value}, which is below 0")


def _cards(document: object) -> list[Card]:
    found = _strict(document, {"cards": "list"}, "what it holds")
    if "cards" not in found:
        raise _Wrong("it has no cards; an empty list says that there are none")
    cards = [_card(one, position) for position, one in enumerate(found["cards"])]
    _check_identities(cards)
    return cards


def _card(one: object, position: int) -> Card:
    where = f"card {position}"
    fields = dict(_strict(one, _CARD, where))
    if not fields.get("uuid"):
        raise _Wrong(f"{where} has no uuid")
    xids, health = fields.pop("xids", []), fields.pop("health", [])
    for xid in xids:
        _check(xid, "whole number", f"xids of {where}")
    for words in health:
        _check(words, "text", f"health of {where}")
    processes = tuple(_process(process, where) for process in fields.pop("processes", []))
    used = sum(process.memory_mb or 0.0 for process in processes)
    defaults: dict[str, Any] = {
        "index": position,
        "name": "fake card",
        "memory_total_mb": _MEMORY_MB,
        "memory_used_mb": used,
    }
    found = (*health, *defects(Signals(xids=frozenset(xids))))
    return Card(**(defaults | fields), processes=processes, health=found)


def _process(one: object, where: str) -> CardProcess:
    fields = dict(_strict(one, _PROCESS, f"a process of {where}"))
    if "pid" not in fields:
        raise _Wrong(f"a process of {where} has no pid")
    if fields.setdefault("kind", "compute") not in ("compute", "graphics"):
        raise _Wrong(f"kind of a process of {where} is {fields['kind']!r}; it is compute or graphics")
    pid = fields["pid"]
    user = fields.pop("user") if "user" in fields else user_of(pid)
    command = fields.pop("command") if "command" in fields else command_of(pid)
    return CardProcess(user=printable(user), command=printable(command), **fields)


def _check_identities(cards: list[Card]) -> None:
    twice = [uuid for uuid, times in Counter(card.uuid for card in cards).items() if times > 1]
    if twice:
        raise _Wrong(f"two cards have the UUID {twice[0]}")
    known = {card.uuid for card in cards}
    for card in cards:
        if card.mig_parent and card.mig_parent not in known:
            raise _Wrong(f"mig_parent of card {card.uuid} names no card of the file: {card.mig_parent}")
        if bool(card.mig_parent) != (card.instance is not None):
            raise _Wrong(f"card {card.uuid} needs both mig_parent and instance, or neither")
