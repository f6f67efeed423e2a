"""What a job ran with: its options with their labels, and how they differ from the defaults or from another job's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from halfmap.daemon.client import OptionRow


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line.

    Attributes
    ----------
    tab, label, key
        Where the form has it, what it is called there, and its name in ``job.star``.
    value
        As text, with its unit.
    other
        The default, or the other job's value; the same text where nothing differs.
    """

    tab: str
    label: str
    key: str
    value: str
    other: str

    @property
    def differs(self) -> bool:
        """Whether the two values are not the same."""
        return self.value != self.other


def parameters(
    form: Sequence[OptionRow], options: Mapping[str, str], other: Mapping[str, str] | None = None
) -> Iterator[Parameter]:
    """Give a job's parameters, tab by tab.

    Parameters
    ----------
    form
        All options.
    options
        The job's, those that differ from their defaults; keys that the form does not have come at the end.
    other
        Another job's options; None to compare with the defaults.
    """
    for row in form:
        value = options.get(row.key, row.default_text)
        compared = row.default_text if other is None else other.get(row.key, row.default_text)
        yield Parameter(row.tab, row.label.rstrip(":"), row.key, _with_unit(value, row), _with_unit(compared, row))
    known = {row.key for row in form}
    for key in sorted((options.keys() | (other or {}).keys()) - known):
        yield Parameter("other", key, key, options.get(key, ""), (other or {}).get(key, ""))


def _with_unit(value: str, row: OptionRow) -> str:
    return f"{value} {row.unit}" if value and row.unit and row.unit not in row.label else value


def parents(options: Mapping[str, str]) -> tuple[str, ...]:
    """Name the jobs whose results a job starts from, such as ``Refine3D/job012/``, in the order of likelihood."""
    found: dict[str, None] = {}
    for key in ("fn_cont", "in_optimisation", "in_particles", "fn_ref", "fn_mask"):
        parts = options.get(key, "").split("/")
        if len(parts) > 2 and parts[0] == "Refine3D":
            found["/".join(parts[:2]) + "/"] = None
    return tuple(found)
