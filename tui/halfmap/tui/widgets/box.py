"""A frame in the middle of the screen, for what is asked or told over the form."""

from textual.containers import VerticalScroll


class Box(VerticalScroll, can_focus=False):
    """A frame as high as what is in it, up to the whole screen.

    Parameters
    ----------
    title, keys
        In the upper and the lower edge.
    """

    DEFAULT_CSS = """
    Box {
        width: 90%;
        max-width: 110;
        height: auto;
        max-height: 100%;
        border: round $primary;
        border-title-color: $foreground;
        border-title-style: bold;
        border-subtitle-color: $foreground;
        background: $surface;
        padding: 0 1;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, title: str, keys: str) -> None:
        super().__init__()
        self.border_title = title.replace("[", "\\[")
        self.border_subtitle = keys.replace("[", "\\[")
