"""Text of others made harmless: nothing that a terminal would obey, nothing wider than its place."""

from rich.cells import cell_len, set_cell_size

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_IN_ASCII = str.maketrans(
    {
        "Å": "A",
        "°": "deg",
        "µ": "u",
        "σ": "s",
        "τ": "t",
        "×": "x",
        "·": ".",
        "…": "~",
        "–": "-",
        "—": "-",
        "−": "-",
        "≤": "<",
        "≥": ">",
        "≈": "~",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "▸": ">",
        "●": "*",
        "█": "#",
        "│": "|",
        "─": "-",
    }
)


def plain(text: str) -> str:
    """Replace everything that is not simply seen: control and escape characters, line ends, marks that turn text round.

    Names of jobs, projects and processes are other people's, and a terminal obeys what it is sent.
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else _REPLACEMENT for one in text)


def plain_lines(text: str) -> str:
    """Do the same with a text of several lines, which stay several."""
    return "\n".join(plain(line) for line in text.splitlines())


def in_ascii(text: str) -> str:
    """Write a text of one or several lines in ASCII; what has no likeness becomes ``?``.

    Only ``°`` grows (``deg``): do this before a text is measured, and once more for the ``…`` of what was cut.
    """
    return text if text.isascii() else text.translate(_IN_ASCII).encode("ascii", "replace").decode("ascii")


def cut(text: str, cells: int) -> str:
    """Cut a line to a number of cells, with ``…`` where its end is missing; wide characters are not halved."""
    if cell_len(text) <= cells:
        return text
    return "" if cells < 1 else set_cell_size(text, cells - 1).rstrip() + "…"


def cut_front(text: str, cells: int) -> str:
    """Cut a line to a number of cells, with ``…`` where its beginning is missing: the end of a path says most."""
    if cell_len(text) <= cells:
        return text
    kept = text[max(0, len(text) - max(cells - 1, 0)) :] if cells > 1 else ""
    while cell_len(kept) > cells - 1 > 0:
        kept = kept[1:]
    return "" if cells < 1 else f"…{kept}"
