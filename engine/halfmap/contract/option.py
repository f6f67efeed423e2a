"""How one option is declared: what a form, a parser, a file and a manual need to know about it, said once.

A declaration is carried by the field it describes::

    ini_high: Annotated[float, Option("Reference", "Initial low-pass filter (A):", "…", flags=("--ini_high",))] = 60.0

Declarations hold plain values only, so that they can be sent to a form in another process.
"""

import math
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

Kind = Literal["switch", "whole number", "number", "text"]
Value = bool | int | float | str | None
Tab = Literal[
    "I/O",
    "Reference",
    "CTF",
    "Optimisation",
    "Auto-sampling",
    "Reconstruct",
    "Average",
    "Sharpen",
    "Params",
    "Helix",
    "Compute",
    "Running",
]
Group = Literal[
    "Input and output",
    "Reference and masks",
    "CTF and corrections",
    "3D pseudo-subtomograms",
    "Sampling",
    "Course of the refinement",
    "Likelihood and reconstruction",
    "Computation",
    "halfmap's own",
    "Accepted, without effect",
    "Not offered by this version",
]


class Declarations(BaseModel):
    """A frozen set of declared options; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Slider:
    """Ends and step of a form's slider; a typed value may lie outside."""

    minimum: float
    maximum: float
    step: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits that a value must keep.

    Attributes
    ----------
    at_least, above, at_most
        Smallest allowed value, largest forbidden value, largest allowed value; None where there is no limit.
    off
        The one value that is allowed besides, and means "not set".
    """

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    off: float | None = None

    def allow(self, value: float) -> bool:
        """Whether `value` keeps the limits."""
        return value == self.off or (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
        )

    def __str__(self) -> str:
        limits = (("at least", self.at_least), ("above", self.above), ("at most", self.at_most))
        told = " and ".join(f"{word} {number_text(limit)}" for word, limit in limits if limit is not None)
        return told if self.off is None else f"{told} (or {number_text(self.off)}: not set)"


@dataclass(frozen=True, slots=True)
class When:
    """An option matters only while another option has a certain value."""

    option: str
    equals: bool | str


@dataclass(frozen=True, slots=True)
class Option:
    """What is known about one option of a job form; its key in ``job.star`` is the name of the field.

    Attributes
    ----------
    tab, label, help, unit
        Where the form shows it, RELION's label, what it does, and the unit of its value ("" for none).
    flags
        The program's options that it sets.
    slider, bounds
        Ends of the slider (shown), and limits of the value (enforced).
    choices
        The allowed texts of a list of choices.
    file_pattern, node_type
        For files: which names a file browser offers, and RELION's type of pipeline node ("" for none).
    enabled_when
        All of these must hold, otherwise the form greys the option out and it has no effect.
    continues
        Whether it may be changed when a run is continued.
    since, until
        First and last RELION version that has it in its form ("" for no limit).
    """

    tab: Tab
    label: str
    help: str
    unit: str = ""
    flags: tuple[str, ...] = ()
    slider: Slider | None = None
    bounds: Bounds | None = None
    choices: tuple[str, ...] = ()
    file_pattern: str = ""
    node_type: str = ""
    enabled_when: tuple[When, ...] = ()
    continues: bool = False
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """What is known about one option of a program's command line.

    A switch has no value on the command line: giving it turns its default round.

    Attributes
    ----------
    flag, group, help, unit
        The spelling with its two dashes, the heading in the manual, what it does, and the unit of its value.
    bounds
        Limits of the value.
    value_optional
        Whether it may stand alone, which then means an empty text.
    with_continue
        Whether it is read when a run is continued; otherwise the continued run keeps its own value.
    not_yet
        For options that are known but not offered: the thing that is missing, as the subject of a sentence.
    no_effect
        For options that are accepted because they change nothing here: why that is so.
    """

    flag: str
    group: Group
    help: str
    unit: str = ""
    bounds: Bounds | None = None
    value_optional: bool = False
    with_continue: bool = False
    not_yet: str = ""
    no_effect: str = ""


def not_offered(flag: str, missing: str, help_text: str, unit: str = "") -> Flag:
    """Declare an option that is recognised and refused; `missing` is the subject of the sentence that refuses it."""
    return Flag(flag, "Not offered by this version", help_text, unit, not_yet=missing)


def without_effect(flag: str, reason: str, help_text: str) -> Flag:
    """Declare an option that is accepted although it changes nothing, and say why."""
    return Flag(flag, "Accepted, without effect", help_text, no_effect=reason)


Declaration = TypeVar("Declaration", Option, Flag)


@dataclass(frozen=True, slots=True)
class Declared(Generic[Declaration]):
    """One declared option: the name of its field, the kind of its value, its default, and its declaration."""

    name: str
    kind: Kind
    default: Value
    declaration: Declaration


def declared_options(form: type[BaseModel]) -> tuple[Declared[Option], ...]:
    """All options of a job form, tab by tab."""
    tabs = get_args(Tab)
    return tuple(sorted(_declared(form, Option), key=lambda one: tabs.index(one.declaration.tab)))


def declared_flags(arguments: type[BaseModel]) -> tuple[Declared[Flag], ...]:
    """All options of a command line, group by group."""
    groups = get_args(Group)
    return tuple(sorted(_declared(arguments, Flag), key=lambda one: groups.index(one.declaration.group)))


def _declared(model: type[BaseModel], kind: type[Declaration]) -> list[Declared[Declaration]]:
    return [
        Declared(name, _kind_of(field.annotation), field.default, declaration)
        for name, field in model.model_fields.items()
        for declaration in field.metadata
        if isinstance(declaration, kind)
    ]


def _kind_of(annotation: object) -> Kind:
    (value_type,) = {annotation, *get_args(annotation)} & _KINDS.keys()
    return _KINDS[value_type]


_KINDS: dict[object, Kind] = {bool: "switch", int: "whole number", float: "number", str: "text"}


def is_enabled(option: Option, form: BaseModel) -> bool:
    """Whether the other options of the form leave this one in effect."""
    return all(getattr(form, condition.option) == condition.equals for condition in option.enabled_when)


def number_text(value: float) -> str:
    """Write a number as a person types it: 60 and not 60.0, otherwise the shortest text that reads back the same."""
    return str(value).removesuffix(".0")


def value_text(value: Value) -> str:
    """Write a value as it stands in files and on command lines; switches are ``Yes`` or ``No``."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return number_text(value) if isinstance(value, int | float) else value or ""


def number_from_text(kind: Kind, text: str) -> int | float:
    """Read a number.

    Parameters
    ----------
    kind
        "whole number" or "number".
    text
        What was typed.

    Raises
    ------
    ValueError
        With a message that continues a sentence: "is 'abc', which is not a number".
    """
    try:
        value = float(text)
        if kind == "number":
            return value
        return int(value) if value.is_integer() and abs(value) < 2**53 else int(text)
    except ValueError:
        raise ValueError(f"is {text!r}, which is not a {kind}") from None


def number_problem(value: Value, bounds: Bounds | None) -> str:
    """Tell what is wrong with a number, as the end of a sentence; "" when it is finite and within its bounds.

    Values that are no numbers have no problem here.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if not math.isfinite(value):
        return f"is {value}; give a finite number"
    if bounds is not None and not bounds.allow(value):
        return f"is {number_text(value)}; give a number {bounds}"
    return ""
