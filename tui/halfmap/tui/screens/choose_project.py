"""Which project a new job belongs to."""

import os
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from halfmap.daemon.client import ProjectRow
from halfmap.tui.files.patient import Patience, Unanswered
from halfmap.tui.form.field_state import FieldState
from halfmap.tui.text.plain import cut_front
from halfmap.tui.widgets.box import Box
from halfmap.tui.widgets.form.form_part import FormPart
from halfmap.tui.widgets.form.line_field import LineField


async def project_here(patience: Patience) -> str:
    """Give the working directory if it is a RELION project; empty if not, or if its file system does not answer."""
    try:
        return await patience.do(lambda _: _here())
    except (Unanswered, OSError):
        return ""


def _here() -> str:
    here = Path.cwd()
    return str(here) if (here / "default_pipeline.star").exists() else ""


class ChooseProjectScreen(ModalScreen[str | None], FormPart):
    """Asks for a project; gives its path.

    Parameters
    ----------
    projects
        Those that are watched.
    here
        The working directory, if it is a project; empty if not.
    trouble
        Why there is no list; empty if there is one.
    """

    DEFAULT_CSS = """
    ChooseProjectScreen {
        align: center middle;
    }
    ChooseProjectScreen OptionList, ChooseProjectScreen OptionList:focus {
        height: auto;
        max-height: 12;
        border: none;
        padding: 0;
        background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, projects: tuple[ProjectRow, ...], here: str, trouble: str = "") -> None:
        super().__init__()
        watched = tuple(row.project for row in projects)
        self._paths = ((here,) if here and here not in watched else ()) + tuple(
            sorted(watched, key=lambda path: path != here)
        )
        self._watched = frozenset(watched)
        self._trouble = trouble

    def compose(self) -> ComposeResult:
        """The projects, and a line for another one."""
        with Box("Which project?", "Enter choose   Tab list or line   Esc back"):
            if self._trouble:
                yield Static(Text(self.safe(self._trouble)))
            if self._paths:
                yield OptionList(*(Option(self._line(path)) for path in self._paths))
            yield Static(Text("\nAnother folder, which is watched from then on:"))
            yield LineField("project")

    def on_mount(self) -> None:
        """Begin in the list if there is one."""
        line = self.query_one(LineField)
        line.show(FieldState("", hint="/absolute/path/of/the/project"))
        (self.query_one(OptionList) if self._paths else line).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take a project of the list."""
        self.dismiss(self._paths[event.option_index])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the folder that was typed."""
        text = os.path.expanduser(event.value.strip())  # noqa: PTH111 (Path raises where there is no such user)
        if text.startswith("/"):
            self.dismiss(text.rstrip("/") or "/")
        else:
            self.notify("write the project's absolute path, which begins with /", severity="warning", markup=False)

    def _line(self, path: str) -> Text:
        note = "" if path in self._watched else "  (the current directory, not watched yet)"
        width = max(20, self.app.size.width * 9 // 10 - 6 - len(note))
        return Text(self.safe(f"{cut_front(path, width)}{note}"), no_wrap=True)
