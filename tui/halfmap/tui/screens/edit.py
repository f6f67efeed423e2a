"""A new job: its form filled in and submitted."""

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from halfmap.daemon.client import JobRow, Refusal, Refused, Submission
from halfmap.tui.form.findings import refused
from halfmap.tui.form.form import Form
from halfmap.tui.form.launch_form import ROWS, Launching
from halfmap.tui.screens.ask import AskScreen, Choice
from halfmap.tui.screens.launch import LaunchScreen
from halfmap.tui.screens.text_form import TextFormScreen
from halfmap.tui.text import form_facts
from halfmap.tui.text.form_words import changed_words

_NO_OPTIONS: Mapping[str, str] = {}


class EditScreen(TextFormScreen):
    """Fills in the form of a job and submits it.

    Parameters
    ----------
    project
        The project; None to ask for it.
    options
        What the form begins with, option to text.
    origin
        Where that comes from, for the title; empty for a new job.
    job_folder
        A folder that has these options in its ``job.star`` and has not been run; it is run as it is if nothing is
        changed.
    notes
        What to know about the options that the form begins with; told at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Submit", priority=True),
        Binding("ctrl+r", "reset", "Default of the option", priority=True),
        Binding("f4", "run_with", "Priority, place, engine, cards …"),
        Binding("escape", "leave", "Leave"),
    ]

    def __init__(
        self,
        project: str | None,
        options: Mapping[str, str] = _NO_OPTIONS,
        origin: str = "",
        job_folder: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(project, options, origin, notes)
        self._job_folder = job_folder
        self._run_with = Form(ROWS)
        self._unanswered: tuple[Submission, str] | None = None

    # --- leaving -----------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Leave; ask if something was changed."""
        if not self.form.changed:
            self.dismiss()
            return
        question = f"Leave without submitting? Changed: {changed_words(self.form)}."
        leave = Choice("y", "leave", "what was changed is lost")
        self.app.push_screen(AskScreen(question, (leave,), "no, stay"), self._left)

    def _left(self, answer: str | None) -> None:
        if answer == "y":
            self.dismiss()

    # --- setting -----------------------------------------------------------------------------------------------------

    def action_reset(self) -> None:
        """Give the option one is at its default."""
        here = self.page.here() if self.page else None
        if here and self.form.differs(here.row.key):
            here.editor.put(here.row.default_text)
            self.put(here.row.key, here.row.default_text)

    def action_run_with(self) -> None:
        """Set how the job is run, without submitting it; what is right depends on the engine."""
        self.run_worker(self._ask_run_with("How to run the job", "Enter keep"), group="submit", exclusive=True)

    async def _ask_run_with(self, title: str, enter: str) -> Launching | None:
        screen = LaunchScreen(self._run_with, self._told(), title, enter)
        launching = await self.app.push_screen_wait(screen)
        if launching is not None:
            self._run_with, self.launch = screen.form, launching.launch
            self.check(0.0)
        return launching

    # --- submitting --------------------------------------------------------------------------------------------------

    def action_submit(self) -> None:
        """Submit the job, if nothing is wrong with it."""
        if self.look.read_only:
            self.tell("this session is read-only; nothing is submitted.", "warning")
        elif self.form.rows and self.project is not None:
            self.run_worker(self._submit(self.project), group="submit", exclusive=True)

    async def _submit(self, project: str) -> None:
        if not await self._look_before():
            return
        if self.findings.problems:
            await self._go_to_first_problem()
        elif launching := await self._ask_run_with("Submit this job?", "Enter submit"):
            row = await self._send(project, launching)
            if row is not None:
                self.tell(f"{row.name or f'job {row.job}'} is {row.state}.")
                self.dismiss()
                self.halfmap.open_job(row.job)

    async def _look_before(self) -> bool:
        """Have the form checked as it is now; False if that could not be."""
        self.stop_checks()
        self.doing = "the files are looked at"
        self.show()
        has_looked = await self.look_at(with_files=False) and await self.look_at(with_files=True)
        self.doing = ""
        self.show()
        if not has_looked:
            why = "the daemon does not answer" if self.trouble else "the form was changed while it was looked at"
            self.tell(f"{why}; nothing was submitted, and what you typed stays.", "error")
            self.check(0.0)
        return has_looked

    async def _go_to_first_problem(self) -> None:
        first, count = self.findings.in_order(self.form)[0], len(self.findings.problems)
        more = f" ({count} problems, F2 lists them)" if count > 1 else ""
        self.tell(f"not submitted: {first.message}{more}", "warning")
        await self.go_to(first.key)

    async def _send(self, project: str, launching: Launching) -> JobRow | None:
        """Submit; what is refused is shown at its field."""
        folder = self._job_folder if self._runs_folder else None
        submission = Submission(
            project=project,
            options=None if folder else self.form.options,
            job_folder=folder,
            alias=launching.alias,
            launch=launching.launch,
        )
        answer = await self.change(lambda key: self._submitted(submission, key))
        if answer is None:
            told = "the daemon does not answer; submit again when it does. The job is queued only once."
            self.tell(told, "error")
        elif isinstance(answer, Refusal):
            await self._show_refusal(answer)
        else:
            return answer
        return None

    async def _submitted(self, submission: Submission, key: str) -> JobRow | Refusal:
        """Submit; the same job gets the key of the time before, if that was not answered."""
        if self._unanswered is None or self._unanswered[0] != submission:
            self._unanswered = (submission, key)
        try:
            answer: JobRow | Refusal = await self.service.submit(submission, self._unanswered[1])
        except Refused as error:
            answer = error.refusal
        self._unanswered = None
        return answer

    async def _show_refusal(self, refusal: Refusal) -> None:
        self.stop_checks()
        self.findings = self.findings.after_files(refused(self.form, refusal), self.findings.facts)
        self.show()
        await self._go_to_first_problem()

    @property
    def _runs_folder(self) -> bool:
        return bool(self._job_folder) and not self.form.changed

    def _told(self) -> tuple[str, ...]:
        """Tell what the job takes, and what to know before it is submitted."""
        facts = self.findings.facts
        lines = [form_facts.work(facts), form_facts.cost(facts), *(f"warning: {one}" for one in facts.warnings[:3])]
        if self._runs_folder:
            lines.append(f"{self._job_folder} is run as it is.")
        elif self._job_folder:
            lines.append(f"Options were changed, so this is a new job; {self._job_folder} stays as it is.")
        return tuple(line for line in lines if line)
