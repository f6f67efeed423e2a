"""A file that is read in a thread of its own, which counts its lines while nothing is asked."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from halfmap.tui.files.patient import QUIET_S, Unanswered
from halfmap.tui.files.text_file import TextFile

_Answer = TypeVar("_Answer")
_Question = tuple[Callable[[TextFile], Any], "asyncio.Future[Any]"]


class TextFeed:
    """Asks a file, one question after the other.

    A file system that hangs keeps the thread, not who asks; the thread does not hinder the program's end.

    Parameters
    ----------
    path
        The file.
    quiet_s
        How long to wait for an answer (s).
    """

    def __init__(self, path: Path, quiet_s: float = QUIET_S) -> None:
        self.path = path
        self.quiet_s = quiet_s
        self._questions = SimpleQueue[_Question | None]()
        self._thread: threading.Thread | None = None
        self._open = 0

    @property
    def is_busy(self) -> bool:
        """Whether a question is not answered yet."""
        return self._open > 0

    async def ask(self, question: Callable[[TextFile], _Answer]) -> _Answer:
        """Have something done with the file.

        Raises
        ------
        Unanswered
            If it takes too long. It is done nevertheless once the file system answers.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=_serve, args=(self.path, self._questions), daemon=True, name="log")
            self._thread.start()
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(self._settled)
        self._open += 1
        self._questions.put((question, answer))
        await asyncio.wait({answer}, timeout=self.quiet_s)
        if not answer.done():
            raise Unanswered("the file system does not answer.")
        return answer.result()

    def _settled(self, answer: "asyncio.Future[Any]") -> None:
        self._open -= 1
        if not answer.cancelled():
            # whoever has given up waiting does not hear of errors
            answer.exception()

    def close(self) -> None:
        """End the thread, once it has answered."""
        self._questions.put(None)


def _serve(path: Path, questions: SimpleQueue[_Question | None]) -> None:
    file = TextFile(path)
    while (asked := _next(file, questions)) is not None:
        question, answer = asked
        try:
            settle = partial(_settle, answer, question(file), None)
        except Exception as error:
            settle = partial(_settle, answer, None, error)
        with suppress(RuntimeError):
            # the interface may have ended meanwhile
            answer.get_loop().call_soon_threadsafe(settle)
    file.close()


def _next(file: TextFile, questions: SimpleQueue[_Question | None]) -> _Question | None:
    while file.wants_counting:
        try:
            return questions.get_nowait()
        except Empty:
            file.count_more()
    return questions.get()


def _settle(answer: "asyncio.Future[Any]", found: object, error: Exception | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(found)
