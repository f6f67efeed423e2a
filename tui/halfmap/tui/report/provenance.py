"""Where a result comes from: program, command, machine, times, and the bytes that went in and came out."""

import shlex
from collections.abc import Iterator, Sequence

from halfmap.daemon.client import AttemptRow
from halfmap.tui.report.checksums import Checked
from halfmap.tui.report.elements import Markup, element, facts, section, table, together
from halfmap.tui.report.matter import Matter
from halfmap.tui.text.figures import duration, moment

_NO = "–"


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
    yield "cards", "; ".join(_cards(matter))
    yield "random seed", "not recorded" if record.seed is None else f"{record.seed}"
    yield "submitted", "" if row.followed else moment(row.submitted)
    yield "started", moment(row.started)
    yield "ended", moment(row.ended)
    yield "took", duration(row.ended - row.started) if row.ended and row.started else ""


def _cards(matter: Matter) -> Iterator[str]:
    """Name the cards of all starts; those that are no longer in the machine by their UUID alone."""
    known = {card.uuid: card for card in matter.told.cards}
    for uuid in dict.fromkeys(card for one in matter.told.detail.attempts for card in one.cards):
        card = known.get(uuid)
        yield uuid if card is None else f"card {card.index}, {card.name} ({uuid})"


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
