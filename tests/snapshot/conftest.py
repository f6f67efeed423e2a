"""Screens as text: what a person reads on them, cell by cell, in each of their states."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from halfmap.tui.app import HalfmapApp
from halfmap.tui.demo import Demo

NOW = 1_790_000_000.0
"""A Monday in September 2026."""

Keys = Callable[..., Awaitable[None]]


class ScreenExtension(SingleFileSnapshotExtension):
    """One text file for each screen, so that a change can be read in a diff."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def snapshot(snapshot):
    return snapshot.use_extension(ScreenExtension)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """The demonstration in a folder whose name is always the same, at a time that is always the same."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    made = Demo(NOW, Path("demo"))
    yield made
    made.close()
    os.environ.pop("TZ", None)
    time.tzset()


def text_of(app: HalfmapApp) -> str:
    """Give what stands on the screen, a line for each row."""
    height = app.size.height
    rows = app.screen._compositor.render_strips()
    assert len(rows) == height
    lines = ["".join(segment.text for segment in row) for row in rows]
    return "\n".join(line.rstrip() for line in lines) + "\n"
