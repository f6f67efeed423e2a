"""The whole page: one HTML file that loads nothing, for screens of both kinds and for paper."""

from pathlib import Path

from halfmap.tui.report import sections
from halfmap.tui.report.curves import curves_section, dark_colours
from halfmap.tui.report.elements import Markup, element, text, together
from halfmap.tui.report.iterations import iterations_section
from halfmap.tui.report.matter import Matter
from halfmap.tui.report.parameters import parameters_section
from halfmap.tui.report.provenance import provenance_section
from halfmap.tui.text.figures import known_as, moment

_STYLE = Path(__file__).with_name("page.css")
# whatever a text might hold, nothing is loaded and nothing is run
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(matter: Matter) -> str:
    """Write the page."""
    row = matter.told.detail.row
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", **{"http-equiv": "Content-Security-Policy"}, content=_POLICY),
        element("meta", name_="generator", content=f"halfmap {matter.version}"),
        element("title", f"{known_as(row)} – halfmap report"),
        element("style", Markup(_STYLE.read_text(encoding="utf-8") + dark_colours())),
    )
    foot = f"Written by halfmap {matter.version} on {moment(matter.now)}. Times are those of this machine's clock."
    parts = (
        sections.title(matter),
        sections.methods_section(matter),
        curves_section(matter.told.course, matter.told.samples),
        sections.slices_section(matter.slices),
        iterations_section(matter.told.course.iterations),
        provenance_section(matter),
        parameters_section(matter),
        element("footer", text(foot)),
    )
    body = element("body", element("main", together(parts, Markup("\n"))))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"
