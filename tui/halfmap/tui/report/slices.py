"""Maps as pictures: their central slices as PNG, the mask's outline as a path over them."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from halfmap.daemon.client import IterationFiles, JobFiles
from halfmap.tui.files.map_slices import Slices, read_slices
from halfmap.tui.files.mrc import BadMap
from halfmap.tui.files.patient import Beat
from halfmap.tui.report.matter import SlicedMap
from halfmap.tui.report.patience import told_if_long
from halfmap.tui.report.png import as_uri, grey_png

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_CENTRE = (0, 0, 0)
_INSIDE = 0.5


def sliced_maps(files: JobFiles, tell: Callable[[str], None]) -> tuple[SlicedMap, ...]:
    """Cut the newest maps of a job, and its mask's outline; a map that cannot be read says why.

    Parameters
    ----------
    files
        Where they are.
    tell
        Called with a sentence when a map takes long.
    """
    newest = next((one for one in reversed(files.iterations) if any(one.half_maps) or one.map), None)
    if newest is None:
        return ()
    with told_if_long(tell, f"{files.mask}: reading"):
        mask, trouble = _mask(files.mask)
    cut = []
    for name, path in _maps(newest):
        with told_if_long(tell, f"{path}: reading"):
            cut.append(_cut(name, path, mask))
    return tuple([*cut, SlicedMap("Mask", note=trouble)] if trouble else cut)


def _maps(newest: IterationFiles) -> Iterator[tuple[str, str]]:
    if newest.map:
        yield "Joined map", newest.map
    kind = ", unfiltered" if newest.is_joined else f" of iteration {newest.iteration}"
    for half, path in enumerate(newest.half_maps, 1):
        if path:
            yield f"Half map {half}{kind}", path


def _mask(path: str) -> tuple[Slices | None, str]:
    if not path:
        return None, ""
    try:
        return read_slices(path, _CENTRE, Beat())[0], ""
    except BadMap as error:
        return None, f"{path} {error}"


def _cut(name: str, path: str, mask: Slices | None) -> SlicedMap:
    try:
        slices, _ = read_slices(path, _CENTRE, Beat())
    except BadMap as error:
        return SlicedMap(name, note=f"{path} {error}")
    fits = mask is not None and mask.header.box_px == slices.header.box_px
    return SlicedMap(
        name,
        pictures=tuple(as_uri(picture(plane, slices.greys)) for plane in slices.planes),
        outlines=tuple(outline(plane >= _INSIDE) for plane in mask.planes) if mask is not None and fits else (),
        box_px=len(slices.xy),
        note=f"{slices.header}" + ("" if mask is None or fits else f"; the mask has {mask.header}, and is not drawn"),
    )


def picture(plane: "Array", greys: tuple[float, float]) -> bytes:
    """Write a plane as PNG.

    Parameters
    ----------
    plane
        (rows, columns); the first row is at the bottom.
    greys
        Values that are black and white.
    """
    import numpy as np

    low, high = greys
    if not high > low:
        low, high = float(plane.min()), float(plane.max())
    scaled = (plane - low) / (high - low) if high > low else np.full_like(plane, 0.5)
    greys8 = np.round(255 * np.clip(scaled, 0, 1)).astype(np.uint8)
    return grey_png([row.tobytes() for row in greys8[::-1]])


def outline(inside: "Array") -> str:
    """Draw the border of what is inside as an SVG path, in pixels of `picture`; empty if all or nothing is."""
    import numpy as np

    framed = np.pad(inside[::-1], 1, mode="edge")
    across = framed[:-1, 1:-1] != framed[1:, 1:-1]
    down = framed[1:-1, :-1] != framed[1:-1, 1:]
    level = [f"M{begin} {row}h{length}" for row, begin, length in _runs(across)]
    upright = [f"M{column} {begin}v{length}" for column, begin, length in _runs(down.T)]
    return "".join(level + upright)


def _runs(lines: "Array") -> Iterator[tuple[int, int, int]]:
    """Give the stretches of each line that are set: line, begin, length."""
    import numpy as np

    ends = np.diff(np.pad(lines.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    begins, stops = np.argwhere(ends == 1), np.argwhere(ends == -1)
    for (line, begin), (_, stop) in zip(begins.tolist(), stops.tolist(), strict=True):
        yield line, begin, stop - begin
