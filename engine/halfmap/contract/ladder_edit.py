"""Setting an option in the text of a ladder file, with everything else in it left as it is, comments too."""

import re
from collections.abc import Mapping

from halfmap.contract.ladder_file import StepName

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?")


def with_options(text: str, binning: int, step: StepName, options: Mapping[str, str | None]) -> str:
    """Set options of a step at one rung; None takes an option out.

    Options are set in the table ``[bin.N.STEP]``, which is added at the end if it is not there. A file that spells this
    table otherwise (as an inline table) ends up with it twice, which reading it again refuses: nothing is lost.
    """
    lines = text.splitlines()
    for key, value in options.items():
        lines = _with_option(lines, f"bin.{binning}.{step}", key, value)
    return "\n".join(lines) + "\n"


def _with_option(lines: list[str], table: str, key: str, value: str | None) -> list[str]:
    first = next((place for place, line in enumerate(lines) if _table_of(line) == table), None)
    new = [] if value is None else [f"{key} = {_toml_text(value)}"]
    if first is None:
        return [*lines, "", f"[{table}]", *new] if new else lines
    last = next((place for place in range(first + 1, len(lines)) if _table_of(lines[place])), len(lines))
    spelled = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    inside = lines[first + 1 : last]
    place = next((place for place, line in enumerate(inside) if spelled.match(line)), None)
    if place is None:
        return [*lines[: first + 1], *new, *lines[first + 1 :]]
    return [*lines[: first + 1], *inside[:place], *new, *inside[place + 1 :], *lines[last:]]


def _table_of(line: str) -> str:
    found = _HEADER.fullmatch(line)
    return re.sub(r"\s*\.\s*", ".", found[1]).replace('"', "") if found else ""


def _toml_text(value: str) -> str:
    """Spell a text of one line as a basic string of TOML."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
