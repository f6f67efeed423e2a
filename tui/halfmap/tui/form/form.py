"""A job's form as far as it is filled in: values as texts, and what follows from the declarations about them.

Everything about an option comes from its declaration, which the daemon sends; nothing about one option is said here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from halfmap.daemon.client import OptionRow

NOT_OFFERED: Mapping[str, str] = {
    "Helix": "Helical refinement is not offered by this version; its options are kept in files, and nothing else."
}
"""Tabs of RELION's form that hold nothing to fill in, and the sentence that says so."""

YES, NO = "Yes", "No"


@dataclass(frozen=True, slots=True)
class Form:
    """A form.

    Attributes
    ----------
    rows
        The declarations, tab by tab.
    values
        What was set, option to text; what is left out has its default.
    start
        What the form was opened with.
    """

    rows: tuple[OptionRow, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    start: Mapping[str, str] = field(default_factory=dict)

    @property
    def tabs(self) -> tuple[str, ...]:
        """The tabs, in order."""
        return tuple(dict.fromkeys(row.tab for row in self.rows))

    @property
    def options(self) -> dict[str, str]:
        """What differs from the defaults, as it is submitted."""
        return {row.key: self.value(row.key) for row in self.rows if self.differs(row.key)}

    @property
    def changed(self) -> tuple[str, ...]:
        """Keys of what differs from what the form was opened with."""
        return tuple(row.key for row in self.rows if self.value(row.key) != self.start.get(row.key, row.default_text))

    @property
    def continues(self) -> bool:
        """Whether a run goes on that was begun before, so that most options keep their values."""
        return any(self.value(row.key) for row in self.rows if "--continue" in row.flags)

    def row(self, key: str) -> OptionRow | None:
        """Give the declaration of an option; None if there is none."""
        return next((row for row in self.rows if row.key == key), None)

    def value(self, key: str) -> str:
        """Give the text of an option."""
        if key in self.values:
            return self.values[key]
        row = self.row(key)
        return row.default_text if row else ""

    def differs(self, key: str) -> bool:
        """Whether an option differs from its default."""
        row = self.row(key)
        return row is not None and self.value(key) != row.default_text

    def with_value(self, key: str, text: str) -> "Form":
        """Set an option."""
        return replace(self, values={**self.values, key: text})

    def applies(self, row: OptionRow) -> bool:
        """Whether the other options leave this one in effect."""
        return all(self.value(one.option) == _text(one.equals) for one in row.enabled_when)

    def is_kept(self, row: OptionRow) -> bool:
        """Whether a run that goes on keeps its own value of this."""
        return self.continues and not row.continues

    def fields(self, tab: str) -> tuple[OptionRow, ...]:
        """Give the options that a tab shows; where nothing is offered, those that a person would have to take back."""
        rows = (row for row in self.rows if row.tab == tab)
        return tuple(row for row in rows if tab not in NOT_OFFERED or self.differs(row.key))


def open_form(rows: tuple[OptionRow, ...], options: Mapping[str, str]) -> Form:
    """Open a form with some options; those that it does not have are left out (see `unknown`)."""
    known = {row.key for row in rows}
    values = {key: text for key, text in options.items() if key in known}
    return Form(rows, values, values)


def unknown(rows: tuple[OptionRow, ...], options: Mapping[str, str]) -> tuple[str, ...]:
    """Name the options that a form does not have."""
    known = {row.key for row in rows}
    return tuple(sorted(options.keys() - known))


def _text(value: bool | str) -> str:
    return value if isinstance(value, str) else YES if value else NO
