"""What is said of a map: which it is, and where it lies relative to the mask."""

from collections.abc import Sequence

from rich.cells import cell_len

from halfmap.tui.files.map_slices import Slices
from halfmap.tui.files.mrc import MapHeader
from halfmap.tui.text.figures import figure

_AGREE_PX = 0.1


def names_of(kind: str, iteration: int | None, resolution_angstrom: float | None) -> tuple[str, ...]:
    """Say which map is shown, the longest way first."""
    number = "" if iteration is None else f"{iteration}"
    fine, brief = figure(resolution_angstrom, "Å"), figure(resolution_angstrom, "Å", 1)
    ways = ("iteration ", fine), ("iteration ", brief), ("it ", brief)
    told = [", ".join(part for part in (kind, number and word + number, figures) if part) for word, figures in ways]
    return (*told, kind)


def lies(offset_angstrom: float | None, pixel_size_angstrom: float) -> tuple[str, ...]:
    """Say where a map lies along z relative to its mask, the longest way first; above is towards larger z."""
    if offset_angstrom is None:
        return ()
    pixel = pixel_size_angstrom if pixel_size_angstrom > 0 else 1.0
    if abs(offset_angstrom) < _AGREE_PX * pixel:
        return "map and mask have the same centre along z", "map centred in mask along z", "z +0 to mask"
    far = f"{abs(offset_angstrom):.1f} Å" if pixel_size_angstrom > 0 else f"{abs(offset_angstrom):.1f} px"
    where = "above" if offset_angstrom > 0 else "below"
    sign = "+" if offset_angstrom > 0 else "-"
    return (
        f"map is {far} {where} the mask's centre along z (towards {sign}z)",
        f"map is {far} {where} mask ({sign}z)",
        f"{far} {where} mask",
    )


def laid_over(slices: Slices, mask: Slices | None) -> str:
    """Say how a mask of another size was laid over; empty if it has the map's."""
    if mask is None or _same(slices.header, mask.header):
        return ""
    return f"{mask.header}, laid centre on centre"


def longest(ways: Sequence[str], cells: int) -> str:
    """Choose the longest way to say something that fits; empty if none does."""
    return next((way for way in ways if cell_len(way) <= cells), "")


def _same(one: MapHeader, other: MapHeader) -> bool:
    return (one.box_px, one.pixel_size_angstrom) == (other.box_px, other.pixel_size_angstrom)
