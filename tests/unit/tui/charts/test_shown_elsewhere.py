"""Charts in a pipe and in a page."""

import re
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from halfmap.tui.charts import resolution
from halfmap.tui.charts.plot import Axis, Level, Mark, Plot, Series
from halfmap.tui.charts.to_rich import as_text
from halfmap.tui.charts.to_svg import as_svg

SVG = "{http://www.w3.org/2000/svg}"


def texts_in(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_chart_in_a_pipe_has_its_lines_and_colours(recorded):
    text = as_text(resolution.plots(recorded), 70, 14, False, "dark")
    lines = text.plain.split("\n")
    assert len(lines) == 14
    assert lines[0].startswith("Resolution (Å)  J joined")
    assert all(line == line.rstrip() for line in lines)
    console = Console(force_terminal=True, color_system="truecolor", width=70)
    with console.capture() as capture:
        console.print(text, highlight=False)
    # the colour of the first series in the dark theme
    assert "38;2;95;215;255" in capture.get()


def test_a_single_plot_can_be_shown_in_ascii(recorded):
    (plot,) = resolution.plots(recorded)
    assert as_text(plot, 60, 10, True, "ansi").plain.isascii()


def test_svg_has_title_legend_values_levels_and_notes(recorded, recorded_local):
    (plot,) = resolution.plots(recorded, 5, (recorded_local,))
    written = texts_in(as_svg(plot, 480, 300))
    for text in ("Resolution (Å)", "r in run", "A job009", "Nyquist 16.2 Å", "20", "9", "iteration", plot.notes[1]):
        assert text in written


def test_svg_needs_nothing_from_elsewhere(recorded):
    svg = as_svg(resolution.plots(recorded)[0], 480, 300)
    assert not re.search(r"(href|url\(|<script|<style|<image)", svg)


def test_curves_in_svg_differ_in_dashes():
    series = tuple(
        Series(role, (1.0, 2.0), (1.0, 2.0), role, glyph=role[0]) for role in ("first", "second", "third", "overlay")
    )
    paths = re.findall(
        r"<path d=\"M\d+\.\d \d+\.\dL[^>]*stroke-width[^>]*>", as_svg(Plot("t", Axis(), Axis(), series), 400, 300)
    )
    dashes = {match.group(1) if (match := re.search(r'dasharray="([^"]+)"', path)) else "" for path in paths}
    assert len(dashes) == 4


def test_texts_in_svg_are_escaped_and_what_xml_cannot_hold_is_replaced():
    plot = Plot("<script>&\x00\x1b", Axis('"x"'), Axis(), (Series("a<b\ud800", (1.0,), (1.0,)),), notes=("</svg>",))
    written = texts_in(as_svg(plot, 300, 200))
    assert "<script>&\ufffd\ufffd" in written
    assert "a<b\ufffd" in written
    assert "</svg>" in written


def test_svg_of_nothing_says_so():
    assert "no curve yet" in texts_in(as_svg(Plot("FSC", Axis(), Axis(), empty="no curve yet"), 0, 0))


numbers = st.one_of(st.none(), st.sampled_from([float("inf"), float("nan"), 1e308, 0.0, 5e-324]), st.floats(-10, 1e4))
axes = st.builds(Axis, scale=st.sampled_from(["linear", "log", "reciprocal"]), low=numbers, high=numbers)
curves = st.builds(
    Series,
    st.just("name"),
    st.lists(numbers, max_size=6).map(tuple),
    st.lists(numbers, max_size=6).map(tuple),
    line=st.sampled_from(["line", "stairs", "points", "bars"]),
)


@settings(max_examples=60, deadline=None)
@given(axes, axes, st.lists(curves, max_size=3).map(tuple), numbers, numbers)
def test_curves_in_svg_stay_within_their_area(x, y, series, level, mark):
    levels = () if level is None else (Level(level, "level"),)
    marks = () if mark is None else (Mark(mark, "mark"),)
    svg = as_svg(Plot("t", x, y, series, levels, marks), 400, 300)
    assert "nan" not in svg
    assert "inf" not in svg
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        for value in re.findall(r"-?\d+\.\d+", path.get("d", "")):
            assert -0.1 <= float(value) <= 400
