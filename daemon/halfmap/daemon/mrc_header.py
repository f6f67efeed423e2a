"""The header of an MRC file: its size and pixel size, from its first bytes."""

import struct
from dataclasses import dataclass
from pathlib import Path

_BYTES = 1024
# bytes of a value by mode; 101 has two values in a byte
_MODE_BYTES = {0: 1, 1: 2, 2: 4, 6: 2, 12: 2, 101: 0.5}
_BIG_ENDIAN = b"\x11\x11"
# a header holds float32: 8.1 comes back as 8.1000004
_DECIMALS = 5


class BadHeader(Exception):
    """A file that is no MRC file, or is cut off; the message names it."""


@dataclass(frozen=True, slots=True)
class MrcHeader:
    """Columns, rows and sections (px, or images of a stack), and the pixel size (Å; 0 if it is not told)."""

    columns: int
    rows: int
    sections: int
    pixel_size_angstrom: float

    @property
    def is_cube(self) -> bool:
        """Whether it can be a map of a particle."""
        return self.columns == self.rows == self.sections

    def __str__(self) -> str:
        size = f"{self.columns} px" if self.is_cube else f"{self.columns} × {self.rows} × {self.sections} px"
        return f"{size} at {self.pixel_size_angstrom:g} Å" if self.pixel_size_angstrom > 0 else size


def read_mrc_header(path: Path, told_as: str) -> MrcHeader:
    """Read a header, and see that the file is as long as it says.

    Raises
    ------
    BadHeader
        If there is no such file, or it cannot be what it should be; `told_as` is how the file is called then.
    """
    try:
        # a pipe would never answer
        if not path.is_file() and path.exists():
            raise BadHeader(f"{told_as}: is not a file.")
        with path.open("rb") as file:
            head = file.read(_BYTES)
            length = file.seek(0, 2)
    except FileNotFoundError:
        raise BadHeader(f"{told_as}: does not exist.") from None
    except OSError as error:
        raise BadHeader(f"{told_as}: cannot be read ({error.strerror}).") from None
    if len(head) < _BYTES:
        raise BadHeader(f"{told_as}: {len(head)} bytes are no MRC file.")
    order = ">" if head[212:214] == _BIG_ENDIAN else "<"
    columns, rows, sections, mode = struct.unpack_from(f"{order}4i", head, 0)
    (intervals,), (width,) = struct.unpack_from(f"{order}i", head, 28), struct.unpack_from(f"{order}f", head, 40)
    (extended,) = struct.unpack_from(f"{order}i", head, 92)
    if min(columns, rows, sections) < 1 or mode not in _MODE_BYTES:
        raise BadHeader(
            f"{told_as}: no MRC file of a kind that is known ({columns} × {rows} × {sections}, mode {mode})."
        )
    wanted = _BYTES + max(extended, 0) + int(columns * rows * sections * _MODE_BYTES[mode])
    if length < wanted:
        raise BadHeader(f"{told_as}: is cut off; {length} bytes of {wanted}.")
    return MrcHeader(columns, rows, sections, round(width / intervals, _DECIMALS) if intervals > 0 else 0.0)
