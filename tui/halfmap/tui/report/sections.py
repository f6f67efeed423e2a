"""The parts of a report: each makes a section of what is known, and none of what is not."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from halfmap.daemon.client import AttemptRow
from halfmap.tui.course import Iteration
from halfmap.tui.report.checksums import Checked
from halfmap.tui.report.elements import Markup, element, facts, section, table, together
from halfmap.tui.report.matter import Matter, SlicedMap
from halfmap.tui.report.methods import CITATIONS, methods
from halfmap.tui.text.figures import duration, figure, known_as, moment
from halfmap.tui.text.parameters import Parameter, parameters

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


def iterations_section(iterations: Sequence[Iteration]) -> Markup:
    """A table of what each iteration measured and how it sampled."""
    if not iterations:
        return Markup()
    shown = [one for one in _COLUMNS if any(cell(one[1], it) != _NO for it in iterations)]
    rows = ([_number(one), *(cell(name, one) for _, name in shown)] for one in iterations)
    hint = (
        "Accuracies are estimates, steps those after oversampling, changes means over all particles, samples the "
        "significant poses of a particle."
    )
    headings = ["", *(heading for heading, _ in shown)]
    return section("Iterations", table(headings, rows, "figures"), element("p", hint, class_="hint"))


def _number(one: Iteration) -> str:
    return f"{one.iteration}{' (joined)' if one.converged else ''}"


_COLUMNS: tuple[tuple[str, str], ...] = (
    ("resolution (Å)", "resolution_angstrom:.2f"),
    ("FSC 0.143 (Å)", "resolution_fsc_143_angstrom:.2f"),
    ("accuracy (°)", "accuracy_rotation_deg:.2f"),
    ("accuracy (Å)", "accuracy_translation_angstrom:.2f"),
    ("angular step (°)", "angular_step_deg:.3g"),
    ("offset step (Å)", "offset_step_angstrom:.3g"),
    ("offset range (Å)", "offset_range_angstrom:.3g"),
    ("search", "local_searches:"),
    ("image (px)", "current_size_px:"),
    ("change (°)", "changes_orientations_deg:.2f"),
    ("change (Å)", "changes_offsets_angstrom:.2f"),
    ("Pmax", "average_pmax:.3f"),
    ("samples", "significant_samples_mean:.1f"),
    ("log-likelihood", "log_likelihood:.0f"),
    ("time", "seconds:"),
)


def cell(column: str, one: Iteration) -> str:
    """Write a value of an iteration; `column` is a field, and how a number is written after a colon."""
    name, _, kind = column.partition(":")
    value: Any = getattr(one, name)
    if name == "seconds":
        known = [seconds for seconds in one.seconds.values() if seconds is not None]
        return duration(sum(known)) if known else _NO
    if value is None:
        return _NO
    if name == "local_searches":
        return "local" if value else "global"
    return f"{value:{kind}}"


def parameters_section(matter: Matter) -> Markup:
    """All parameters, tab by tab; those that differ from their defaults are marked."""
    if not matter.told.detail.options:
        note = "The daemon knows no options of this job; the command under Provenance tells what it ran with."
        return section("Parameters", element("p", note))
    every = list(parameters(matter.told.form, matter.told.detail.options))
    tabs = dict.fromkeys(one.tab for one in every)
    hint = f"{sum(one.differs for one in every)} of {len(every)} differ from their defaults, and are marked ●."
    blocks = (_tab(tab, [one for one in every if one.tab == tab]) for tab in tabs)
    return section("Parameters", element("p", hint, class_="hint"), *blocks)


def _tab(tab: str, rows: Sequence[Parameter]) -> Markup:
    made = (
        (
            "●" if one.differs else "",
            one.label,
            element("code", one.key),
            element("strong", one.value) if one.differs else one.value,
            (one.other or _NO) if one.differs else "",
        )
        for one in rows
    )
    return together((element("h3", tab), table(("", "parameter", "key", "value", "default"), made, "parameters")))


def provenance_section(matter: Matter) -> Markup:
    """Which program ran, with which command, where, when, on what."""
    attempts = matter.told.detail.attempts
    return section(
        "Provenance",
        facts(_provenance(matter)),
        element("h3", "Command") if matter.record.arguments or any(one.argv for one in attempts) else Markup(),
        _command(matter, attempts),
        element("h3", "Starts") if attempts else Markup(),
        _attempts(attempts) if attempts else Markup(),
        _files("Input files", matter.inputs, "Stacks of particle images are not among them."),
        _files("Output files", matter.outputs, ""),
    )


def _provenance(matter: Matter) -> Iterator[tuple[str, str]]:
    row, record, status = matter.told.detail.row, matter.record, matter.told.status
    yield "program", record.program or "not recorded"
    yield "started by", "somebody else; halfmap's daemon follows it" if row.followed else "halfmap's daemon"
    yield "daemon", f"halfmap {status.version}" if status is not None else ""
    yield "host", record.host
    yield "daemon's host", matter.told.host.host if matter.told.host is not None else ""
    yield "place", row.place
    yield "MPI ranks", f"{record.ranks or ''}"
    yield "threads of each", f"{record.threads or ''}"
    yield "cards", ", ".join(dict.fromkeys(card for one in matter.told.detail.attempts for card in one.cards))
    yield "random seed", "not recorded" if record.seed is None else f"{record.seed}"
    yield "submitted", "" if row.followed else moment(row.submitted)
    yield "started", moment(row.started)
    yield "ended", moment(row.ended)
    yield "took", duration(row.ended - row.started) if row.ended and row.started else ""


def _command(matter: Matter, attempts: Sequence[AttemptRow]) -> Markup:
    launched = next((one.argv for one in attempts if one.argv), ())
    parts = [_words(launched)] if launched else []
    if matter.record.arguments:
        words = "Options as the program recorded them:" if launched else "As the program recorded it:"
        parts += [element("p", words, class_="hint"), _words(matter.record.arguments)]
    return together(parts)


def _words(argv: Sequence[str]) -> Markup:
    """Write a command so that lines break between options only."""
    groups: list[list[str]] = [[]]
    for word in argv:
        if word.startswith("--"):
            groups.append([])
        groups[-1].append(word)
    return element("pre", together((element("span", shlex.join(group)) for group in groups if group), " "))


def _attempts(attempts: Sequence[AttemptRow]) -> Markup:
    rows = (
        (
            f"{one.attempt}",
            one.state.value,
            moment(one.started or one.created),
            moment(one.ended) or _NO,
            duration(one.ended - one.started) if one.ended and one.started else _NO,
            _NO if one.exit_code is None else f"{one.exit_code}",
            ", ".join(one.cards) or _NO,
            one.reason,
        )
        for one in reversed(attempts)
    )
    return table(("start", "state", "began", "ended", "took", "exit code", "cards", "reason"), rows)


def _files(heading: str, files: Sequence[Checked], hint: str) -> Markup:
    if not files:
        return Markup()
    rows = (
        (
            one.role,
            one.path,
            _NO if one.bytes is None else f"{one.bytes:,}".replace(",", " "),
            moment(one.changed) or _NO,
            element("code", one.sha256) if one.sha256 else one.trouble,
        )
        for one in files
    )
    made = table(("file", "path", "bytes", "changed", "SHA-256"), rows, "files")
    return together((element("h3", heading), made, element("p", hint, class_="hint") if hint else Markup()))
