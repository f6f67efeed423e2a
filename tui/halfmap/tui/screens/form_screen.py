"""The form of a job as it is looked at: tabs, fields, help, facts."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from halfmap.daemon.client import OptionRow, PathRow
from halfmap.tui.form.field_state import FieldState, field_state
from halfmap.tui.form.findings import Findings
from halfmap.tui.form.form import NOT_OFFERED, Form
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.screens.form_dialogs import ProblemsScreen, TextScreen
from halfmap.tui.text import form_facts, option_help
from halfmap.tui.text.form_facts import COARSE_STEP_KEY
from halfmap.tui.text.form_words import keys_text
from halfmap.tui.widgets.form.choice_field import ChoiceField
from halfmap.tui.widgets.form.form_facts import FactsColumn, FactsLines
from halfmap.tui.widgets.form.form_help import FormHelp
from halfmap.tui.widgets.form.form_keys import FormKeys
from halfmap.tui.widgets.form.form_line import FormLine
from halfmap.tui.widgets.form.form_page import FormPage
from halfmap.tui.widgets.form.form_tabs import FormTabs
from halfmap.tui.widgets.form.pick_list import PickList
from halfmap.tui.widgets.form.switch_field import SwitchField

_KEPT = "A run that goes on keeps these from its first iteration. Empty “Continue from here” to change them."


class FormScreen(HalfmapScreen):
    """Shows a form; a subclass fills it in."""

    DEFAULT_CSS = """
    FormScreen {
        layout: vertical;
    }
    FormScreen #body {
        height: 1fr;
    }
    FormScreen #title {
        background: $panel;
    }
    FormScreen.-wide FactsColumn {
        display: block;
    }
    FormScreen.-wide FactsLines {
        display: none;
    }
    FormScreen.-wide FormPage {
        width: 3fr;
    }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 (as Textual declares it)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n,pagedown", "tab(1)", "Next tab"),
        Binding("ctrl+p,pageup", "tab(-1)", "Tab before"),
        *(Binding(f"alt+{n}", f"tab_at({n})", f"Tab {n}", show=False, priority=True) for n in range(1, 9)),
        Binding("enter", "enter", "Turn the switch round, open the choice; in a line: next field", show=False),
        Binding("f1", "help_option", "Help of the option"),
        Binding("f2", "problems", "All problems"),
        Binding("f3", "facts", "What the job takes"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.form = Form()
        self.findings = Findings()
        self.notes: tuple[str, ...] = ()
        self.tab = ""
        self._last_keys: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Title, tabs, fields, facts, help, keys."""
        yield FormLine("title")
        yield FormTabs()
        with Horizontal(id="body"):
            yield FactsColumn()
        yield FactsLines()
        yield FormHelp()
        yield FormKeys()
        yield PickList()

    @property
    def page(self) -> FormPage | None:
        """The fields of the open tab."""
        return next(iter(self.query(FormPage)), None)

    # --- showing -----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show the form and what is known of it; only what changed is drawn."""
        self.query_one(FormTabs).show(self.form.tabs, self.tab, self.findings.counts(self.form))
        self.query_one(FactsLines).show(self.form, self.findings)
        self.query_one(FactsColumn).show(self.form, self.findings)
        if page := self.page:
            page.show(self._state)
        self._show_help()

    def _state(self, row: OptionRow) -> FieldState:
        return field_state(self.form, self.findings, row)

    def _show_help(self) -> None:
        page = self.page
        here = page.here() if page else None
        row = here.row if here else None
        hint = form_facts.coarse_step(self.form, self.findings.facts) if row and row.key == COARSE_STEP_KEY else ""
        if page and row is None and self.form.continues:
            hint = _KEPT
        self.query_one(FormHelp).show(row, self.findings.of(row.key) if row else self.troubles(), hint)
        self.query_one(FormKeys).show(here.editor.KEY if here else None)

    async def open_tab(self, tab: str, key: str = "") -> None:
        """Open a tab, at an option if one is named, else where one was the last time."""
        old = self.page
        here = old.here() if old else None
        if here:
            self._last_keys[self.tab] = here.row.key
        if old and tab == self.tab:
            old.enter(key)
            return
        await self._mount_tab(old, tab, key)

    async def reopen(self) -> None:
        """Make the fields anew, for which of them there are may have changed."""
        page = self.page
        here = page.here() if page else None
        await self._mount_tab(page, self.tab, here.row.key if here else "")

    async def _mount_tab(self, old: FormPage | None, tab: str, key: str) -> None:
        self.tab = tab
        self.query_one(PickList).close()
        page = FormPage(self.form.fields(tab), NOT_OFFERED.get(tab, ""), self._state, self.complete)
        with self.app.batch_update():
            if old:
                await old.remove()
            await self.query_one("#body").mount(page, before=0)
            # another tab may have been opened before this one stood
            if self.page is page:
                page.enter(key or self._last_keys.get(tab, ""))
            self.show()

    async def go_to(self, key: str) -> None:
        """Go to the field of an option."""
        if row := self.form.row(key):
            await self.open_tab(row.tab, key)

    # --- events ------------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Close the list, which lies where its field was."""
        for one in self.query(PickList):
            one.close()

    def on_descendant_focus(self) -> None:
        """Tell of the option one is at."""
        self._show_help()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field."""
        event.stop()
        self.focus_next()

    @on(FormTabs.Chosen)
    async def _choose_tab(self, event: FormTabs.Chosen) -> None:
        await self.open_tab(event.tab)

    # --- what keys do ------------------------------------------------------------------------------------------------

    async def action_tab(self, by: int) -> None:
        """Open the next tab or the one before."""
        tabs = self.form.tabs
        if tabs:
            await self.open_tab(tabs[(tabs.index(self.tab) + by) % len(tabs)])

    async def action_tab_at(self, number: int) -> None:
        """Open a tab by its number."""
        if number <= len(self.form.tabs):
            await self.open_tab(self.form.tabs[number - 1])

    def action_enter(self) -> None:
        """Turn a switch round, open a choice."""
        here = self.page.here() if self.page else None
        if here and isinstance(here.editor, SwitchField):
            here.editor.action_turn()
        elif here and isinstance(here.editor, ChoiceField):
            here.editor.action_open()

    def action_help_option(self) -> None:
        """Tell everything about the option, and all keys."""
        here = self.page.here() if self.page else None
        told = (*option_help.in_full(here.row), "") if here else ()
        self.app.push_screen(TextScreen(option_help.title(here.row) if here else "Keys", (*told, *keys_text())))

    async def action_problems(self) -> None:
        """List all problems."""
        if not self.findings.problems:
            self.tell("nothing is wrong, as far as it was looked at.")
            return
        self.app.push_screen(ProblemsScreen(self.findings.in_order(self.form)), self._chosen)

    async def _chosen(self, key: str | None) -> None:
        if key:
            await self.go_to(key)

    def action_facts(self) -> None:
        """Tell what the job takes, and its command."""
        facts = self.findings.facts
        blocks = (
            self.notes,
            tuple(form_facts.in_full(self.form, facts, self.findings.has_looked)),
            tuple(f"warning: {one}" for one in facts.warnings),
            tuple(form_facts.command_lines(facts.command)) or ("There is no command while options are wrong.",),
        )
        lines = [line for block in blocks if block for line in (*block, "")]
        self.app.push_screen(TextScreen("The job", tuple(lines[:-1])))

    def troubles(self) -> tuple[str, ...]:
        """Tell what is wrong where there is no field."""
        return ()

    async def complete(self, text: str, pattern: str) -> tuple[PathRow, ...]:
        """Complete a path; a subclass knows the project."""
        raise NotImplementedError
