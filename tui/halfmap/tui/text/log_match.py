"""What is searched for in a log: a regular expression that is tried quickly, and never for long."""

import re
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from halfmap.tui.text.log_text import ERROR_WORDS, ERRORS

TRY_S = 0.05
"""How long a line may be looked at before it is shown without marks (s)."""

_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")
# whatever could match a line end, if only by excluding other things
_CROSSES_LINES = re.compile(r"\[[^\]]*\\|\[\^|\\[a-zA-Z0-9](?<!\\[bBdw])|\(\?(?!i?:)")


class BadExpression(Exception):
    """No regular expression; the message says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What to search for.

    Attributes
    ----------
    pattern
        A regular expression, matched line by line.
    ignores_case
        Whether large and small letters are the same.
    words
        In small letters; a line without any of these does not match. Empty if nothing is known.
    name
        What to call it.
    """

    pattern: str
    ignores_case: bool = False
    words: tuple[str, ...] = ()
    name: str = ""

    @property
    def may_cross_lines(self) -> bool:
        """Whether it could match over line ends, so that it has to be tried line by line."""
        return _CROSSES_LINES.search(self.pattern) is not None

    def compiled(self) -> re.Pattern[str]:
        """Compile it; ``^`` and ``$`` stand for the ends of lines."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(self.pattern, re.MULTILINE | (re.IGNORECASE if self.ignores_case else 0))


ERROR_LINES = Expression(ERRORS, words=ERROR_WORDS, name="errors")


def expression_of(typed: str) -> Expression:
    """Read what somebody has typed; without capitals large and small letters are the same.

    Raises
    ------
    BadExpression
        If it is no regular expression.
    """
    # a backslash's letter is no capital
    ignores_case = not any(one.isupper() for one in re.sub(r"\\.", "", typed))
    is_literal = not _SPECIAL.search(typed)
    found = Expression(typed, ignores_case, (typed.lower(),) if is_literal else (), typed)
    try:
        found.compiled()
    except (re.error, OverflowError, RecursionError) as error:
        raise BadExpression(f"this is no regular expression: {error}") from None
    return found


class Marks:
    """Finds what is to be marked in lines that are shown.

    Parameters
    ----------
    expression
        What was searched for.

    Attributes
    ----------
    is_slow
        Whether it took too long once; nothing is marked any more.
    """

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self.is_slow = False
        self._compiled = expression.compiled()

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Tell where it matches in a line, from and to."""
        if self.is_slow:
            return ()
        try:
            with _for_at_most(TRY_S):
                return tuple(one.span() for one in self._compiled.finditer(text) if one.end() > one.start())
        except _TooLong:
            self.is_slow = True
            return ()


class _TooLong(Exception):
    pass


@contextmanager
def _for_at_most(seconds: float) -> Iterator[None]:
    # an expression that backtracks without end is left by signals only, and these reach the main thread only
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_on = True

    def leave(_signal: int, _frame: FrameType | None) -> None:
        if is_on:
            raise _TooLong

    before = signal.signal(signal.SIGALRM, leave)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        is_on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
