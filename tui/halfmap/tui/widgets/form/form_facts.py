"""What the job would work on and take: two lines, or a column where there is room."""

from rich.text import Text
from textual.app import RenderResult

from halfmap.tui.form.findings import Findings
from halfmap.tui.form.form import Form
from halfmap.tui.text.form_facts import coarse_step, command_lines, cost, in_full, work
from halfmap.tui.text.plain import cut
from halfmap.tui.widgets.form.form_part import FormPart


class FactsLines(FormPart):
    """Two lines under the form."""

    DEFAULT_CSS = """
    FactsLines {
        height: 2;
        width: 100%;
        padding: 0 1;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[tuple[str, str], ...] = ()

    def show(self, form: Form, findings: Findings) -> None:
        """Tell the facts."""
        lines = _two_lines(form, findings)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render(self) -> RenderResult:
        """Draw them."""
        width = self.size.width
        return Text("\n").join(self.line(cut(self.safe(told), width), role) for told, role in self._lines)


class FactsColumn(FormPart):
    """A column beside the form."""

    DEFAULT_CSS = """
    FactsColumn {
        display: none;
        width: 2fr;
        height: 1fr;
        border-left: solid $panel-lighten-2;
        padding: 0 1;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._blocks: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def show(self, form: Form, findings: Findings) -> None:
        """Tell all there is to tell."""
        blocks = tuple(block for block in _blocks(form, findings) if block[2])
        if blocks != self._blocks:
            self._blocks = blocks
            self.refresh()

    def render(self) -> RenderResult:
        """Draw it."""
        drawn = Text()
        for name, role, lines in self._blocks:
            drawn.append(self.line(name, "title"))
            drawn.append("\n")
            for told in lines:
                drawn.append(Text(self.safe(told), self.role(role)))
                drawn.append("\n")
            drawn.append("\n")
        return drawn


def _two_lines(form: Form, findings: Findings) -> tuple[tuple[str, str], ...]:
    facts = findings.facts
    first = " · ".join(part for part in (work(facts), cost(facts)) if part)
    if not findings.has_looked:
        first = "The files have not been looked at yet."
    warnings = tuple((f"warning: {one}", "second") for one in facts.warnings)
    step = coarse_step(form, facts)
    more = (*warnings, *(((step, "note"),) if step else ()))
    return ((first or "What the job takes is not known.", "note"), *more[:1])


def _blocks(form: Form, findings: Findings) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    facts = findings.facts
    problems = tuple(f"! {one.message}" for one in findings.in_order(form))
    return (
        ("The job", "note", tuple(in_full(form, facts, findings.has_looked))),
        (f"Problems: {len(problems)} (F2)", "alarm", problems),
        ("Warnings", "second", facts.warnings),
        ("Command (F3)", "note", tuple(command_lines(facts.command))),
    )
