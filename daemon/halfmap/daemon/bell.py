"""Waking everybody who waits for a change, without keeping count of them."""

import asyncio


class Ring:
    """One ring of the bell, to wait for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def sound(self) -> None:
        """Let everybody go on who waits for it, or will."""
        self._event.set()

    async def wait(self, at_most_s: float | None = None) -> bool:
        """Wait; False if it did not come in time."""
        try:
            await asyncio.wait_for(self._event.wait(), at_most_s)
        except TimeoutError:
            return False
        return True


class Bell:
    """Rings at each change. Who takes the next ring before looking misses nothing."""

    def __init__(self) -> None:
        self._next = Ring()

    def ring(self) -> None:
        """Wake all who wait; call it from the event loop's thread."""
        self._next.sound()
        self._next = Ring()

    def next(self) -> Ring:
        """Give the ring that comes next."""
        return self._next
