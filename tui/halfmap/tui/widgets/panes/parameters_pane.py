"""What a job ran with."""

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from halfmap.tui.job.picture import JobPicture
from halfmap.tui.palette import style_of
from halfmap.tui.text.parameters import Parameter, parameters
from halfmap.tui.text.plain import plain
from halfmap.tui.widgets.panes.lines_view import LinesView
from halfmap.tui.widgets.panes.pane import Pane

_ALL, _CHANGED = 0, 1
_LABEL_SHARE = 0.45


class ParametersPane(Pane):
    """Lists parameters: all, those that were changed, or those that differ from another job's."""

    TITLE = "Parameters"
    KEY = "9"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "next_view", "Parameters: all, changed, compared")]

    def __init__(self) -> None:
        super().__init__()
        self._picture = JobPicture()
        self._view = _CHANGED

    def compose(self) -> ComposeResult:
        """One list."""
        yield LinesView()

    def show(self, picture: JobPicture) -> None:
        """Show a job's parameters."""
        same = (picture.detail, picture.form, picture.others) == (
            self._picture.detail,
            self._picture.form,
            self._picture.others,
        )
        self._picture = picture
        if not same:
            self._draw()

    def on_resize(self) -> None:
        """Fit the columns."""
        self._draw()

    def action_next_view(self) -> None:
        """Show all, then those that differ from the defaults, then from each other job."""
        self._view = (self._view + 1) % (2 + len(self._picture.others))
        self._draw()

    def _draw(self) -> None:
        view = self._view if self._view < 2 + len(self._picture.others) else _CHANGED
        names = ["all", "changed from the default"]
        names += [f"different from {plain(other.name)}" for other in self._picture.others]
        self.border_title = f"{self.KEY} {self.TITLE}: {names[view]}"
        self.query_one(LinesView).show_lines(list(self._lines(view)))

    def _lines(self, view: int) -> Iterator[Text]:
        detail = self._picture.detail
        if detail is None:
            return
        other = self._picture.others[view - 2].options if view >= 2 else None
        listed = [one for one in parameters(self._picture.form, detail.options, other) if view == _ALL or one.differs]
        if not listed:
            yield Text("no differences" if view >= 2 else "every option has its default", style=self._style("note"))
        tab = ""
        for one in listed:
            if one.tab != tab:
                tab = one.tab
                yield Text(tab, style=self._style("title"))
            yield self._line(one, view)

    def _line(self, one: Parameter, view: int) -> Text:
        width = max(10, int(self.size.width * _LABEL_SHARE))
        label = Text(f"  {plain(one.label)}")
        label.truncate(width, overflow="ellipsis", pad=True)
        value = Text(plain(one.value) or "(empty)", style=self._style("second") if one.differs else "")
        line = label + Text(" ") + value
        if view >= 2:
            line += Text(f"  (there {plain(one.other) or 'empty'})", style=self._style("note"))
        elif one.differs:
            line += Text(f"  (default {plain(one.other) or 'empty'})", style=self._style("note"))
        return line

    def _style(self, role: str) -> str:
        return str(style_of(role, self.look.theme))
