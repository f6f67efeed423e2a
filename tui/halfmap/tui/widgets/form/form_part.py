"""What all parts of the form have in common."""

from rich.style import Style
from rich.text import Text
from textual.message import Message
from textual.widget import Widget

from halfmap.tui.palette import style_of
from halfmap.tui.terminal.look import Look
from halfmap.tui.text.plain import in_ascii, plain


class FieldChanged(Message):
    """A field was changed by hand.

    Attributes
    ----------
    key
        The option.
    text
        Its new text.
    """

    def __init__(self, key: str, text: str) -> None:
        super().__init__()
        self.key = key
        self.text = text


class FormPart(Widget):
    """A part of the form: it knows how things are drawn here."""

    @property
    def look(self) -> Look:
        """How things are drawn."""
        found = getattr(self.app, "look", None)
        return found if isinstance(found, Look) else Look()

    def safe(self, text: str) -> str:
        """Make a line harmless, and ASCII where only that is drawn."""
        return in_ascii(plain(text)) if self.look.ascii else plain(text)

    def role(self, role: str) -> Style:
        """Give the style of a role; none for an empty name."""
        return style_of(role, self.look.theme)

    def line(self, text: str, role: str = "", style: str = "") -> Text:
        """Write a harmless line in the colour of a role, or in a style."""
        return Text(self.safe(text), self.role(role) if role else style, no_wrap=True, end="")
