"""The form of a job that belongs to a project: opened, and checked by the daemon while it is filled in."""

import asyncio
from collections.abc import Mapping

from textual.timer import Timer

from halfmap.daemon.client import FormDraft, Launch, PathRow, Refused
from halfmap.tui.files.patient import Patience
from halfmap.tui.form.findings import keyed, refused
from halfmap.tui.form.form import open_form, unknown
from halfmap.tui.screens.choose_project import ChooseProjectScreen, project_here
from halfmap.tui.screens.form_dialogs import TextScreen
from halfmap.tui.screens.form_screen import FormScreen
from halfmap.tui.text.form_words import status
from halfmap.tui.widgets.form.form_line import FormLine
from halfmap.tui.widgets.form.form_part import FieldChanged

OPTIONS_S = 0.3
"""How long nothing must have been changed before the options are checked (s)."""
FILES_S = 0.7
"""How much later the files are looked at (s)."""
AWAY_S = 1.0
"""How often a daemon that is away is asked again (s)."""
_AT_ONCE_S = 0.001


class CheckedFormScreen(FormScreen):
    """Has the daemon check what is filled in.

    Parameters
    ----------
    project
        The project; None to ask for it.
    options
        What the form begins with.
    origin
        Where that comes from, for the title; empty for a new job.
    notes
        What to know about the options that the form begins with; told at first.

    Attributes
    ----------
    launch
        How the job is to be run; what is right depends on it.
    trouble
        Why the daemon does not answer; empty if it does.
    doing
        What is waited for, in words; empty for nothing.
    """

    def __init__(self, project: str | None, options: Mapping[str, str], origin: str, notes: tuple[str, ...]) -> None:
        super().__init__()
        self.project = project
        self.notes = notes
        self.launch = Launch()
        self._options = dict(options)
        self._origin = origin
        self._has_checked = False
        self.trouble = ""
        self.doing = ""
        self._opening = asyncio.Lock()
        self._waiting: Timer | None = None

    # --- opening -----------------------------------------------------------------------------------------------------

    async def changed(self, jobs: frozenset[int]) -> None:  # noqa: ARG002 (the form is nobody else's)
        """Open the form if it is not open yet; what changes meanwhile would break off whatever is done here."""
        if not self.form.rows:
            self.run_worker(self._open_once(), group="open")

    def away(self, reason: str) -> None:
        """Tell that the daemon is away; what was typed stays."""
        self.trouble = reason
        self.show()
        if self.form.rows:
            self.check(0.0)

    async def _open_once(self) -> None:
        async with self._opening:
            if not self.form.rows:
                await self._open()

    async def _open(self) -> None:
        rows = await self.ask(self.service.options)
        if rows is None:
            self.away(self.halfmap.link.away)
            return
        self.trouble = ""
        self.form = open_form(tuple(rows), self._options)
        await self.open_tab(self.form.tabs[0])
        if left_out := unknown(self.form.rows, self._options):
            self.tell(f"this job has no options {', '.join(left_out)}; they were left out.", "warning")
        if self.project is None:
            self.run_worker(self._choose_project(), group="project")
            return
        if self.notes:
            self.app.push_screen(TextScreen(" · ".join(("New job", self._origin)), self.notes))
        self.check(0.0)

    async def _choose_project(self) -> None:
        """Ask for the project until one is chosen that is watched, or leave."""
        here = await project_here(Patience())
        while self.project is None:
            rows = await self.ask(self.service.projects) or []
            chosen = await self.app.push_screen_wait(ChooseProjectScreen(tuple(rows), here, self.halfmap.link.away))
            if chosen is None:
                self.dismiss()
                return
            is_watched = any(row.project == chosen for row in rows)
            self.project = chosen if is_watched else await self._watch(chosen)
        self.show()
        self.check(0.0)

    async def _watch(self, project: str) -> str | None:
        row = await self.change(lambda key: self.service.watch(project, key))
        return row.project if row else None

    # --- showing -----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show the form, and how far it is; nothing while the screen is being made or taken away."""
        if not self.query(FormLine):
            return
        left = " · ".join(part for part in ("New job", self._origin, self.project or "") if part)
        if self.trouble:
            right, role = "the daemon is away; what you typed stays", "alarm"
        elif self.doing:
            right, role = self.doing, "note"
        elif self.look.read_only:
            right, role = "read-only: nothing is submitted", "second"
        else:
            right, role = status(self.findings, self._has_checked)
        self.query_one("#title", FormLine).show(left, right, role)
        super().show()

    def troubles(self) -> tuple[str, ...]:
        """Tell why there is no form."""
        return (self.trouble,) if self.trouble and not self.form.rows else ()

    async def complete(self, text: str, pattern: str) -> tuple[PathRow, ...]:
        """Complete a path in the project; nothing while the daemon is away."""
        project = self.project
        if project is None:
            return ()
        try:
            return tuple(await self.halfmap.link.ask(lambda: self.service.browse(project, text, pattern)) or ())
        except Refused:
            return ()

    # --- checking ----------------------------------------------------------------------------------------------------

    def on_field_changed(self, event: FieldChanged) -> None:
        """Take what was typed, and have it checked."""
        event.stop()
        self.put(event.key, event.text)

    def put(self, key: str, text: str) -> None:
        """Set an option, and have it checked."""
        self.form = self.form.with_value(key, text)
        self.findings = self.findings.after_change(key)
        self.show()
        self.check(OPTIONS_S)

    def check(self, delay_s: float) -> None:
        """Have the form checked after a time (s); a later check takes the place of one that has not ended."""
        self.stop_checks()
        self._waiting = self.set_timer(max(delay_s, _AT_ONCE_S), self._begin_to_look)

    def stop_checks(self) -> None:
        """Check nothing more, until something is changed."""
        if self._waiting is not None:
            self._waiting.stop()
        self.workers.cancel_group(self, "check")

    def _begin_to_look(self) -> None:
        self.run_worker(self._look_twice(), group="check", exclusive=True)

    async def _look_twice(self) -> None:
        """Check the options, and a little later the files too; again and again while the daemon is away."""
        while not await self.look_at(with_files=False):
            if not self.trouble:
                return
            await asyncio.sleep(AWAY_S)
        await asyncio.sleep(FILES_S)
        await self.look_at(with_files=True)

    async def look_at(self, with_files: bool) -> bool:
        """Check the form now; False if there is no answer, or the form has changed meanwhile."""
        if self.project is None:
            return False
        options = self.form.options
        draft = FormDraft(project=self.project, options=options, launch=self.launch, looks_at_files=with_files)
        try:
            check = await self.halfmap.link.ask(lambda: self.service.check_form(draft))
            facts = None
        except Refused as error:
            check, facts = refused(self.form, error.refusal), self.findings.facts
        self.trouble = self.halfmap.link.away if check is None else ""
        if check is None or options != self.form.options:
            self.show()
            return False
        check = keyed(self.form, check)
        if with_files:
            self.findings = self.findings.after_files(check, facts)
        else:
            self.findings = self.findings.after_options(check)
        self._has_checked = True
        self.show()
        return True
