"""The search as a program of its own: it can be stopped whatever the expression, and the interface stays quick.

It is told what to search on its input, and writes what it found on its output: a line ``progress FRACTION`` now and
then, and at its end ``found OFFSET WRAPPED``, ``nothing`` or ``trouble SENTENCE``.
"""

import json
import os
import signal
import sys
import time
from typing import Any

from halfmap.tui.files.text_search import Search, search
from halfmap.tui.text.log_match import Expression

_TELL_S = 0.2
_LONGEST_S = 600


def main() -> None:
    """Search as the input says."""
    # however long an expression takes, this ends when nobody can wait for it any more
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_LONGEST_S)
    wanted = wanted_from(json.load(sys.stdin))
    try:
        found = search(wanted, _Progress())
    except OSError as error:
        _say(f"trouble {(error.strerror or f'{error}').lower()}")
    else:
        _say("nothing" if found is None else f"found {found.offset} {int(found.is_wrapped)}")


def wanted_from(record: dict[str, Any]) -> Search:
    """Read what was written with `dataclasses.asdict`."""
    expression = record["expression"]
    return Search(**record | {"expression": Expression(**expression | {"words": tuple(expression["words"])})})


class _Progress:
    def __init__(self) -> None:
        self._next = time.monotonic() + _TELL_S

    def __call__(self, fraction: float) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_S
            _say(f"progress {fraction:.3f}")


def _say(text: str) -> None:
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # nobody listens any more
        os._exit(0)


if __name__ == "__main__":
    main()
