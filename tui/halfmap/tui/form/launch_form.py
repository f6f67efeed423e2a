"""How a job is to be run, as a form: the same kind of rows as its options have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from halfmap.daemon.client import Bounds, FormProblem, Launch, OptionRow
from halfmap.tui.form.form import YES, Form
from halfmap.tui.text.begin import begin_time

_PRIORITY = Bounds(at_least=-1000, at_most=1000)


def _row(key: str, label: str, told: str, default: str = "", **more: Any) -> OptionRow:
    given = {"kind": "text", "default": default, "default_text": default, "tab": "Running"}
    return OptionRow.model_validate(given | {"key": key, "label": label, "help": told} | more)


ROWS: tuple[OptionRow, ...] = (
    _row("priority", "Priority", "The highest starts first.", "0", kind="whole number", bounds=_PRIORITY),
    _row("hold", "Hold", "Wait until released.", "No", kind="switch"),
    _row("place", "Place", "here: on this machine; slurm or slurm:PARTITION: handed to Slurm.", "here"),
    _row(
        "engine",
        "Engine",
        "What refines: halfmap, or RELION's program where it is on the PATH.",
        "halfmap",
        choices=("halfmap", "relion"),
    ),
    _row("cards", "Cards", "How many cards to lease. Empty: what the options ask for.", kind="whole number"),
    _row("alias", "Alias", "A name of your own for the job. Empty: none."),
    _row("begin", "Begin", "Not before 2026-07-01T20:00, 20:00, or +2h30m. Empty: as soon as it can."),
    _row("after", "After", "Only after these jobs have finished, such as Refine3D/job012/; blanks between several."),
    _row("notify", "Notify at", "Notify when this resolution is reached. Empty: do not.", kind="number", unit="Å"),
)


@dataclass(frozen=True, slots=True)
class Launching:
    """What was chosen: how to run the job, and its alias."""

    launch: Launch
    alias: str | None


def read_launch(form: Form, now: float) -> Launching | tuple[FormProblem, ...]:
    """Read the form, or tell everything that is wrong with it."""
    values, problems = _values(form, now)
    try:
        launch = Launch.model_validate(values)
    except ValidationError as error:
        problems += [_problem(form, one) for one in error.errors()]
    alias = form.value("alias").strip()
    if len(alias) > 200:
        problems.append(FormProblem(key="alias", message="give a name of at most 200 characters."))
    return tuple(problems) if problems else Launching(launch, alias or None)


def _values(form: Form, now: float) -> tuple[dict[str, Any], list[FormProblem]]:
    """Read what the record's own checks cannot."""
    problems = []
    begin: float | None = None
    try:
        begin = begin_time(form.value("begin"), now)
    except ValueError as error:
        problems.append(FormProblem(key="begin", message=f"{error}"))
    values = {
        "engine": form.value("engine"),
        "cards": form.value("cards").strip() or None,
        "priority": form.value("priority").strip() or "0",
        "hold": form.value("hold") == YES,
        "begin": begin,
        "after": tuple(_job_folder(word) for word in form.value("after").split()),
        "place": form.value("place").strip(),
        "notify_at_angstrom": form.value("notify").strip() or None,
    }
    return values, problems


def _job_folder(word: str) -> str:
    """Write a job as it is in its project, with the slash at its end."""
    return f"{word.rstrip('/')}/"


_ADVICE: Mapping[str, str] = {
    "priority": "give a whole number from -1000 to 1000.",
    "place": "give here, slurm or slurm:PARTITION.",
    "cards": "give a whole number from 0 to 1024, or nothing.",
    "notify_at_angstrom": "give a number above 0, or nothing.",
}


def _problem(form: Form, error: Any) -> FormProblem:
    name = f"{error['loc'][0]}"
    key = "notify" if name == "notify_at_angstrom" else name
    return FormProblem(key=key, message=f"is {form.value(key)!r}; {_ADVICE.get(name, error['msg'])}")
