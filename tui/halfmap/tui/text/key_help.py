"""All keys of a screen, in groups, as its help shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.text import Text
from textual.binding import Binding

from halfmap.tui.palette import style_of
from halfmap.tui.text.keys import key_name

_WIDEST = 24
_NARROWEST = 20


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


def written(groups: Sequence[KeyGroup], theme: str, room: int = 200) -> Text:
    """Write the groups, the keys in a column and the words beside it, as far as there is room."""
    width = min(_WIDEST, max((len(keys) for group in groups for keys, _ in group.rows), default=0))
    indent = width + 4
    text = Text()
    for number, group in enumerate(groups):
        text.append(f"{chr(10) if number else ''}{group.title}\n", "bold")
        for keys, words in group.rows:
            text.append(f"  {keys:<{width}}  ", style_of("first", theme))
            lines = wrap(words, max(_NARROWEST, room - indent))
            text.append(f"\n{' ' * indent}".join(lines) + "\n")
    text.rstrip()
    return text
