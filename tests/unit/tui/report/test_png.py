import struct
import zlib
from collections.abc import Iterator

import pytest

from halfmap.tui.report.png import as_uri, grey_png


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Read a picture as the standard says, sums included."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, content = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length) == (zlib.crc32(kind + content),)
        yield kind, content
        place += 12 + length


def test_a_picture_holds_its_size_and_its_greys() -> None:
    found = dict(chunks(grey_png([bytes([0, 128, 255]), bytes([7, 8, 9])])))
    assert list(found) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", found[b"IHDR"]) == (3, 2, 8, 0, 0, 0, 0)
    assert zlib.decompress(found[b"IDAT"]) == bytes([0, 0, 128, 255, 0, 7, 8, 9])


@pytest.mark.parametrize("rows", [[], [b""], [b"ab", b"a"]])
def test_rows_that_are_no_picture_are_refused(rows: list[bytes]) -> None:
    with pytest.raises(ValueError, match="rows of one length"):
        grey_png(rows)


def test_a_picture_is_an_address_of_its_own() -> None:
    assert as_uri(b"\x00\x01") == "data:image/png;base64,AAE="
