"""What the form's screen says about the form as a whole."""

from halfmap.tui.form.findings import Findings
from halfmap.tui.form.form import Form
from halfmap.tui.text.option_help import title

KEYS: tuple[tuple[str, str], ...] = (
    ("Tab, Down", "next field"),
    ("Shift+Tab, Up", "field before"),
    ("Ctrl+N, PgDn", "next tab; Alt+1 to Alt+8 go to one"),
    ("Ctrl+P, PgUp", "tab before"),
    ("Space", "turns a switch round, opens a choice"),
    ("Enter", "the same; in a line: next field"),
    ("Ctrl+Space", "in a file: what completes it; Tab takes one"),
    ("Ctrl+R", "the default of the option"),
    ("Ctrl+U", "empties the line"),
    ("F1", "this help"),
    ("F2", "all problems; Enter goes to the field"),
    ("F3", "what the job takes, and its command"),
    ("F4", "priority, place, engine, cards"),
    ("Ctrl+E", "edit as job.star in $VISUAL or $EDITOR"),
    ("Ctrl+S", "submit"),
    ("Esc", "leave; asks if something was changed"),
)
"""The keys of the form and what they do."""

_NAMED_AT_MOST = 4


def status(findings: Findings, has_checked: bool) -> tuple[str, str]:
    """Tell how far the form is, and in which role."""
    if not has_checked:
        return "not checked yet", "note"
    count = len(findings.problems)
    if count:
        return f"{count} problem{'s' * (count > 1)} (F2)", "alarm"
    if not findings.has_looked:
        return "options are right; files not looked at yet", "note"
    warned = len(findings.facts.warnings)
    return "ready to submit" + (f", {warned} warning{'s' * (warned > 1)} (F3)" if warned else ""), "third"


def changed_words(form: Form) -> str:
    """Name what was changed."""
    rows = [row for key in form.changed if (row := form.row(key))]
    named = ", ".join(title(row) for row in rows[:_NAMED_AT_MOST])
    return f"{named} and {len(rows) - _NAMED_AT_MOST} more" if len(rows) > _NAMED_AT_MOST else named


def keys_text() -> tuple[str, ...]:
    """Write the keys, a line each."""
    width = max(len(key) for key, _ in KEYS)
    return tuple(f"{key:<{width}}  {told}" for key, told in KEYS)
