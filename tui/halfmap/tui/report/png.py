"""Grey pictures as PNG, written with the standard library alone."""

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NO_FILTER = b"\0"


def grey_png(rows: Sequence[bytes]) -> bytes:
    """Write a picture of 8-bit greys.

    Parameters
    ----------
    rows
        From the top, a byte for each pixel; all of one length.

    Raises
    ------
    ValueError
        If there are no pixels, or the rows differ in length.
    """
    widths = {len(row) for row in rows}
    if len(widths) != 1 or widths == {0}:
        raise ValueError("a picture needs rows of one length, and pixels in them")
    header = struct.pack(">IIBBBBB", widths.pop(), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(_NO_FILTER + row for row in rows), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def as_uri(png: bytes) -> str:
    """Write a picture as an address that holds it."""
    return f"data:image/png;base64,{b64encode(png).decode()}"
