"""Where the lines of a large text are: line ends counted block by block, 8 bytes for each 64 KiB."""

from array import array
from bisect import bisect_left
from itertools import pairwise

BLOCK = 65536


class TextIndex:
    """Counts the line ends of a text that grows at its end.

    Parameters
    ----------
    base
        Where counting begins (bytes); a multiple of `BLOCK`.

    Attributes
    ----------
    size
        Up to where it was counted (bytes).
    """

    def __init__(self, base: int = 0) -> None:
        self.base = base
        self.size = base
        # line ends up to the end of each block
        self._sums = array("Q")

    @property
    def line_ends(self) -> int:
        """How many line ends were counted."""
        return self._sums[-1] if self._sums else 0

    def feed(self, data: bytes) -> None:
        """Count on, in the text that follows."""
        start = BLOCK - self.size % BLOCK
        edges = [0, *range(start, len(data), BLOCK), len(data)] if data else []
        for low, high in pairwise(edges):
            if (self.size + low) % BLOCK == 0:
                self._sums.append(self.line_ends)
            self._sums[-1] += data.count(b"\n", low, high)
        self.size += len(data)

    def find(self, number: int) -> tuple[int, int]:
        """Tell where a line end is.

        Parameters
        ----------
        number
            Which one, from 1 to `line_ends`.

        Returns
        -------
        tuple
            Where its block begins (bytes), and the how-manieth in that block it is, from 1.
        """
        block = bisect_left(self._sums, number)
        return self.base + block * BLOCK, number - self._before(block)

    def count_before(self, offset: int) -> tuple[int, int]:
        """Tell where the block of an offset begins, and how many line ends lie before that block."""
        block = (offset - self.base) // BLOCK
        return self.base + block * BLOCK, self._before(block)

    def _before(self, block: int) -> int:
        return self._sums[block - 1] if block else 0


def joined(head: TextIndex, tail: TextIndex) -> TextIndex:
    """Put two indices together, of which the second begins where the first one ends."""
    whole = TextIndex(head.base)
    whole.size = tail.size
    before = head.line_ends
    whole._sums = head._sums + array("Q", (before + one for one in tail._sums))
    return whole
