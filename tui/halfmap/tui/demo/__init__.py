"""A demonstration without a daemon: recorded refinements on a machine that is only told of.

::

    with Demo() as demo:
        playing = asyncio.create_task(demo.play())
        … show(demo.service) …
"""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from halfmap.tui.demo.jobs import demo_service
from halfmap.tui.demo.many import many_jobs
from halfmap.tui.demo.recording import MASK, unpack
from halfmap.tui.demo.replay import STEP_S
from halfmap.tui.demo.stage import Stage

__all__ = ["STEP_S", "Demo", "many_jobs"]


class Demo:
    """The demonstration: a daemon in memory, and what happens there.

    Parameters
    ----------
    now
        The time when it begins (s since the epoch); with a fixed one it is the same every time.
    folder
        An empty or missing folder to lay its project out in; None for a temporary one.

    Attributes
    ----------
    service
        The daemon.
    project
        The folder of the recorded project.
    """

    def __init__(self, now: float | None = None, folder: Path | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="halfmap-demo-")) if folder is None else folder
        self.project = self._folder / "hiv"
        recorded = unpack(self._folder / "recorded")
        mask = self.project / MASK
        mask.parent.mkdir(parents=True)
        shutil.copyfile(self._folder / "recorded" / MASK, mask)
        began = time.time() if now is None else now
        self.service, replay = demo_service(self.project, recorded, began)
        self._stage = Stage(self.service, self.project, recorded[-1], {replay.job: replay})

    def now(self) -> float:
        """Give the demonstration's time (s since the epoch)."""
        return self.service.now

    def step(self) -> None:
        """Let a second of it pass."""
        self._stage.step()

    async def play(self) -> None:
        """Let it go on for ever; to be run as a task."""
        while True:
            await asyncio.sleep(STEP_S)
            self.step()

    def close(self) -> None:
        """Remove its files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
