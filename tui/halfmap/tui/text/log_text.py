"""What a line of a log looks like on a screen: nothing in it is obeyed, and what cannot be seen is written out."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len

from halfmap.tui.text.plain import in_ascii

LINE_BYTES = 16384
"""More of a line is not shown."""
_TAB = 8

_PICTURES = {code: chr(0x2400 + code) for code in range(32) if code != ord("\t")} | {127: "\u2421"}
_CARETS = {code: f"^{chr(64 + code)}" for code in range(32) if code != ord("\t")} | {127: "^?"}

# marks that join to what stands before them differently in each terminal: selectors, skin tones, flags
_JOINING = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff]")
_MOST_MARKS = 2

ERROR_WORDS = (
    "error",
    "exception",
    "traceback",
    "cuda",
    "abort",
    "slurmstepd",
    "fault",
    "dumped",
    "out of memory",
    "oom",
    "killed",
    "signal",
    "exit",
    "terminat",
    "no space",
    "exceeded",
    "denied",
)
"""In small letters; a line without any of these is no error."""
ERRORS = (
    r"\bERROR|(?i:\b(?:error|fatal error) ?:)|\w(?:Error|Exception)\b|\bTraceback\b"
    r"|(?i:cuda.{0,80}(?:error|fail|out of memory|invalid|illegal|exception))|(?i:cuda_?error)"
    r"|(?i:mpi_?abort)|\bAborted\b|slurmstepd|(?i:segmentation fault|segfault|core dumped|bus error)"
    r"|(?i:out of memory|\boom[ -]kill)|\bOOM\b|\b[Kk]illed\b|(?i:(?:on|by|with|caught) signal:? ?\d)"
    r"|(?i:exit(?:ed|ing)? (?:with )?(?:exit )?(?:code|status) ?[:=]? *-?[1-9])|BAD TERMINATION|terminate called"
    r"|(?i:no space left|quota exceeded|permission denied)"
)
"""Lines that tell of an error (a regular expression)."""
_ERROR = re.compile(ERRORS)
_WARNING = re.compile(r"(?i:\bwarn(?:ing)?\b)")


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as it was read.

    Attributes
    ----------
    kept
        What is to be shown of it.
    missing
        How many bytes of its end are not shown.
    """

    kept: bytes
    missing: int = 0


def last_part(raw: bytes) -> bytes:
    """Give what stands after the last carriage return that is followed by anything: a progress bar as it is now."""
    whole = raw.rstrip(b"\r")
    return whole[whole.rfind(b"\r") + 1 :]


def line_of(read: Callable[[int, int], bytes], length: int) -> RawLine:
    """Read what is shown of a line, never more than twice `LINE_BYTES`.

    Parameters
    ----------
    read
        Gives so many bytes from a place in the line.
    length
        Of the line without its end (bytes).
    """
    if length <= LINE_BYTES:
        return RawLine(last_part(read(0, length)))
    tail = read(length - LINE_BYTES, LINE_BYTES).rstrip(b"\r")
    if b"\r" in tail:
        return RawLine(last_part(tail))
    return RawLine(last_part(read(0, LINE_BYTES)), length - LINE_BYTES)


def shown(raw: bytes, ascii_only: bool = False, most: int | None = None) -> str:
    """Write what was kept of a line so that it can be shown.

    Control characters become ``␛`` (``^[`` in ASCII), marks that turn text round ``<U+202E>``, tabs spaces.

    Parameters
    ----------
    most
        How many cells of it are wanted; more may be given. None for all.
    """
    if most is not None:
        # four bytes in a character, three characters in a cell
        raw = raw[: 12 * most]
    text = raw.decode("utf-8", "replace")
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_CARETS if ascii_only else _PICTURES)
    if not text.isascii():
        text = _seen(text)
    if ascii_only:
        text = in_ascii(text)
    return _without_tabs(text) if "\t" in text else text


def is_error(text: str) -> bool:
    """Whether a line tells of an error."""
    return _ERROR.search(text) is not None


def is_warning(text: str) -> bool:
    """Whether a line is a warning."""
    return _WARNING.search(text) is not None


def _seen(text: str) -> str:
    parts: list[str] = []
    marks = 0
    for one in text:
        width = cell_len(one)
        marks = 0 if width else marks + 1
        if one == "\t" or (one.isprintable() and marks <= _marks_allowed(parts) and not _JOINING.match(one)):
            parts.append(one)
        elif width and one.isspace() and one >= "\xa0":
            parts.append(" " * width)
        else:
            parts.append(f"<U+{ord(one):04X}>")
    return "".join(parts)


def _marks_allowed(parts: list[str]) -> int:
    # a mark needs something to stand on
    return _MOST_MARKS if parts and parts[-1] != "\t" else 0


def _without_tabs(text: str) -> str:
    if text.isascii():
        return text.expandtabs(_TAB)
    first, *others = text.split("\t")
    filled, column = [first], cell_len(first)
    for part in others:
        gap = _TAB - column % _TAB
        filled += [" " * gap, part]
        column += gap + cell_len(part)
    return "".join(filled)


def size_text(size: int) -> str:
    """Write a size: ``312 bytes``, ``48.2 KB``, ``200.3 MB``."""
    if size < 1000:
        return f"{size} bytes"
    for unit, factor in (("KB", 1e3), ("MB", 1e6)):
        if size < 999.95 * factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e9:.1f} GB"
