"""The form of a Refine3D job as clients see it: the contract's declarations as records."""

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
def form() -> tuple[OptionRow, ...]:
    """Give all options, tab by tab; the declarations are loaded with the first call, which clients never make."""
    from halfmap.contract.refine3d import OPTIONS  # noqa: PLC0415

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
        for key, option in OPTIONS.items()
    )
