"""The picture by kitty or sixel: what is said where there is none, and what is shown where there is."""

import importlib.util
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from textual.app import SuspendNotSupported

from halfmap.tui.charts.slices import SlicesPicture
from halfmap.tui.files.map_slices import read_slices
from halfmap.tui.files.patient import Beat
from halfmap.tui.widgets.panes import terminal_picture
from halfmap.tui.widgets.panes.terminal_picture import show_in_terminal
from tests.unit.tui.maps.conftest import ball


class Suspended:
    """An application whose terminal can be left, or not."""

    def __init__(self, can_suspend: bool = True) -> None:
        self.can_suspend, self.left = can_suspend, 0

    @contextmanager
    def suspend(self):
        if not self.can_suspend:
            raise SuspendNotSupported
        self.left += 1
        yield
        self.left += 1


class Picture:
    """Stands for a picture of the package."""

    def __init__(self, image, width, height) -> None:
        self.image, self.cleaned = image, False
        shown.append(self)

    def __rich__(self) -> str:
        return f"picture of {self.image.size}"

    def cleanup(self) -> None:
        self.cleaned = True


shown: list[Picture] = []


@pytest.fixture
def slices(write_map):
    of_map = read_slices(write_map(ball(24, 6)), (0, 0, 0), Beat())[0]
    of_mask = read_slices(write_map(ball(24, 8), "mask.mrc"), (0, 0, 0), Beat())[0]
    return SlicesPicture(of_map, of_mask, (0.0, 1.0))


@pytest.fixture
def package(monkeypatch):
    """The package, as if it were installed; gives what it found out about the terminal."""
    shown.clear()
    found = SimpleNamespace(Image=Picture, SixelImage=Picture, TGPImage=None)
    monkeypatch.setitem(sys.modules, "textual_image", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "textual_image.renderable", found)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(terminal_picture.os, "read", lambda *_: b"\n")
    return found


def test_without_the_package_it_is_told_what_to_install(slices, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    app = Suspended()
    assert 'pip install "halfmap[pictures]"' in show_in_terminal(app, slices, "")
    assert app.left == 0


def test_a_terminal_that_cannot_be_left_is_told(slices, package):
    assert show_in_terminal(Suspended(False), slices, "") == "this terminal cannot be left for a picture."


def test_a_terminal_without_pictures_is_told(slices, package):
    package.Image = object
    app = Suspended()
    assert "neither kitty's pictures nor sixel" in show_in_terminal(app, slices, "")
    assert (shown, app.left) == ([], 2)


def test_a_picture_is_shown_until_a_key_and_the_interface_comes_back(slices, package, monkeypatch, capsys):
    pytest.importorskip("PIL")
    monkeypatch.setattr(sys, "__stdout__", sys.stdout)
    app = Suspended()
    assert show_in_terminal(app, slices, "half 1, iteration 5") == ""
    assert (shown[0].cleaned, app.left) == (True, 2)
    width, height = shown[0].image.size
    assert (height, width) == (384, 3 * 384 + 16)
    assert shown[0].image.getpixel((192, 192)) == (255, 255, 255)
    assert shown[0].image.getpixel((2, 2)) == (0, 0, 0)
    out = capsys.readouterr().out
    assert "XY, XZ, YZ: half 1, iteration 5" in out
    assert out.startswith("\x1b[?1049h")
    assert out.endswith("\x1b[?1049l")


def test_whatever_goes_wrong_the_interface_comes_back(slices, package):
    package.Image = package.SixelImage = lambda *_, **__: 1 / 0
    app = Suspended()
    assert "could not be shown: division by zero" in show_in_terminal(app, slices, "")
    assert app.left == 2
