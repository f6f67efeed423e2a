import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from halfmap.daemon.fake import FakeService
from halfmap.daemon.inspection import JobFiles
from tests.terminal.places import environ_for, halfmap
from tests.terminal.pty import Terminal
from tests.terminal.served import Served, served

PROJECT = "/data/hiv"


@pytest.fixture
def where() -> Iterator[Path]:
    """A folder whose name is short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="hm-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def daemon(where) -> Iterator[Served]:
    """A daemon in memory behind a real socket: some jobs, the last of which runs, with a log in a real folder."""
    service = FakeService(time.time())
    for _ in range(30):
        service.add_job(PROJECT, {"in_optimisation": "o.star"})
    running = service.add_job(PROJECT, {"in_optimisation": "o.star"}).job
    service.start(running)
    (where / "job").mkdir()
    (where / "job/run.out").write_text("begun\n")
    service.job_files[running] = JobFiles(
        folder=str(where / "job"), output=str(where / "job/run.out"), error=str(where / "job/run.err"),
        box_px=64, pixel_size_angstrom=4.0, particles=2000,
    )  # fmt: skip
    with served(service, environ_for(where)) as found:
        yield found


@pytest.fixture
def started(where) -> Iterator[Callable[..., Terminal]]:
    """Starts the interface; whatever is left of it is ended."""
    with ExitStack() as stack:

        def start(*words: str, term: str = "xterm-256color", listed: str = "Jobs  ", **more: object) -> Terminal:
            columns, rows = more.pop("size", (120, 40))
            variables = more.pop("variables", {})
            environ = environ_for(where, term, **variables)
            terminal = stack.enter_context(Terminal(halfmap(*words), environ, columns, rows, **more))
            if listed:
                terminal.until(listed, 30)
                terminal.settle(0.3)
            return terminal

        yield start
