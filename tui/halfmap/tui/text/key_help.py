"""All keys of a screen, in groups, as its help shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.binding import Binding

from halfmap.tui.palette import style_of
from halfmap.tui.text.keys import key_name

_WIDEST = 24


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The keys of a part of a screen: what it is called, and for each action its keys and what it does."""

    title: str
    rows: tuple[tuple[str, str], ...]


def key_group(title: str, bindings: Iterable[Binding]) -> KeyGroup:
    """Gather bindings by what they do; those without a word about it are left out."""
    keys, words = dict[str, list[str]](), dict[str, str]()
    for binding in bindings:
        if not binding.description or binding.system:
            continue
        names = keys.setdefault(binding.action, [])
        if (name := key_name(binding.key)) not in names:
            names.append(name)
        told = binding.tooltip or binding.description
        words.setdefault(binding.action, told[:1].upper() + told[1:])
    return KeyGroup(title, tuple((", ".join(keys[action]), words[action]) for action in keys))


def without_repeats(groups: Sequence[KeyGroup]) -> tuple[KeyGroup, ...]:
    """Leave out groups without keys, and rows that an earlier group has."""
    seen, kept = set[tuple[str, str]](), list[KeyGroup]()
    for group in groups:
        rows = tuple(row for row in group.rows if row not in seen)
        seen.update(rows)
        if rows:
            kept.append(KeyGroup(group.title, rows))
    return tuple(kept)


def written(groups: Sequence[KeyGroup], theme: str) -> Text:
    """Write the groups, the keys in a column."""
    width = min(_WIDEST, max((len(keys) for group in groups for keys, _ in group.rows), default=0))
    text = Text()
    for number, group in enumerate(groups):
        text.append(f"{chr(10) if number else ''}{group.title}\n", "bold")
        for keys, words in group.rows:
            text.append(f"  {keys:<{width}}  ", style_of("first", theme))
            text.append(f"{words}\n")
    text.rstrip()
    return text
