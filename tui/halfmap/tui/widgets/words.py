"""A few words on the screen, drawn anew only when they are others."""

from rich.text import Text
from textual.widgets import Static

from halfmap.tui.palette import style_of
from halfmap.tui.terminal.look import Look
from halfmap.tui.text.cells import Cell


class Words(Static):
    """Says something; what is said is no markup."""

    DEFAULT_CSS = """
    Words {
        height: 1;
        padding: 0 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(markup=False, id=id, classes=classes)
        self.said = Text()

    @property
    def theme(self) -> str:
        """The palette to draw with."""
        look = getattr(self.app, "look", None)
        return look.theme if isinstance(look, Look) else Look().theme

    def say(self, *parts: Cell) -> None:
        """Say this, unless it is said already."""
        text = Text()
        for part in parts:
            text.append(part.text, style_of(part.role, self.theme))
        self.say_text(text)

    def say_text(self, text: Text) -> None:
        """Say this, unless it is said already; only a change of the number of lines moves what stands around it."""
        if text == self.said:
            return
        text = text if text.plain else Text()  # Textual cannot draw styles of nothing
        grows = text.plain.count("\n") != self.said.plain.count("\n") or bool(text) != bool(self.said)
        self.said = text
        self.update(text, layout=grows and self.styles.height is not None and self.styles.height.is_auto)
