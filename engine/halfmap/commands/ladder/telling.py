"""A ladder on the terminal: a table of ladders, of steps, and every option with its reason."""

from collections.abc import Iterable

from halfmap.commands.queue.printing import print_table
from halfmap.daemon.client import LadderDetail, LadderRow, LadderStep
from halfmap.tui.text.figures import figure
from halfmap.tui.text.ladder_words import job_of, most_telling, resolution_of, sentence
from halfmap.tui.text.plain import plain

_LADDERS = ("ladder", "project", "state", "rung", "steps", "resolution", "reason")
_STEPS = ("bin", "step", "job", "state", "resolution", "options", "reason")


def print_rows(rows: Iterable[LadderRow]) -> None:
    """Print a table of ladders."""
    print_table(_LADDERS, [_ladder_cells(row) for row in rows])


def _ladder_cells(row: LadderRow) -> tuple[str, ...]:
    return (
        row.name,
        row.project.rpartition("/")[2],
        row.state,
        "" if row.binning is None else f"bin {row.binning}",
        f"{row.steps_done}/{row.steps}",
        figure(row.resolution_angstrom, "Å"),
        row.reason,
    )


def print_detail(detail: LadderDetail) -> None:
    """Print how a ladder is, and a table of its steps."""
    print(sentence(detail.row))
    print_table(_STEPS, [_step_cells(step) for step in detail.steps])


def _step_cells(step: LadderStep) -> tuple[str, ...]:
    return (
        f"{step.binning}",
        step.does,
        job_of(step),
        step.state,
        resolution_of(step),
        most_telling(step),
        step.reason,
    )


def print_plan(detail: LadderDetail) -> None:
    """Print every step with all options that the ladder chooses, and why."""
    binning = None
    for step in detail.steps:
        if step.binning != binning:
            binning = step.binning
            print(f"\nbin {binning}")
        reached = f", {resolution_of(step)}" if step.resolution_angstrom else ""
        print(f"  {step.does}{f'  {job_of(step)}{reached}' if step.job_name else ''}")
        width = max(len(option.key) for option in step.options)
        for option in step.options:
            value = "?" if option.value is None else option.value
            print(plain(f"    {option.key:<{width}}  {value}  ({option.why})"))
