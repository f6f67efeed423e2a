"""A progress bar: one line that is drawn over on a terminal, a few lines in a file.

Its grammar is that of RELION's bar, which existing monitors read.
"""

import time
from collections.abc import Callable
from typing import TextIO

_DOTS = 60
_MINUTE_S, _HOUR_S = 60, 3600
_TERMINAL_INTERVAL_S = 0.2
_FILE_SHARE = 0.1


class ProgressBar:
    """Draws how far a phase has come.

    Parameters
    ----------
    out
        Where to.
    now
        Clock in seconds.
    """

    def __init__(self, out: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._out, self._now = out, now
        self._on_terminal = out.isatty()
        self._started = self._drawn_at = now()
        self._drawn_share = 0.0

    def show(self, done: int, total: int) -> None:
        """Draw the state; at 0 the bar starts anew, at `total` it ends with a line feed."""
        if done == 0:
            self._started = self._drawn_at = self._now()
            self._drawn_share = 0.0
        share = done / total if total else 1.0
        if done >= total:
            self._draw(1.0, " yum!\n")
        elif self._is_due(share):
            self._draw(share, "" if self._on_terminal else "\n")

    def _is_due(self, share: float) -> bool:
        if share <= 0:
            return False
        if self._on_terminal:
            return self._now() - self._drawn_at >= _TERMINAL_INTERVAL_S
        return share - self._drawn_share >= _FILE_SHARE

    def _draw(self, share: float, end: str) -> None:
        self._drawn_at, self._drawn_share = self._now(), share
        elapsed = self._drawn_at - self._started
        start = "\r" if self._on_terminal else ""
        self._out.write(f"{start}{bar_text(elapsed, share)}{end}")
        self._out.flush()


def ticking(out: TextIO, total: int, after_each: Callable[[], None]) -> Callable[[], None]:
    """Draw a bar that moves by one step whenever the result is called, and then call `after_each`."""
    bar = ProgressBar(out)
    bar.show(0, total)
    steps = iter(range(1, total + 1))

    def tick() -> None:
        bar.show(next(steps), total)
        after_each()

    return tick


def bar_text(elapsed_s: float, share: float) -> str:
    """Lay the bar out: elapsed and expected time, and sixty dots when all is done."""
    total = elapsed_s / max(share, 1e-9)
    if total > _HOUR_S:
        times = f"{elapsed_s / _HOUR_S:4.2f}/{total / _HOUR_S:4.2f} hrs "
    elif total > _MINUTE_S:
        times = f"{elapsed_s / _MINUTE_S:4.2f}/{total / _MINUTE_S:4.2f} min "
    else:
        times = f"{int(elapsed_s):4d}/{int(total):4d} sec "
    dots = min(int(share * _DOTS), _DOTS)
    tail = "" if share >= 1 else " " * (_DOTS - dots) + "[oo]"
    return f'{times}{"." * dots}~~(,_,">{tail}'
