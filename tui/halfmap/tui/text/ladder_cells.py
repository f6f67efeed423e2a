"""Ladders of binnings, their steps and options as the cells of tables."""

from collections.abc import Mapping, Sequence

from halfmap.daemon.client import LadderOption, LadderRow, LadderStep
from halfmap.tui.palette import STATE_ROLES
from halfmap.tui.text.cells import Cell, Column, Wish, granted
from halfmap.tui.text.figures import figure
from halfmap.tui.text.ladder_words import called, job_of, most_telling, resolution_of
from halfmap.tui.text.plain import plain

_LADDER_ROLES = {"running": "third", "finished": "first", "stopped": "second", "trouble": "alarm"}
_TO_COME = ("planned", "not needed")

LADDERS = (
    Wish("ladder", 0, 12, 24),
    Wish("project", 5, 10, 24),
    Wish("state", 1, 8),
    Wish("rung", 3, 6),
    Wish("steps", 4, 5, is_right=True),
    Wish("resolution", 2, 10, is_right=True),
    Wish("reason", 6, 16, 200),
)
STEPS = (
    Wish("step", 0, 17),
    Wish("job", 1, 18),
    Wish("state", 2, 10),
    Wish("resolution", 3, 10, is_right=True),
    Wish("options", 4, 12, 34),
    Wish("why", 5, 12, 200),
)
OPTIONS = (Wish("option", 0, 20, 24), Wish("value", 1, 18, 48), Wish("why", 2, 20, 200))


def columns_for(wishes: Sequence[Wish], width: int) -> tuple[Column, ...]:
    """Choose the columns for a width."""
    return tuple(column for _, column in granted(wishes, width))


def ladder_cells(row: LadderRow) -> Mapping[str, Cell]:
    """Write a ladder."""
    return {
        "ladder": Cell(plain(row.name)),
        "project": Cell(plain(row.project.rstrip("/").rpartition("/")[2]), "note"),
        "state": Cell(row.state, _LADDER_ROLES[row.state]),
        "rung": Cell("" if row.binning is None else f"bin {row.binning}"),
        "steps": Cell(f"{row.steps_done}/{row.steps}"),
        "resolution": Cell(figure(row.resolution_angstrom, "Å")),
        "reason": Cell(plain(row.reason), "alarm" if row.state == "trouble" else "note"),
    }


def step_cells(step: LadderStep) -> Mapping[str, Cell]:
    """Write a step; what is still to come is fainter."""
    role = "note" if step.state in _TO_COME else ""
    return {
        "step": Cell(called(step), role),
        "job": Cell(job_of(step)),
        "state": Cell(step.state, STATE_ROLES.get(step.state, "alarm" if step.state == "gone" else role)),
        "resolution": Cell(resolution_of(step)),
        "options": Cell(plain(most_telling(step)), role),
        "why": Cell(plain(step.reason), "note"),
    }


def option_cells(option: LadderOption) -> Mapping[str, Cell]:
    """Write an option, and why it has its value."""
    value = Cell("?", "second") if option.value is None else Cell(plain(option.value))
    return {"option": Cell(option.key), "value": value, "why": Cell(plain(option.why), "note")}


def about_step(step: LadderStep) -> tuple[Cell, ...]:
    """Tell of a step what its row has no room for."""
    head = " ".join(part for part in (called(step), job_of(step), step.state, resolution_of(step)) if part)
    more = plain(step.reason)
    return Cell(f"{head}{': ' if more else ''}"), Cell(more, "note"), Cell(f"\n{plain(most_telling(step))}", "note")
