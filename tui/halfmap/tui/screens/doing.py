"""Doing what verbs say: refusals in words, one question for all jobs, and a sentence about what was done."""

import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from halfmap.daemon.client import DaemonAway, JobRow, Refused, Service, StopMode
from halfmap.tui.screens.ask import AskScreen, Choice
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.screens.stop import StopScreen, mode_of
from halfmap.tui.verbs import LOWER, RAISE, RESUME, STOP, Verb, allowed, named

_TOLD_AT_ONCE = 3
_READ_ONLY = "this session is read-only; nothing was changed."


Start = Callable[[Coroutine[Any, Any, None]], object]
"""Runs what takes time, one after the other."""


def begin(screen: HalfmapScreen, verb: Verb, rows: Sequence[JobRow], start: Start) -> None:
    """Do something with jobs, after asking; the question is there at once, for the next key may be its answer."""
    if screen.look.read_only:
        screen.tell(_READ_ONLY, "warning")
        return
    able, refusals = allowed(verb, rows)
    if refusals:
        screen.tell(_listed(refusals), "warning")
    if not able:
        return

    def answered(letter: str | None) -> None:
        if letter is not None:
            start(_do_each(screen, verb, able, letter))

    if len(able) == 1 and not verb.always_asks:
        answered("")
    else:
        screen.app.push_screen(_question(verb, able), answered)


def _question(verb: Verb, rows: Sequence[JobRow]) -> AskScreen:
    if verb is STOP and not all(row.state.is_waiting for row in rows):
        return StopScreen(rows)
    if verb is STOP:
        taken = Choice("y", "yes, take out of the queue", "It can be queued again with `C`.")
        return AskScreen(f"Stop {named(rows)} before {'it starts' if len(rows) == 1 else 'they start'}?", [taken])
    if verb is RESUME:
        return AskScreen(f"Clean up after {named(rows)}, and let it go on?", [_going_on(rows)])
    return AskScreen(f"{verb.description}: {named(rows)}?", [Choice("y", f"yes, {verb.short}")])


def _going_on(rows: Sequence[JobRow]) -> Choice:
    stalled = sum(row.state.is_active for row in rows)
    stopping = "What still runs of it is terminated first. " if stalled else ""
    return Choice(
        "y",
        "yes, clean up and go on",
        f"{stopping}It is queued to go on from its last whole iteration; what came after that is done anew.",
    )


async def _do_each(screen: HalfmapScreen, verb: Verb, rows: Sequence[JobRow], letter: str) -> None:
    done, refusals = list[JobRow](), list[str]()
    for row in rows:
        try:
            done.append(await _done(screen.service, verb, row, letter))
        except Refused as error:
            refusals.append(f"{error}")
        except DaemonAway as error:
            screen.halfmap.link.is_away(f"{error}")
            refusals.append(f"{error}")
            break
    if refusals:
        screen.tell(_listed(refusals), "error")
    if done:
        screen.tell(_sentence(verb, done))
        await screen.changed(frozenset(row.job for row in done))


async def _done(service: Service, verb: Verb, row: JobRow, letter: str) -> JobRow:
    key = f"{uuid.uuid4()}"
    if verb in (RAISE, LOWER):
        # the priority that was shown may be an older one
        priority = (await service.job(row.job)).row.priority + (1 if verb is RAISE else -1)
        return await service.prioritise(row.job, max(-1000, min(1000, priority)), key)
    if verb is STOP:
        mode: StopMode = "abort" if row.state.is_waiting or letter == "y" else mode_of(letter)
        return await service.stop(row.job, mode, key)
    plain_verbs = {"hold": service.hold, "release": service.release, "resume": service.resume}
    return await plain_verbs[verb.name](row.job, key)


def _sentence(verb: Verb, done: Sequence[JobRow]) -> str:
    if verb in (RAISE, LOWER) and len(done) == 1:
        return f"{named(done)} has priority {done[0].priority}."
    if len(done) == 1:
        return f"{named(done)} {verb.done}."
    return f"{len(done)} jobs: each {verb.done}."


def _listed(sentences: Sequence[str]) -> str:
    """Tell the first few of many sentences."""
    more = len(sentences) - _TOLD_AT_ONCE
    return "\n".join((*sentences[:_TOLD_AT_ONCE], *([f"… and {more} more like that."] if more > 0 else [])))
