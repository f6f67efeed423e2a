"""What stands where there is nothing to show."""

from collections.abc import Sequence

from rich.text import Text

from halfmap.tui.widgets.words import Words


class Notice(Words):
    """Says in the middle of its place why there is nothing, and what to do."""

    DEFAULT_CSS = """
    Notice {
        height: 1fr;
        padding: 1 2;
        content-align: left middle;
        text-wrap: wrap;
    }
    """

    def say_lines(self, lines: Sequence[str]) -> None:
        """Say this in lines, the first of them as a headline."""
        text = Text("\n".join(lines))
        if lines:
            text.stylize("bold", 0, len(lines[0]))
        self.say_text(text)
