"""What keys are called on the screen, in ASCII."""

from textual.keys import key_to_character

_NAMES = {
    "slash": "/",
    "plus": "+",
    "minus": "-",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "backspace": "Backspace",
    "delete": "Del",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "ctrl+@": "Ctrl+Space",
}


def key_name(key: str) -> str:
    """Write a key of a binding: ``/``, ``Enter``, ``Ctrl+S``, ``F1``."""
    if key in _NAMES:
        return _NAMES[key]
    *modifiers, last = key.split("+")
    character = key_to_character(key)
    if not modifiers and character is not None and character.isprintable() and character.isascii():
        return character
    written = _NAMES.get(last, last.upper() if len(last) == 1 or last[:1] == "f" else last)
    return "+".join((*(modifier.capitalize() for modifier in modifiers), written))
