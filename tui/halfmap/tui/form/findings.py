"""What is wrong with a form, and what the job would take: the daemon's answers, laid together as they come.

The daemon is asked twice: at once about the options alone, and a little later about the files too. What it found in the
files holds until the next look at them, or until the option is changed that it is about.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from halfmap.daemon.client import FormCheck, FormProblem, Refusal
from halfmap.tui.form.form import Form

_NAMED = re.compile(r"^\"[^\"]*\" \((\w+)\) ")
_KEY = re.compile(r"\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is known.

    Attributes
    ----------
    of_options, of_files
        Problems with options, and with the files they name.
    facts
        The last look at the files.
    has_looked
        Whether the files were looked at.
    """

    of_options: tuple[FormProblem, ...] = ()
    of_files: tuple[FormProblem, ...] = ()
    facts: FormCheck = field(default_factory=FormCheck)
    has_looked: bool = False

    @property
    def problems(self) -> tuple[FormProblem, ...]:
        """All problems."""
        return (*self.of_options, *self.of_files)

    def after_options(self, check: FormCheck) -> "Findings":
        """Take what was found in the options alone."""
        known = {(one.key, one.message) for one in self.of_files}
        found = tuple(one for one in check.problems if (one.key, one.message) not in known)
        facts = self.facts.model_copy(update={"command": check.command, "in_effect": check.in_effect})
        return replace(self, of_options=found, facts=facts)

    def after_files(self, check: FormCheck, facts: FormCheck | None = None) -> "Findings":
        """Take what was found in options and files together; with `facts` these are told instead of the check's."""
        known = {(one.key, one.message) for one in self.of_options}
        found = tuple(one for one in check.problems if (one.key, one.message) not in known)
        options = tuple(one for one in check.problems if (one.key, one.message) in known)
        return Findings(options, found, facts or check, True)

    def after_change(self, key: str) -> "Findings":
        """Forget what the files said of an option that was changed."""
        return replace(self, of_files=tuple(one for one in self.of_files if one.key != key))

    def of(self, key: str) -> tuple[str, ...]:
        """Give the sentences about an option."""
        return tuple(one.message for one in self.problems if one.key == key)

    def in_order(self, form: Form) -> tuple[FormProblem, ...]:
        """Give all problems in the order of the form, those of no option at the end."""
        places = {row.key: place for place, row in enumerate(form.rows)}
        return tuple(sorted(self.problems, key=lambda one: places.get(one.key, len(places))))

    def counts(self, form: Form) -> Mapping[str, int]:
        """Count the problems of each tab."""
        tabs = {row.key: row.tab for row in form.rows}
        found: dict[str, int] = {}
        for one in self.problems:
            if tab := tabs.get(one.key, ""):
                found[tab] = found.get(tab, 0) + 1
        return found


def keyed(form: Form, check: FormCheck) -> FormCheck:
    """Give each problem that names an option in its sentence the option's key, so that it is shown at its field."""
    return check.model_copy(update={"problems": tuple(_keyed(form, one) for one in check.problems)})


def refused(form: Form, refusal: Refusal) -> FormCheck:
    """Read a refusal as a check."""
    sentences = refusal.problems or (refusal.message,)
    return keyed(form, FormCheck(problems=tuple(FormProblem(message=one) for one in sentences)))


def shortened(message: str) -> str:
    """Leave out the option's label and key at the begin of a sentence, for where it stands at the field."""
    return _NAMED.sub("", message)


def _keyed(form: Form, problem: FormProblem) -> FormProblem:
    if problem.key:
        return problem
    named = (key for key in _KEY.findall(problem.message) if form.row(key))
    return problem.model_copy(update={"key": next(named, "")})
