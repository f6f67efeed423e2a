"""Words in the borders of a pane."""

from textual.content import Content
from textual.widget import Widget

from halfmap.tui.text.plain import in_ascii

_CORNERS = 6


def room_in_border(widget: Widget) -> int:
    """Tell how many cells words have in a border of this width."""
    return widget.outer_size.width - _CORNERS


def write_in_border(widget: Widget, title: str, under: str, *, is_ascii: bool) -> None:
    """Write above and below, as text and not as markup; a border that says so already is not drawn again."""
    for name, text in (("border_title", title), ("border_subtitle", under)):
        content = Content(in_ascii(text) if is_ascii else text)
        if getattr(widget, f"_{name}") != content:
            setattr(widget, name, content)
