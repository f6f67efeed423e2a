"""Pieces of SVG: where things lie, in which colour, and texts that no reader of XML obeys."""

from dataclasses import dataclass
from html import escape

from halfmap.tui.palette import PALETTES
from halfmap.tui.text.plain import plain

INK = "#1c1c1c"


@dataclass(frozen=True, slots=True)
class Area:
    """Where curves are drawn (px, from the upper left)."""

    left: float
    top: float
    right: float
    bottom: float

    def x(self, place: float) -> float:
        """Give the px of a place on the axis of x."""
        return self.left + place * (self.right - self.left)

    def y(self, place: float) -> float:
        """Give the px of a place on the axis of y."""
        return self.bottom - place * (self.bottom - self.top)


def colour_of(role: str) -> str:
    """Give a role's colour on a light ground."""
    return next((word for word in PALETTES["light"].get(role, "").split() if word.startswith("#")), INK)


def harmless(text: str) -> str:
    """Escape a text for an element or an attribute; what cannot be seen is replaced."""
    return escape(plain(text))


def text_at(x: float, y: float, text: str, role: str, anchor: str = "start") -> str:
    """Write a text; `anchor` tells what of it lies at x: ``start``, ``middle`` or ``end``."""
    weight = ' font-weight="bold"' if role == "title" else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour_of(role)}" text-anchor="{anchor}"{weight}>{harmless(text)}</text>'
    )


def line_at(x0: float, y0: float, x1: float, y1: float, role: str, dashes: str = "") -> str:
    """Draw a straight line."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="{colour_of(role)}" fill="none"{dashed}/>'
