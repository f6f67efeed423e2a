"""A ladder as it is shown: each step with its job, its options and their reasons; pure."""

from collections.abc import Iterator

from halfmap.contract.ladder_file import Ladder
from halfmap.contract.ladder_sampling import Chosen
from halfmap.contract.ladder_steps import Known, Step, all_steps
from halfmap.daemon.ladder_records import LadderDetail, LadderOption, LadderRow, LadderStep
from halfmap.daemon.ladders.course import Rest, Standing
from halfmap.daemon.ladders.notes import Notes, chosen_of

_NOT_NEEDED = "not needed"


def detail(project: str, name: str, standing: Standing, rest: Rest, text: str) -> LadderDetail:
    """Show a ladder with all its steps."""
    steps = tuple(_shown(step, standing, rest) for rung in all_steps(standing.ladder, standing.known) for step in rung)
    return LadderDetail(row=_row(project, name, standing, rest, steps), steps=steps, text=text,
                        warnings=tuple(_warnings(standing)))  # fmt: skip


def planned(project: str, name: str, ladder: Ladder, known: Known, text: str) -> LadderDetail:
    """Show a ladder of which nothing has been queued."""
    standing = Standing(ladder, Notes(uuid=""), known)
    return detail(project, name, standing, Rest("running", "nothing is queued yet"), text)


def unreadable(project: str, name: str, reason: str, text: str) -> LadderDetail:
    """Show a ladder whose file cannot be used."""
    return LadderDetail(row=LadderRow(project=project, name=name, state="trouble", reason=reason), text=text)


def _row(project: str, name: str, standing: Standing, rest: Rest, steps: tuple[LadderStep, ...]) -> LadderRow:
    begun = [step for step in steps if step.job_name]
    reached = [step.resolution_angstrom for step in steps if step.resolution_angstrom is not None]
    needed = [step for step in steps if step.state != _NOT_NEEDED]
    return LadderRow(
        project=project,
        name=name,
        state=rest.state,
        reason=rest.reason,
        binning=begun[-1].binning if begun else None,
        binnings=standing.ladder.binnings,
        steps_done=sum(step.state == "finished" for step in steps),
        steps=len(needed),
        resolution_angstrom=reached[-1] if reached else None,
    )


def _shown(step: Step, standing: Standing, rest: Rest) -> LadderStep:
    note = standing.notes.steps.get(step.identity)
    sight = standing.sight_of(step.identity)
    options = step.options if note is None else chosen_of(note)
    reached = standing.known.reached.get(step.binning) if step.name == "refine" else None
    if note is None or sight is None:
        state = _NOT_NEEDED if rest.state == "finished" else "planned"
        return LadderStep(
            step=step.identity, binning=step.binning, does=step.name, state=state, reason=step.why,
            options=tuple(_option(key, one) for key, one in options.items()),
        )  # fmt: skip
    return LadderStep(
        step=step.identity,
        binning=step.binning,
        does=step.name,
        job=sight.number,
        job_name=note.job,
        state="gone" if sight.state is None else sight.state.value,
        reason=sight.reason or step.why,
        resolution_angstrom=reached.resolution_angstrom if reached else None,
        options=tuple(_option(key, one) for key, one in options.items()),
    )


def _option(key: str, chosen: Chosen) -> LadderOption:
    return LadderOption(key=key, value=chosen.value, why=chosen.why)


def _warnings(standing: Standing) -> Iterator[str]:
    """Tell which steps were queued otherwise than the file says now."""
    steps = {step.identity: step for rung in all_steps(standing.ladder, standing.known) for step in rung}
    for which, note in standing.notes.steps.items():
        for key, now in steps[which].options.items() if which in steps else ():
            queued = note.options.get(key, ("", ""))[0]
            if now.value not in (None, queued):
                told = queued or "its default"
                yield f"{which} was queued with {key} = {told}; the file says {now.value}"
