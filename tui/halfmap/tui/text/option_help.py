"""What is told of an option: what it is called in files and programs, its limits, what it does."""

from collections.abc import Iterator

from halfmap.daemon.client import Bounds, OptionRow


def title(row: OptionRow) -> str:
    """Give RELION's label, without its colon."""
    return row.label.rstrip(": ")


def names(row: OptionRow) -> str:
    """Tell what an option is called elsewhere, its default and its limits, in one line."""
    return " · ".join((row.key, *row.flags, *_limits(row)))


def beside(row: OptionRow) -> str:
    """Tell what stands beside the field: unit and limits."""
    return " · ".join(part for part in (row.unit, limits(row.bounds), _usual(row)) if part)


def limits(bounds: Bounds | None) -> str:
    """Put limits into words: ``at least 1``, ``above 0 and at most 100``."""
    if bounds is None:
        return ""
    pairs = (("at least", bounds.at_least), ("above", bounds.above), ("at most", bounds.at_most))
    told = " and ".join(f"{word} {limit:g}" for word, limit in pairs if limit is not None)
    return told if bounds.off is None else f"{told} (or {bounds.off:g}: not set)".strip()


def in_full(row: OptionRow) -> Iterator[str]:
    """Give everything that is declared of an option, as paragraphs."""
    yield row.help
    yield f"In job.star: {row.key}"
    if row.flags:
        yield f"In the command: {', '.join(row.flags)}"
    yield f"Default: {default(row)}"
    if told := limits(row.bounds):
        yield f"A {row.kind}, {told}{f' {row.unit}' if row.unit else ''}."
    if told := _usual(row):
        yield f"RELION's slider runs {told}; other values can be typed."
    if row.choices:
        yield f"One of: {', '.join(row.choices)}"
    if row.file_pattern:
        yield f"A file such as {row.file_pattern}; its path is relative to the project."
    yield from _conditions(row)


def default(row: OptionRow) -> str:
    """Write an option's default with its unit."""
    return f"{row.default_text} {row.unit}".strip() if row.default_text else "empty"


def _limits(row: OptionRow) -> Iterator[str]:
    yield f"default {default(row)}"
    if told := limits(row.bounds):
        yield told


def _usual(row: OptionRow) -> str:
    slider = row.slider
    return "" if slider is None or row.bounds is not None else f"{slider.minimum:g} to {slider.maximum:g}"


def _conditions(row: OptionRow) -> Iterator[str]:
    for one in row.enabled_when:
        value = one.equals if isinstance(one.equals, str) else "Yes" if one.equals else "No"
        yield f"It has an effect only while {one.option} is {value}."
    yield "It can be changed when a run goes on." if row.continues else "A run that goes on keeps its first value."
    if row.since:
        yield f"RELION has it since version {row.since}."
    if row.until:
        yield f"RELION has it up to version {row.until}."
