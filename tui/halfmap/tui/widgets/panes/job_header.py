"""The head of a job's screen: what it is, what it does now and why, what is wrong."""

from collections.abc import Iterator

from rich.text import Text
from textual.widgets import Static

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.palette import STATE_ROLES, style_of
from halfmap.tui.terminal.look import Look
from halfmap.tui.text.figures import elapsed, elapsed_s, rough_duration
from halfmap.tui.text.plain import plain
from halfmap.tui.text.story import doing, missing_for_convergence, why_not_finer

_FASTER = "auto_faster"
_MOST_LINES = 6


class JobHeader(Static):
    """Tells how a job is, in a few lines."""

    DEFAULT_CSS = """
    JobHeader {
        height: 1;
        padding: 0 1;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._lines: tuple[Text, ...] = ()
        self._told = Text()

    def show(self, picture: JobPicture, look: Look, now: float) -> None:
        """Tell; nothing is drawn if it was told already."""
        self._lines = tuple(header_lines(picture, look, now))
        self._fit()

    def on_resize(self) -> None:
        """Fit the lines into the new width."""
        self._fit()

    def _fit(self) -> None:
        width = self.size.width
        if not (width and self._lines):
            return
        title = self._lines[0].copy()
        title.truncate(width, overflow="ellipsis")
        told = Text("\n").join((title, *self._lines[1:]))
        if told != self._told:
            self._told = told
            self.update(told, layout=False)
        # an automatic height is not found anew by Textual while the screen is still being laid out
        height = min(_MOST_LINES, self.get_content_height(self.size, self.screen.size, width))
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height


def header_lines(picture: JobPicture, look: Look, now: float) -> Iterator[Text]:
    """Give the lines: name and state, what it does, what keeps it, what is wrong."""
    if picture.detail is None:
        yield Text(picture.trouble or "asking the daemon …")
        return
    row = picture.detail.row
    yield _title(row, look, now)
    for trouble in (row.alarm, picture.files.trouble, picture.trouble):
        if trouble:
            yield Text(f"! {plain(trouble)}", style=style_of("alarm", look.theme))
    yield Text(plain(doing(row, now)))
    if row.alarm:
        return
    if row.state is JobState.RUNNING:
        hurried = picture.detail.options.get(_FASTER) == "Yes"
        why = (why_not_finer(picture.course, hurried), missing_for_convergence(picture.course, hurried))
        if told := " ".join(sentence for sentence in why if sentence):
            yield Text(told, style=style_of("note", look.theme))
    elif picture.course.iterations and row.state is JobState.FINISHED:
        yield Text(missing_for_convergence(picture.course), style=style_of("note", look.theme))
    for warning in picture.detail.warnings:
        yield Text(f"- {plain(warning)}", style=style_of("note", look.theme))


def _title(row: JobRow, look: Look, now: float) -> Text:
    name = plain(row.name.strip("/") or f"job {row.job}")
    alias = f" ({plain(row.alias.strip('/'))})" if row.alias else ""
    line = Text()
    line.append(f"{_cut(name)}{_cut(alias)}", style="bold")
    line.append("  ")
    line.append(row.state.value, style=style_of(STATE_ROLES.get(row.state.value, ""), look.theme))
    told = [
        "followed" if row.followed else "",
        elapsed(row, now) if row.ended is not None else rough_duration(elapsed_s(row, now)),
        f"{row.engine}, {plain(row.place)}",
        f"cards {', '.join(plain(card) for card in row.cards)}" if row.cards else "",
        _cut(plain(row.project), 40),
    ]
    line.append("  " + ("  ".join(one for one in told if one)), style=style_of("note", look.theme))
    return line


def _cut(text: str, length: int = 60) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
