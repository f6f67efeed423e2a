"""The table of a report's iterations."""

from collections.abc import Sequence
from typing import Any

from halfmap.tui.job.course import Iteration
from halfmap.tui.report.elements import Markup, element, section, table
from halfmap.tui.text.figures import duration

_NO = "–"


def iterations_section(iterations: Sequence[Iteration]) -> Markup:
    """A table of what each iteration measured and how it sampled."""
    if not iterations:
        return Markup()
    shown = [one for one in _COLUMNS if any(cell(one[1], it) != _NO for it in iterations)]
    rows = ([_number(one), *(cell(name, one) for _, name in shown)] for one in iterations)
    hint = (
        "Accuracies are estimates, steps those after oversampling, changes means over all particles, samples the "
        "significant poses of a particle."
    )
    headings = ["", *(heading for heading, _ in shown)]
    return section("Iterations", table(headings, rows, "figures"), element("p", hint, class_="hint"))


def _number(one: Iteration) -> str:
    return f"{one.iteration}{' (joined)' if one.converged else ''}"


_COLUMNS: tuple[tuple[str, str], ...] = (
    ("resolution (Å)", "resolution_angstrom:.2f"),
    ("FSC 0.143 (Å)", "resolution_fsc_143_angstrom:.2f"),
    ("accuracy (°)", "accuracy_rotation_deg:.2f"),
    ("accuracy (Å)", "accuracy_translation_angstrom:.2f"),
    ("angular step (°)", "angular_step_deg:.3g"),
    ("offset step (Å)", "offset_step_angstrom:.3g"),
    ("offset range (Å)", "offset_range_angstrom:.3g"),
    ("search", "local_searches:"),
    ("image (px)", "current_size_px:"),
    ("change (°)", "changes_orientations_deg:.2f"),
    ("change (Å)", "changes_offsets_angstrom:.2f"),
    ("Pmax", "average_pmax:.3f"),
    ("samples", "significant_samples_mean:.1f"),
    ("log-likelihood", "log_likelihood:.0f"),
    ("time", "seconds:"),
)


def cell(column: str, one: Iteration) -> str:
    """Write a value of an iteration; `column` is a field, and how a number is written after a colon."""
    name, _, kind = column.partition(":")
    value: Any = getattr(one, name)
    if name == "seconds":
        known = [seconds for seconds in one.seconds.values() if seconds is not None]
        return duration(sum(known)) if known else _NO
    if value is None:
        return _NO
    if name == "local_searches":
        return "local" if value else "global"
    return f"{value:{kind}}"
