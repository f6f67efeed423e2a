import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from halfmap.daemon.client import JobState
from halfmap.daemon.fake import FakeService
from halfmap.tui.charts.all import CHARTS
from halfmap.tui.demo import Demo
from halfmap.tui.report.curves import plots_of
from halfmap.tui.report.gather import ask, look
from halfmap.tui.report.matter import Matter
from halfmap.tui.report.page import page

NOW = 1_800_000_000.0
EVIL = "</title><script>alert(1)</script>\x1b[31m\u202e\"'><img src=x onerror=alert(2)>"
VOID = {"meta", "img", "br", "path", "circle", "rect", "line", "image"}


class Reader(HTMLParser):
    """Reads a page, sees that its elements are closed in order, and notes what it holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attributes]

    def handle_data(self, data) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def matter_of(service: FakeService, job: int) -> Matter:
    return look(asyncio.run(ask(service, job)), print, now=lambda: NOW)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Demo:
    return Demo(NOW, tmp_path_factory.mktemp("demo") / "of")


@pytest.fixture(scope="module")
def finished(demo: Demo) -> Reader:
    return Reader(page(matter_of(demo.service, 2)))


def test_a_finished_job_is_told_with_its_curves_slices_and_files(finished: Reader, demo: Demo) -> None:
    assert "finished · final resolution 11.27 Å, 10.80 Å at FSC 0.143" in finished.text
    assert "400 particles (211 and 189 in the two half sets)" in finished.text
    told = asyncio.run(ask(demo.service, 2))
    plots = [plot for name in CHARTS for plot in plots_of(name, told.course, samples=told.samples)]
    assert finished.tags.count("svg") == len(plots) + 3 * 3
    assert finished.tags.count("image") == 9
    for heading in ("Methods", "Curves", "Map", "Iterations", "Provenance", "Parameters"):
        assert heading in finished.texts
    for one in (
        "Refine3D/job011/run_class001.mrc",
        "halfmap 0.1.0",
        "13 (joined)",
        "12 of 64 differ",
        "card 0, NVIDIA H100 80GB HBM3 (GPU-demo-0)",
    ):
        assert one in finished.text
    assert len(re.findall(r"\b[0-9a-f]{64}\b", finished.text)) == 5


def test_the_page_loads_nothing_and_runs_nothing(finished: Reader) -> None:
    assert not {"script", "link", "iframe", "object", "img", "base"} & set(finished.tags)
    addresses = [value for name, value in finished.attributes if name in ("src", "href", "xlink:href", "action")]
    assert len(addresses) == 9
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert not [name for name, _ in finished.attributes if name.startswith("on")]
    style = finished.texts[finished.texts.index(next(one for one in finished.texts if ":root" in one))]
    assert "@import" not in style
    assert "url(" not in style


def test_the_same_job_makes_the_same_page(demo: Demo) -> None:
    assert page(matter_of(demo.service, 2)) == page(matter_of(demo.service, 2))


@pytest.mark.parametrize("job", [1, 3, 4, 5, 6, 7])
def test_jobs_in_every_state_make_a_whole_page(job: int, demo: Demo) -> None:
    read = Reader(page(matter_of(demo.service, job)))
    assert demo.service.row(job).state.value in read.text


def test_a_followed_job_says_what_is_not_known(demo: Demo) -> None:
    read = Reader(page(matter_of(demo.service, 1)))
    assert "The daemon knows no options of this job" in read.text
    assert "somebody else; halfmap's daemon follows it" in read.text


def test_no_text_of_others_becomes_markup() -> None:
    service = FakeService(NOW)
    row = service.add_job(
        EVIL, {"other_args": EVIL, EVIL: EVIL, "fn_ref": EVIL}, name=EVIL, alias=EVIL, alarm=EVIL, state="queued"
    )
    service.start(row.job, (EVIL,), (EVIL, "--ref", EVIL))
    service.iterate(row.job, resolution_angstrom=9.0)
    service.finish(row.job, JobState.FAILED, EVIL)
    text = page(matter_of(service, row.job))
    read = Reader(text)
    assert "script" not in read.tags
    assert "img" not in read.tags
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    assert read.text.count("<script>alert(1)</script>") > 8


def test_a_job_without_anything_makes_a_page() -> None:
    service = FakeService(NOW)
    row = service.add_job("/p")
    read = Reader(page(matter_of(service, row.job)))
    assert "queued · no resolution is known" in read.text
    assert "No finished iteration is recorded." in read.text
    assert "Curves" not in read.texts


def test_inputs_are_named_by_the_command_and_by_the_set(tmp_path: Path) -> None:
    (tmp_path / "set.star").write_text("data_\n_rlnTomoParticlesFile p.star\n_rlnTomoTomogramsFile t.star\n")
    (tmp_path / "p.star").write_text("x")
    (tmp_path / "ref_half1.mrc").write_text("y")
    service = FakeService(NOW)
    options = {"in_optimisation": "set.star", "fn_ref": "ref_half1.mrc", "fn_mask": "None"}
    row = service.add_job(str(tmp_path), options)
    found = matter_of(service, row.job).inputs
    assert [(one.role, one.path, one.bytes) for one in found] == [
        ("optimisation set", "set.star", 64),
        ("particles", "p.star", 1),
        ("tomograms", "t.star", None),
        ("reference", "ref_half1.mrc", 1),
        ("reference of the other half", "ref_half2.mrc", None),
    ]
