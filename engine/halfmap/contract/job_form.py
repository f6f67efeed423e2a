"""What the forms of all types of job have in common: how they are read, and what can be wrong with any option.

Names of a form's fields are RELION's keys in ``job.star``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from halfmap.contract.option import (
    Declarations,
    Declared,
    Option,
    Value,
    declared_options,
    is_enabled,
    number_from_text,
    number_problem,
)


class JobForm(Declarations):
    """The options of a job of some type."""

    @property
    def continues_a_run(self) -> bool:
        """Whether the job goes on from an earlier iteration instead of starting anew; most types cannot."""
        return False


Form = TypeVar("Form", bound=JobForm)
Spellings = Mapping[str, tuple[Callable[[str], bool], str]]
"""For options whose texts are spelled in some way: whether a text is, and what to write."""


@cache
def options_of(form: type[JobForm]) -> dict[str, Declared[Option]]:
    """Give every option of a form by its key, tab by tab."""
    return {option.name: option for option in declared_options(form)}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to change before the job can run: the option's key, and a sentence for the person who set it."""

    key: str
    message: str

    def __str__(self) -> str:
        return self.message


def problem_about(form: type[JobForm], key: str, text: str) -> Problem:
    """Make a problem of one option; `text` continues the sentence after the option's label and key."""
    return Problem(key, f'"{options_of(form)[key].declaration.label.rstrip(":")}" ({key}) {text}.')


def in_form_order(form: type[JobForm], found: Iterable[Problem]) -> list[Problem]:
    """Sort problems as their options stand in the form."""
    places = list(options_of(form))
    return sorted(found, key=lambda problem: places.index(problem.key))


def form_from_values(form: type[Form], values: Mapping[str, str]) -> tuple[Form, list[Problem]]:
    """Read a job from texts as they stand in a ``job.star`` or a form.

    Parameters
    ----------
    values
        Option name to text; switches are ``Yes`` or ``No``. Options left out keep their defaults, unknown names are
        the caller's business and are passed over.

    Returns
    -------
    JobForm
        The job; an option whose text could not be read has its default.
    list of Problem
        One for every such text.
    """
    options = options_of(form)
    known: dict[str, Value] = {}
    unreadable = []
    for key in options.keys() & values.keys():
        try:
            known[key] = _value_from_text(options[key], values[key])
        except ValueError as error:
            unreadable.append(problem_about(form, key, str(error)))
    return form.model_validate(known), in_form_order(form, unreadable)


def _value_from_text(option: Declared[Option], text: str) -> Value:
    if option.kind == "text":
        return text
    if text.startswith("$$"):
        raise ValueError(f"is the scheme variable {text}; put a value in its place")
    if option.kind != "switch":
        return number_from_text(option.kind, text)
    if text not in ("Yes", "No"):
        raise ValueError(f"is {text!r}; write Yes or No")
    return text == "Yes"


def option_problems(job: JobForm, spellings: Spellings) -> Iterator[Problem]:
    """Tell what is wrong with single values: texts that are misspelled, numbers out of bounds."""
    form = type(job)
    for key, option in options_of(form).items():
        value = getattr(job, key)
        if not is_enabled(option.declaration, job):
            continue
        if isinstance(value, str) and (wrong := _text_problem(option, value, spellings)):
            yield problem_about(form, key, wrong)
        if wrong := number_problem(value, option.declaration.bounds):
            yield problem_about(form, key, wrong)


def _text_problem(option: Declared[Option], text: str, spellings: Spellings) -> str:
    choices = option.declaration.choices
    is_well_spelled, advice = spellings.get(option.name, (None, ""))
    if text.startswith("$$"):
        return f"is the scheme variable {text}; put a value in its place"
    if any(character < " " and character != "\t" for character in text):
        return f"is {text!r}; take out the line break or control character"
    if choices and text not in choices:
        return f"is {text!r}; choose one of {', '.join(choices)}"
    if is_well_spelled and not is_well_spelled(text):
        return f"is {text!r}; {advice}"
    return ""


def redirections(job: JobForm) -> Iterator[Problem]:
    """Refuse a redirection among the additional arguments: RELION would lose its output by it."""
    if ">" in getattr(job, "other_args", ""):
        text = "holds a >; output always goes to run.out and run.err, so leave it out"
        yield problem_about(type(job), "other_args", text)
