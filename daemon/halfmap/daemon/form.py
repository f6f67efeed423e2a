"""The forms of all types of job as clients see them: the contract's declarations as records."""

from functools import cache

from halfmap.contract.option import Bounds, Kind, Slider, Tab, Value, When, value_text
from halfmap.daemon.records import Record

__all__ = ["Bounds", "OptionRow", "Slider", "When", "form"]


class OptionRow(Record):
    """One option of the form; see `halfmap.contract.option.Option` for what is declared of it.

    Attributes
    ----------
    key
        Its name in ``job.star``.
    default, default_text
        The value, and how it is written in ``job.star``.
    """

    key: str
    kind: Kind
    default: Value
    default_text: str
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


@cache
def form(kind: str = "") -> tuple[OptionRow, ...]:
    """Give all options of a type of job, tab by tab; the declarations are loaded with the first call, never by clients.

    Parameters
    ----------
    kind
        RELION's label; "" for a refinement. Types that cannot be queued have no options here.
    """
    from halfmap.contract.job_types import REFINE3D, type_labelled  # noqa: PLC0415

    found = type_labelled(kind) if kind else REFINE3D
    if found is None:
        return ()
    return tuple(
        OptionRow.model_validate(
            {
                name: getattr(option.declaration, name)
                for name in OptionRow.model_fields
                if hasattr(option.declaration, name)
            }
            | {
                "key": key,
                "kind": option.kind,
                "default": option.default,
                "default_text": value_text(option.default),
            }
        )
        for key, option in found.options.items()
    )
