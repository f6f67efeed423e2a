"""A line of the form's screen: something at its left, and something at its right that matters more."""

from rich.cells import cell_len
from rich.text import Text
from textual.app import RenderResult

from halfmap.tui.text.plain import cut
from halfmap.tui.widgets.form.form_part import FormPart


class FormLine(FormPart):
    """One line of text."""

    DEFAULT_CSS = """
    FormLine {
        height: 1;
        width: 100%;
        padding: 0 1;
    }
    """

    def __init__(self, id: str) -> None:  # noqa: A002 (as Textual calls it)
        super().__init__(id=id)
        self._shown = ("", "", "")

    def show(self, left: str, right: str = "", role: str = "") -> None:
        """Show two texts, the right one in the colour of a role; where both do not fit, the left one is cut."""
        if (left, right, role) != self._shown:
            self._shown = (left, right, role)
            self.refresh()

    def render(self) -> RenderResult:
        """Draw them."""
        left, right, role = self._shown
        width = self.size.width
        right = self.safe(cut(self.safe(right), width))
        room = width - cell_len(right) - (2 if right else 0)
        left = self.safe(cut(self.safe(left), room))
        gap = " " * max(0, width - cell_len(left) - cell_len(right))
        return Text.assemble(self.line(left, style="bold" if role else ""), gap, self.line(right, role))
