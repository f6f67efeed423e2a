"""Maps in MRC files, section by section.

Sections are read, not mapped into memory: a file that is cut off or vanishes while it is mapped ends the whole program
with a bus error, while a read of it only comes back short.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np

_BYTES = 1024
# of the mode's values: NumPy's type, and bytes
_MODES = {0: ("i1", 1), 1: ("i2", 2), 2: ("f4", 4), 6: ("u2", 2), 12: ("f2", 2)}
_STAMP_AT = 212
_BIG_ENDIAN, _LITTLE_ENDIAN = b"\x11", b"D"
# a header holds float32: 8.1 comes back as 8.1000004
_DECIMALS = 5
_MOST_PX = 4096


class BadMap(Exception):
    """A file that is no map, or cannot be read; the message says so, without the file's name."""


@dataclass(frozen=True, slots=True)
class MapHeader:
    """What a map's header says.

    Attributes
    ----------
    box_px
        Edge of the cube (px).
    pixel_size_angstrom
        0 if it is not told.
    kind
        NumPy's type of the values, with its byte order.
    offset
        Where the values begin (bytes).
    """

    box_px: int
    pixel_size_angstrom: float
    kind: str
    offset: int

    @property
    def section_bytes(self) -> int:
        """Size of a section."""
        return self.box_px**2 * int(self.kind[-1])

    def __str__(self) -> str:
        told = f" at {self.pixel_size_angstrom:.4g} Å" if self.pixel_size_angstrom > 0 else ""
        return f"{self.box_px} px{told}"


@dataclass(frozen=True, slots=True)
class FileMark:
    """What tells a file from what it was before: its path, size and time of change."""

    path: str
    size_bytes: int
    changed_ns: int


def mark_of(path: str) -> FileMark:
    """Look at a file.

    Raises
    ------
    BadMap
        If it is not there.
    """
    try:
        found = Path(path).stat()
    except (OSError, ValueError) as error:
        raise BadMap(_reason(error)) from None
    return FileMark(path, found.st_size, found.st_mtime_ns)


def read_header(file: BinaryIO) -> MapHeader:
    """Read the header of an open file, and see that the file is as long as it says.

    Raises
    ------
    BadMap
        If it is no map.
    """
    head, length = file.read(_BYTES), os.fstat(file.fileno()).st_size
    if len(head) < _BYTES:
        raise BadMap("is empty." if not head else f"is no MRC file, or still being written ({len(head)} bytes).")
    order = _byte_order(head)
    columns, rows, sections, mode = struct.unpack_from(f"{order}4i", head)
    (intervals,), (width,) = struct.unpack_from(f"{order}i", head, 28), struct.unpack_from(f"{order}f", head, 40)
    (extended,) = struct.unpack_from(f"{order}i", head, 92)
    if min(columns, rows, sections) < 1 or mode not in _MODES:
        raise BadMap(f"is no MRC file of a kind that is known ({columns} × {rows} × {sections}, mode {mode}).")
    if not columns == rows == sections <= _MOST_PX:
        raise BadMap(f"is no map of a particle: {columns} × {rows} × {sections} px is no cube that can be shown.")
    kind, size = _MODES[mode]
    offset = _BYTES + max(extended, 0)
    wanted = offset + columns**3 * size
    if length < wanted:
        raise BadMap(f"is cut off, or still being written: {length} bytes of {wanted}.")
    return MapHeader(columns, _pixel_size(width, intervals), f"{order}{kind}", offset)


def sections(path: str) -> "Iterator[tuple[MapHeader, int, np.ndarray[Any, Any]]]":
    """Give each section of a map along z as float32 (y, x); what is no number is 0.

    Raises
    ------
    BadMap
        If the file is no map or cannot be read, also in the middle of it.
    """
    try:
        with Path(path).open("rb") as file:
            header = read_header(file)
            file.seek(header.offset)
            for z in range(header.box_px):
                yield header, z, _section(file.read(header.section_bytes), header)
    except (OSError, ValueError) as error:
        raise BadMap(_reason(error)) from None


def _section(read: bytes, header: MapHeader) -> "np.ndarray[Any, Any]":
    import numpy as np

    if len(read) < header.section_bytes:
        raise BadMap("was cut off while it was read.")
    with np.errstate(all="ignore"):
        values = np.frombuffer(read, dtype=header.kind).astype(np.float32)
    if header.kind[1] == "f" and not np.isfinite(values.sum()):
        np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return values.reshape(header.box_px, header.box_px)


def _byte_order(head: bytes) -> str:
    stamp = head[_STAMP_AT : _STAMP_AT + 1]
    if stamp in (_BIG_ENDIAN, _LITTLE_ENDIAN):
        return ">" if stamp == _BIG_ENDIAN else "<"
    # old files have no stamp: sizes beyond what can be are those of the other order
    (columns,) = struct.unpack_from("<i", head)
    return "<" if 0 < columns < 2**16 else ">"


def _pixel_size(width: float, intervals: int) -> float:
    size = width / intervals if intervals > 0 else 0.0
    return round(size, _DECIMALS) if 0 < size < 1e6 else 0.0


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist."
    return f"cannot be read ({error.strerror or error})." if isinstance(error, OSError) else "cannot be read."
