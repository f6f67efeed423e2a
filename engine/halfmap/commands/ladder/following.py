"""A ladder followed on the terminal: a line whenever a step changes."""

import asyncio
from contextlib import aclosing

from halfmap.commands.queue.printing import print_note
from halfmap.commands.queue.talking import Code
from halfmap.daemon.client import Client, DaemonAway, LadderDetail, LadderName, LadderStep
from halfmap.tui.text.ladder_words import called, job_of, most_telling, resolution_of, sentence
from halfmap.tui.text.plain import plain

_PAUSE_S = 0.5


async def follow(client: Client, which: LadderName, detail: LadderDetail) -> int:
    """Tell how a ladder gets on until it rests; exit code 0 if it has finished.

    Whoever interrupts this leaves the ladder as it is.
    """
    print(sentence(detail.row), flush=True)
    told = _tell_changes({}, detail)
    rev = (await client.status()).rev
    try:
        async with aclosing(client.events(rev, None, True)) as events:  # type: ignore[type-var]
            while detail.row.state == "running":
                await anext(events)
                # events come in crowds, and the daemon itself takes a moment to queue what comes next
                await asyncio.sleep(_PAUSE_S)
                detail = await _shown(client, which)
                told = _tell_changes(told, detail)
    except asyncio.CancelledError:
        print_note(f"{which.name} goes on by itself; `halfmap ladder {which.name}` tells how it is.")
        raise
    print(sentence(detail.row))
    return Code.DONE if detail.row.state == "finished" else Code.REFUSED


async def _shown(client: Client, which: LadderName) -> LadderDetail:
    while True:
        try:
            return await client.ladder(which)
        except DaemonAway:
            await asyncio.sleep(_PAUSE_S)


def _tell_changes(told: dict[str, tuple[str, str]], detail: LadderDetail) -> dict[str, tuple[str, str]]:
    """Print a line for each step that has changed, and give what was told of all."""
    now = {step.step: (step.job_name, step.state) for step in detail.steps if step.job_name}
    for step in detail.steps:
        if step.step in now and now[step.step] != told.get(step.step):
            print(plain(_line(step)), flush=True)
    return now


def _line(step: LadderStep) -> str:
    facts = [most_telling(step)] if step.state == "queued" else [resolution_of(step)]
    if step.state in ("failed", "aborted", "lost", "held"):
        facts.append(step.reason)
    more = "; ".join(fact for fact in facts if fact)
    return f"  {called(step):<20} {job_of(step):<19} {step.state}{f'  {more}' if more else ''}"
