"""Which of a driver's signals are defects of a card, in words. The same defect always has the same words."""

from collections.abc import Iterable
from dataclasses import dataclass

XIDS = {
    46: "it stopped working on what it was given",
    48: "a double-bit memory error",
    62: "its microcontroller halted",
    63: "a part of its memory is defective and waits to be replaced by spare rows",
    64: "a part of its memory is defective and could not be replaced by spare rows",
    74: "an error of its NVLink",
    79: "it fell off the bus",
    92: "many single-bit memory errors",
    94: "a memory error that ended a program",
    95: "a memory error that may have reached every program on it",
    119: "its system processor does not answer",
    120: "an error of its system processor",
}
"""Messages of the driver that tell of a defect. All others are left out, above all those that a faulty program causes
(13, 31, 43, 45): they would take every card from everybody, one crash after another."""

_CLOCKS = (
    (0x40, "it is too hot and slows down (hardware)"),
    (0x20, "it is too hot and slows down (driver)"),
    (0x80, "its power supply makes it slow down"),
    (0x08, "its hardware slows it down"),
)
"""Bits of NVML's clock event reasons, most specific first; reaching the power cap (0x04) is how a card should work."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What a driver tells about a card's health; None where it does not tell.

    Attributes
    ----------
    xids
        Numbers of the driver's messages since reading began.
    uncorrected_ecc
        Memory errors since the driver was loaded that could not be corrected.
    remap_pending, remap_failed
        Whether defective rows of memory wait for a reset to be replaced, or could not be.
    clock_reasons
        NVML's bits for why the clocks are lower than they could be.
    """

    xids: frozenset[int] = frozenset()
    uncorrected_ecc: int | None = None
    remap_pending: bool | None = None
    remap_failed: bool | None = None
    clock_reasons: int | None = None


def defects(signals: Signals) -> tuple[str, ...]:
    """Say what is wrong with a card; nothing if it is well."""
    return (*_of_xids(signals.xids), *_of_memory(signals), *_of_clocks(signals.clock_reasons or 0))


def _of_xids(xids: Iterable[int]) -> list[str]:
    return [f"{XIDS[xid]} (XID {xid})" for xid in sorted(xids) if xid in XIDS]


def _of_memory(signals: Signals) -> list[str]:
    found = []
    if signals.uncorrected_ecc:
        errors = "error" if signals.uncorrected_ecc == 1 else "errors"
        found.append(f"{signals.uncorrected_ecc} uncorrected memory {errors}")
    if signals.remap_pending:
        found.append("defective rows of its memory wait for a reset to be replaced")
    if signals.remap_failed:
        found.append("defective rows of its memory could not be replaced")
    return found


def _of_clocks(reasons: int) -> list[str]:
    found = [words for bit, words in _CLOCKS if reasons & bit]
    # the general bit is set with each of the specific ones
    return found[:-1] if len(found) > 1 and reasons & _CLOCKS[-1][0] else found
