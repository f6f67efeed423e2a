"""Keys by the names that tmux gives them, as the bytes that a terminal sends."""

_NAMED = {
    "Enter": b"\r",
    "Escape": b"\x1b",
    "Tab": b"\t",
    "BTab": b"\x1b[Z",
    "Space": b" ",
    "BSpace": b"\x7f",
    "Up": b"\x1b[A",
    "Down": b"\x1b[B",
    "Right": b"\x1b[C",
    "Left": b"\x1b[D",
    "Home": b"\x1b[H",
    "End": b"\x1b[F",
    "PageUp": b"\x1b[5~",
    "PageDown": b"\x1b[6~",
    "Delete": b"\x1b[3~",
    "F1": b"\x1bOP",
}
NAMES = (*_NAMED, *(f"C-{letter}" for letter in "bfglnprsu"))
_LONGEST_CONTROL = 3


def written(key: str) -> bytes:
    """Give the bytes of a key, or of what is typed."""
    if key.startswith("C-") and len(key) == _LONGEST_CONTROL:
        return bytes([ord(key[2].upper()) & 0x1F])
    return _NAMED.get(key, key.encode())


def in_brackets(text: str) -> bytes:
    """Give what a terminal sends when text is pasted into it."""
    return b"\x1b[200~" + text.encode() + b"\x1b[201~"
