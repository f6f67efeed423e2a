"""The parameters of a report, tab by tab."""

from collections.abc import Sequence

from halfmap.tui.report.elements import Markup, element, section, table, together
from halfmap.tui.report.matter import Matter
from halfmap.tui.text.parameters import Parameter, parameters

_NO = "–"


def parameters_section(matter: Matter) -> Markup:
    """All parameters, tab by tab; those that differ from their defaults are marked."""
    if not matter.told.detail.options:
        note = "The daemon knows no options of this job; the command under Provenance tells what it ran with."
        return section("Parameters", element("p", note))
    every = list(parameters(matter.told.form, matter.told.detail.options))
    tabs = dict.fromkeys(one.tab for one in every)
    hint = f"{sum(one.differs for one in every)} of {len(every)} differ from their defaults, and are marked ●."
    blocks = (_tab(tab, [one for one in every if one.tab == tab]) for tab in tabs)
    return section("Parameters", element("p", hint, class_="hint"), *blocks)


def _tab(tab: str, rows: Sequence[Parameter]) -> Markup:
    made = (
        (
            "●" if one.differs else "",
            one.label,
            element("code", one.key),
            element("strong", one.value) if one.differs else one.value,
            (one.other or _NO) if one.differs else "",
        )
        for one in rows
    )
    return together((element("h3", tab), table(("", "parameter", "key", "value", "default"), made, "parameters")))
