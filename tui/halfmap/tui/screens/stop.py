"""How to stop: the rungs of the ladder as the choices, each with a word about what is lost."""

from collections.abc import Mapping, Sequence

from halfmap.daemon.client import STOP_MODES, JobRow, JobState, StopMode
from halfmap.tui.screens.ask import AskScreen, Choice
from halfmap.tui.text.plain import plain
from halfmap.tui.verbs import named

_RUNGS: Mapping[StopMode, Choice] = {
    "after_iteration": Choice(
        "i", "after this iteration", "Nothing is lost: the iteration under way is finished first."
    ),
    "abort": Choice(
        "a",
        "abort now",
        "RELION's abort marker: it ends soon. This iteration is lost.",
    ),
    "terminate": Choice("t", "terminate", "SIGTERM: it ends within seconds. This iteration is lost."),
    "kill": Choice(
        "k",
        "kill",
        "SIGKILL, for what hangs. A file may be cut short.",
    ),
}
_MODES: Mapping[str, StopMode] = {_RUNGS[mode].letter: mode for mode in STOP_MODES}
_CLIMBS = (
    "What does not help in time is followed by the next harder one. Whole iterations stay, and `C` goes on from them."
)


class StopScreen(AskScreen):
    """Asks how to stop jobs that run; gives a letter, see `mode_of`."""

    def __init__(self, rows: Sequence[JobRow]) -> None:
        choices = [_RUNGS[mode] for mode in STOP_MODES]
        super().__init__("\n".join(_question(rows)), choices, "no, do not stop")


def mode_of(letter: str) -> StopMode:
    """Give the rung of a letter."""
    return _MODES[letter]


def _question(rows: Sequence[JobRow]) -> list[str]:
    lines = [f"Stop {named(rows)}, and how?"]
    waiting = sum(row.state.is_waiting for row in rows)
    if waiting:
        lines.append(f"{waiting} of them wait; they are taken out of the queue at once.")
    lines += [f"It is {plain(row.reason)} already." for row in rows[:1] if _is_stopping(row) and len(rows) == 1]
    return [*lines, _CLIMBS]


def _is_stopping(row: JobRow) -> bool:
    return row.state is JobState.STOPPING and bool(row.reason)
