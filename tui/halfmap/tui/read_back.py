"""Taking a form back from a job.star that a person has edited: nothing that was typed is lost silently."""

from dataclasses import dataclass, replace

from halfmap.daemon.client import FormText
from halfmap.tui.form import Form


@dataclass(frozen=True, slots=True)
class Taken:
    """A form with what a file said, and sentences about what could not be taken."""

    form: Form
    sentences: tuple[str, ...] = ()


def read_back(form: Form, written: FormText, read: FormText) -> Taken:
    """Take what a file says.

    An option keeps its value where that could not be written into the file, and where the file's could not be read.

    Parameters
    ----------
    form
        The form that was written.
    written, read
        The daemon's answers.
    """
    kept = {one.key for one in (*written.problems, *read.problems) if _has_kept(form, one.key)} - read.options.keys()
    values = dict(read.options) | {key: form.value(key) for key in kept}
    sentences = tuple(one.message for one in read.problems)
    if sentences:
        sentences = (*sentences, "", "What the file says otherwise was taken.")
    return Taken(replace(form, values=values), sentences)


def _has_kept(form: Form, key: str) -> bool:
    """Whether an option's text may be no value of its kind; any text is one of a text."""
    row = form.row(key)
    return row is not None and row.kind != "text"
