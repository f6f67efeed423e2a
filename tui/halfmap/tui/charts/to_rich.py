"""Plots as text for a pipe or a page of ``halfmap show``."""

from collections.abc import Sequence

from rich.text import Text

from halfmap.tui.charts.arrange import draw_all
from halfmap.tui.charts.plot import Plot
from halfmap.tui.palette import style_of


def as_text(plots: Plot | Sequence[Plot], width: int, height: int, ascii_only: bool, theme: str) -> Text:
    """Draw plots as lines of text in a theme's colours; blanks at the ends of lines are left out.

    Parameters
    ----------
    plots
        One, or several that share the area.
    width, height
        In cells.
    ascii_only
        With ASCII characters only.
    theme
        One of `halfmap.tui.terminal.look.THEMES`.
    """
    several = (plots,) if isinstance(plots, Plot) else tuple(plots)
    lines = []
    for row in draw_all(several, width, height, ascii_only):
        line = Text(no_wrap=True)
        for run in row:
            line.append(run.text, style_of(run.role, theme))
        line.rstrip()
        lines.append(line)
    return Text("\n", no_wrap=True).join(lines)
