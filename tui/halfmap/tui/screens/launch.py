"""How a job is to be run: asked when it is submitted."""

import time
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from halfmap.daemon.client import OptionRow, PathRow
from halfmap.tui.form.field_state import FieldState, field_state
from halfmap.tui.form.findings import Findings
from halfmap.tui.form.form import Form
from halfmap.tui.form.launch_form import Launching, read_launch
from halfmap.tui.widgets.box import Box
from halfmap.tui.widgets.form.form_page import FormPage
from halfmap.tui.widgets.form.form_part import FieldChanged, FormPart
from halfmap.tui.widgets.form.pick_list import PickList


class LaunchScreen(ModalScreen[Launching | None], FormPart):
    """Asks for priority, place, engine and the like; gives None if the job is not to be submitted.

    Parameters
    ----------
    form
        The form, with what was chosen the last time.
    told
        What the job takes, and what to know before it is submitted.
    title, enter
        What is asked, and what Enter does.
    """

    DEFAULT_CSS = """
    LaunchScreen {
        align: center middle;
    }
    LaunchScreen FormPage {
        height: auto;
        max-height: 100%;
    }
    LaunchScreen #told, LaunchScreen #help {
        height: auto;
        padding: 0 0 1 0;
    }
    LaunchScreen FieldLabel {
        width: 14;
    }
    LaunchScreen #help {
        height: 3;
        padding: 1 0 0 0;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Submit"),
        Binding("ctrl+s", "submit", "Submit", priority=True),
        Binding("escape", "dismiss(None)", "Back to the form"),
    ]

    def __init__(self, form: Form, told: tuple[str, ...], title: str, enter: str) -> None:
        super().__init__()
        self.form = form
        self._title = title
        self._enter = enter
        self._told = told
        self._findings = Findings()
        self._page = FormPage(form.rows, "", self._state, _no_paths)

    def compose(self) -> ComposeResult:
        """What the job takes, the fields, a word on the field one is at."""
        with Box(self._title, f"{self._enter}   Esc back to the form"):
            yield Static(Text("\n".join(self.safe(one) for one in self._told)), id="told")
            yield self._page
            yield Static(id="help", markup=False)
        yield PickList()

    def on_mount(self) -> None:
        """Begin at the top."""
        self._page.enter()

    def on_descendant_focus(self) -> None:
        """Tell what the field means."""
        self._help()

    def on_field_changed(self, event: FieldChanged) -> None:
        """Take what was typed, and tell what is wrong with it."""
        self.form = self.form.with_value(event.key, event.text)
        self._read()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Submit."""
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Give what was chosen, if nothing is wrong with it."""
        found = self._read()
        if isinstance(found, Launching):
            self.dismiss(found)
        else:
            self._page.enter(self._findings.problems[0].key)

    def _read(self) -> Launching | None:
        found = read_launch(self.form, time.time())
        self._findings = Findings() if isinstance(found, Launching) else Findings(found)
        self._page.show(self._state)
        self._help()
        return found if isinstance(found, Launching) else None

    def _state(self, row: OptionRow) -> FieldState:
        return field_state(self.form, self._findings, row)

    def _help(self) -> None:
        here = self._page.here()
        if here is not None:
            wrong = self._findings.of(here.row.key)
            self.query_one("#help", Static).update(self.safe(f"! {wrong[0]}" if wrong else here.row.help))


async def _no_paths(_text: str, _pattern: str) -> tuple[PathRow, ...]:
    """Complete nothing: none of these fields is a path."""
    return ()
