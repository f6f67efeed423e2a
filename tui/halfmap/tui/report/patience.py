"""Telling what takes long, also while a file system does not answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 2.0
"""What takes longer is told (s)."""


@contextmanager
def told_if_long(tell: Callable[[str], None], words: str) -> Iterator[None]:
    """Do something that may block; `tell` is called with the words, in another thread, once it takes long."""
    timer = threading.Timer(PATIENCE_S, tell, (words,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
