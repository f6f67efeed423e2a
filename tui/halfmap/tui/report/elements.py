"""HTML put together so that every text is escaped: only what was made here counts as markup."""

from collections.abc import Iterable
from html import escape

from halfmap.tui.text.plain import plain

_VOID = frozenset({"meta", "img", "br"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(words: str) -> Markup:
    """Escape a text; what a reader would not see becomes visible."""
    return words if isinstance(words, Markup) else Markup(escape(plain(words)))


def element(name: str, *parts: str, **attributes: str) -> Markup:
    """Make an element.

    Parameters
    ----------
    name
        Its tag.
    parts
        What it holds, in order.
    attributes
        A final underscore is left out (``class_``), those that are empty too.
    """
    words = "".join(f' {key.rstrip("_")}="{text(value)}"' for key, value in attributes.items() if value)
    if name in _VOID:
        return Markup(f"<{name}{words}>")
    return Markup(f"<{name}{words}>{together(parts)}</{name}>")


def together(parts: Iterable[str], between: str = "") -> Markup:
    """Put parts one after the other."""
    return Markup(text(between).join(text(part) for part in parts))


def table(headings: Iterable[str], rows: Iterable[Iterable[str]], class_: str = "") -> Markup:
    """Make a table; it scrolls by itself where it is wider than the page."""
    head = element("tr", *(element("th", one, scope="col") for one in headings))
    body = (element("tr", *(element("td", one) for one in row)) for row in rows)
    made = element("table", element("thead", head), element("tbody", *body), class_=class_)
    return element("div", made, class_="wide")


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Make a list of names and values; those without a value are left out."""
    told = [(name, value) for name, value in pairs if value]
    parts = [part for name, value in told for part in (element("dt", name), element("dd", value))]
    return element("dl", *parts) if parts else Markup()


def section(title: str, *parts: str) -> Markup:
    """Make a section with its heading; empty without anything to say."""
    return element("section", element("h2", title), *parts) if any(parts) else Markup()
