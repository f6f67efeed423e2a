"""A terminal that has gone: noticed by a thread of its own, because Textual's input would spin for ever on its end.

The interface keeps nothing, so it simply ends. Textual/textual #6690 is the reason; once that is mended this can go.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable

LOOK_S = 2.0
GRACE_S = 2.0
_HUNG_UP = 128 + signal.SIGHUP


def has_hung_up(descriptor: int) -> bool:
    """Whether nobody is at the other end of a terminal; reads nothing from it."""
    poll = select.poll()
    poll.register(descriptor, select.POLLHUP | select.POLLERR)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def guard(end: Callable[[], None], descriptor: int = 0) -> None:
    """Watch the terminal from now on.

    Parameters
    ----------
    end
        Ends the interface; called from the guard's thread. If it has not ended a moment later, the process is ended.
    descriptor
        The terminal.
    """
    threading.Thread(target=_watch, args=(end, descriptor, os.getppid()), name="hang-up", daemon=True).start()


def _watch(end: Callable[[], None], descriptor: int, parent: int) -> None:
    while not (has_hung_up(descriptor) or (os.getppid() == 1 and parent != 1)):
        time.sleep(LOOK_S)
    ending = threading.Thread(target=end, name="hang-up-end", daemon=True)
    ending.start()
    # ending may wait for a terminal that takes nothing any more
    time.sleep(GRACE_S)
    os._exit(_HUNG_UP)
