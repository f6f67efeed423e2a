"""Slices as a true picture, in terminals that have one of two protocols: kitty's, or sixel.

The package for it is optional: it is under the LGPL, and asks the terminal at its import what it can. So it is loaded
only on the key, while the interface has let go of the terminal; a running interface would take the answers for keys.
"""

import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from halfmap.tui.charts.planes import PLANES, levels, outline
from halfmap.tui.charts.slices import SlicesPicture
from halfmap.tui.text.plain import plain

if TYPE_CHECKING:
    import numpy as np

PACKAGE = "textual_image"
_LEAST_SIDE_PX = 384
_GAP_PX = 8
_OUTLINE = (255, 175, 95)
_ALTERNATE, _NORMAL = "\x1b[?1049h\x1b[H\x1b[2J", "\x1b[?1049l"


def show_in_terminal(app: App[Any], picture: SlicesPicture, words: str) -> str:
    """Show a picture in the whole terminal until Enter is pressed.

    Parameters
    ----------
    words
        Said under the picture.

    Returns
    -------
    str
        Why it was not shown, in a sentence; empty if it was.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        return 'pictures by kitty or sixel need a package: pip install "halfmap[pictures]".'
    try:
        with app.suspend():
            return _shown(picture, plain(words))
    except SuspendNotSupported:
        return "this terminal cannot be left for a picture."


def _shown(picture: SlicesPicture, words: str) -> str:
    try:
        # this asks the terminal
        found = importlib.import_module(f"{PACKAGE}.renderable")
        if found.Image not in (found.SixelImage, found.TGPImage):
            return "this terminal knows neither kitty's pictures nor sixel (tmux and screen hide both)."
        _print(found.Image, picture, words)
    except KeyboardInterrupt:
        return ""
    except Exception as error:
        # whatever goes wrong in there, the interface comes back
        return f"the picture could not be shown: {plain(f'{error}')[:200]}."
    return ""


def _print(kind: Any, picture: SlicesPicture, words: str) -> None:
    from PIL.Image import fromarray
    from rich.console import Console

    out = sys.__stdout__
    assert out is not None
    console = Console(file=out, markup=False, highlight=False)
    # three squares beside each other; a cell is twice as high as wide
    width = max(6, min(console.width - 1, 6 * (console.height - 4)))
    image = kind(fromarray(_pixels(picture)), width=width, height="auto")
    out.write(_ALTERNATE)
    try:
        console.print(image)
        console.print(f"{', '.join(PLANES)}: {words}")
        console.print("Enter: back")
        out.flush()
        os.read(0, 1024)
    finally:
        image.cleanup()
        out.write(_NORMAL)
        out.flush()


def _pixels(picture: SlicesPicture) -> "np.ndarray[Any, Any]":
    import numpy as np

    box = picture.slices.header.box_px
    side = box * -(-_LEAST_SIDE_PX // box)
    parts = []
    for plane in range(3):
        grey = levels(picture.slices.planes[plane], picture.greys, (side, side), 256)
        colours = np.repeat(grey[:, :, None], 3, axis=2)
        if picture.mask is not None:
            colours[outline(picture.slices, picture.mask, plane, (side, side))] = _OUTLINE
        parts += [colours, np.zeros((side, _GAP_PX, 3), np.uint8)]
    return np.concatenate(parts[:-1], axis=1)
