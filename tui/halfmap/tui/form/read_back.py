"""Taking a form back from a job.star that a person has edited: nothing that was typed is lost silently."""

from dataclasses import dataclass, replace

from halfmap.daemon.client import FormText
from halfmap.tui.form.form import Form


@dataclass(frozen=True, slots=True)
class Taken:
    """A form with what a file said, and sentences about what no field shows."""

    form: Form
    sentences: tuple[str, ...] = ()


def read_back(form: Form, written: FormText, read: FormText) -> Taken:
    """Take what a file says; a value that cannot be read is taken as it was typed, and told at its field.

    Parameters
    ----------
    form
        The form that was written. An option whose value could not be written keeps it.
    written, read
        The daemon's answers.
    """
    kept = {one.key for one in written.problems if form.row(one.key)} - read.options.keys()
    values = dict(read.options) | {key: form.value(key) for key in kept}
    sentences = tuple(one.message for one in read.problems if one.key not in read.options)
    return Taken(replace(form, values=values), sentences)
