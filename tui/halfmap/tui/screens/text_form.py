"""The form of a job, edited as a job.star in the person's own editor."""

import os
from dataclasses import replace
from typing import ClassVar

from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType

from halfmap.daemon.client import FormText, Refused
from halfmap.tui.form.editor import EditorFailed, edited, editor_argv
from halfmap.tui.form.read_back import read_back
from halfmap.tui.screens.checked_form import CheckedFormScreen
from halfmap.tui.screens.form_dialogs import TextScreen


class TextFormScreen(CheckedFormScreen):
    """Lends the terminal to an editor; a text that cannot be read is kept for the next time, and the form stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+e", "edit_text", "Edit as job.star in your editor", priority=True),
    ]
    refused_text = ""

    def action_edit_text(self) -> None:
        """Edit the form as a job.star in $VISUAL or $EDITOR."""
        if self.form.rows:
            self.run_worker(self._edit_text(), group="submit", exclusive=True)

    async def _edit_text(self) -> None:
        written = await self.ask(lambda: self.service.write_form(self.form.options))
        if written is None:
            return
        try:
            text = self._edited(self.refused_text or written.text)
        except EditorFailed as error:
            self.tell(f"{error}", "error")
        except SuspendNotSupported:
            self.tell("this terminal cannot be lent to an editor; nothing was changed.", "error")
        else:
            await self._take_text(written, text)

    def _edited(self, text: str) -> str:
        argv = editor_argv(os.environ)
        with self.app.suspend():
            # an exception that left this block would leave the terminal to nobody
            try:
                return edited(argv, text, "job.star")
            except EditorFailed as error:
                failed = error
        raise failed

    async def _take_text(self, written: FormText, text: str) -> None:
        if text == written.text:
            self.refused_text = ""
            self.tell("nothing was changed.")
            return
        self.refused_text = text
        try:
            read = await self.halfmap.link.ask(lambda: self.service.read_form(text))
        except Refused as error:
            told = (f"{error}", "", "The form stays as it was. Ctrl+E opens what you wrote once more.")
            self.app.push_screen(TextScreen("The file cannot be read", told))
            return
        if read is None:
            self.tell("the daemon does not answer; the form stays, and Ctrl+E opens what you wrote.", "error")
            return
        self.refused_text = ""
        await self._take_form(written, read)

    async def _take_form(self, written: FormText, read: FormText) -> None:
        taken = read_back(self.form, written, read)
        self.form = taken.form
        self.findings = replace(self.findings, of_files=())
        if taken.sentences:
            self.app.push_screen(TextScreen("Not everything in the file has a field", taken.sentences))
        await self.reopen()
        self.check(0.0)
