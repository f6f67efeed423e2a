"""The head of a report, its methods and its slices; each makes a section of what is known, and none of what is not."""

from collections.abc import Iterator, Sequence

from halfmap.tui.job.course import Iteration
from halfmap.tui.report.elements import Markup, element, section
from halfmap.tui.report.matter import Matter, SlicedMap
from halfmap.tui.report.methods import CITATIONS, methods
from halfmap.tui.text.figures import figure, known_as

_NO = "–"
_SIDES = ("XY", "XZ", "YZ")


def title(matter: Matter) -> Markup:
    """What job this is, how it is, and what it reached."""
    row = matter.told.detail.row
    state = f"{row.state.value}{f': {row.reason}' if row.reason else ''}"
    last = matter.told.course.at(None)
    parts = [
        element("h1", known_as(row)),
        element("p", row.project, class_="project"),
        element("p", element("strong", state), " · ", _reached(matter, last), class_="state"),
        element("p", "! ", row.alarm, class_="alarm") if row.alarm else Markup(),
        *(element("p", "Note: ", one, class_="hint") for one in dict.fromkeys(_notes(matter))),
    ]
    return element("header", *parts)


def _reached(matter: Matter, last: Iteration | None) -> str:
    resolution = matter.told.detail.row.resolution_angstrom
    if resolution is None and last is not None:
        resolution = last.resolution_angstrom
    if resolution is None:
        return "no resolution is known"
    at_143 = None if last is None else last.resolution_fsc_143_angstrom
    stage = "final resolution" if last is not None and last.converged else "resolution so far"
    more = f", {figure(at_143, 'Å')} at FSC 0.143" if at_143 is not None else ""
    return f"{stage} {figure(resolution, 'Å')}{more}"


def _notes(matter: Matter) -> Iterator[str]:
    told = matter.told
    yield from filter(None, (*told.detail.warnings, told.files.trouble, told.trouble))


def methods_section(matter: Matter) -> Markup:
    """A paragraph for a publication, and what to cite."""
    hint = (
        "This paragraph says only what was recorded; what is not recorded is left out. The methods are RELION's: "
        "please cite the work of its authors."
    )
    return section(
        "Methods",
        element("p", methods(matter)),
        element("p", hint, class_="hint"),
        element("ul", *(element("li", one) for one in CITATIONS)),
    )


def slices_section(maps: Sequence[SlicedMap]) -> Markup:
    """Central slices of the maps, with the mask's outline."""
    hint = "Slices through the centre; the first axis runs to the right, the second upwards."
    if any(one.outlines for one in maps):
        hint += " The line is where the mask is 0.5."
    return section("Map", element("p", hint, class_="hint"), *(_slices(one) for one in maps)) if maps else Markup()


def _slices(one: SlicedMap) -> Markup:
    outlines = one.outlines or ("",) * len(one.pictures)
    pictures = (_picture(one, side, uri, line) for side, uri, line in zip(_SIDES, one.pictures, outlines, strict=False))
    caption = element("figcaption", element("strong", one.name), f" {one.note}" if one.note else "")
    return element("figure", element("div", *pictures, class_="slices"), caption)


def _picture(one: SlicedMap, side: str, uri: str, line: str) -> Markup:
    size = f"{one.box_px}"
    image = element("image", href=uri, width=size, height=size)
    path = element("path", d=line, class_="outline") if line else Markup()
    label = f"{one.name}, {side} slice through the centre"
    drawing = element(
        "svg", image, path, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {size} {size}", role="img",
        **{"aria-label": label},
    )  # fmt: skip
    return element("div", drawing, element("span", side), class_="slice")
