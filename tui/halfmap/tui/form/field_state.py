"""How a field of the form stands: what it shows, and whether it can be changed now."""

from dataclasses import dataclass

from halfmap.daemon.client import OptionRow
from halfmap.tui.form.findings import Findings, shortened
from halfmap.tui.form.form import NO, YES, Form
from halfmap.tui.text.form_facts import COARSE_STEP_KEY, from_set, step_advice

EMPTY = "(empty)"


@dataclass(frozen=True, slots=True)
class FieldState:
    """A field.

    Attributes
    ----------
    value
        Its text.
    is_shown, is_locked
        Whether it stands in the form, and whether it is only looked at.
    is_changed
        Whether it differs from what the form was opened with.
    problem
        What is wrong, without the option's name; empty if nothing is.
    hint
        What stands in the field while it is empty.
    advice
        What stands beside it besides unit and limits.
    """

    value: str
    is_shown: bool = True
    is_locked: bool = False
    is_changed: bool = False
    problem: str = ""
    hint: str = ""
    advice: str = ""


def field_state(form: Form, findings: Findings, row: OptionRow) -> FieldState:
    """Tell how a field stands. One that others put out of effect is shown only where the set fills its place."""
    applies, hint = form.applies(row), from_set(row.key, findings.facts)
    sentences = findings.of(row.key)
    problem = shortened(sentences[0]) if sentences else ""
    value = form.value(row.key)
    return FieldState(
        value=value if applies or not hint else "",
        is_shown=applies or bool(hint) or bool(problem),
        is_locked=not problem and (not applies or form.is_kept(row)),
        is_changed=row.key in form.changed,
        problem=problem,
        hint=hint or (problem if not value else "") or EMPTY,
        advice=step_advice(form, findings.facts) if row.key == COARSE_STEP_KEY else "",
    )


def turned(text: str) -> str:
    """Turn a switch round; anything that is not Yes becomes Yes."""
    return NO if text == YES else YES
