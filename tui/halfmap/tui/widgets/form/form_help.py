"""What is told of the option one is at: its names, what it does, and what is wrong with its value."""

from rich.text import Text
from textual.app import RenderResult

from halfmap.daemon.client import OptionRow
from halfmap.tui.form.findings import shortened
from halfmap.tui.text.option_help import names, title
from halfmap.tui.text.plain import cut
from halfmap.tui.widgets.form.form_part import FormPart


class FormHelp(FormPart):
    """Five rows: names, two of help, two of what is wrong or worth a hint."""

    DEFAULT_CSS = """
    FormHelp {
        height: 6;
        width: 100%;
        border-top: solid $panel-lighten-2;
        padding: 0 1;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[OptionRow | None, tuple[str, ...], str] = (None, (), "")

    def show(self, row: OptionRow | None, problems: tuple[str, ...], hint: str) -> None:
        """Tell of an option; None for none, and of what is wrong anyway."""
        if (row, problems, hint) != self._shown:
            self._shown = (row, problems, hint)
            self.refresh()

    def render(self) -> RenderResult:
        """Draw it."""
        row, problems, hint = self._shown
        drawn = Text() if row is None else self._about(row)
        for told in problems:
            drawn.append("\n" if drawn else "")
            drawn.append(Text(self.safe(f"! {shortened(told)}"), self.role("alarm")))
        if hint:
            drawn.append("\n" if drawn else "")
            drawn.append(Text(self.safe(hint), self.role("second")))
        return drawn

    def _about(self, row: OptionRow) -> Text:
        name = title(row)
        told = self.line(cut(f"  {names(row)}", self.size.width - len(name)), "note")
        drawn = Text.assemble(self.line(name, "title"), told, "\n", self.safe(row.help))
        drawn.no_wrap = False
        return drawn
