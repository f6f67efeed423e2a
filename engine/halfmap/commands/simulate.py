"""``halfmap simulate``: a synthetic tilt-series project with known poses."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import Progress

from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.errors import BadInput
from halfmap.engine.simulation import Project, SimulationSettings, simulate
from halfmap.engine.simulation.settings import default

_QUIET_SECONDS = 2.0
_UNITS = ("_angstrom", "_px", "_deg")


def main(argv: Sequence[str]) -> int:
    """Simulate, and return the exit code."""
    options = parser().parse_args(argv)
    chosen = {declared.name: getattr(options, declared.name) for declared in fields(SimulationSettings)}
    try:
        with PatientBar("simulating") as bar:
            project = simulate(SimulationSettings(**chosen), options.out, options.overwrite, bar.show)
    except BadInput as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    print(summary(project))
    return ExitCode.SUCCESS


def flag(declared: Field[Any]) -> str:
    """Spell a setting as an option: its unit stands in the help instead."""
    name = declared.name
    for unit in _UNITS:
        name = name.removesuffix(unit)
    return f"--{name}"


def to_argv(settings: Mapping[str, Any]) -> list[str]:
    """Spell settings as options."""
    words = []
    for declared in fields(SimulationSettings):
        if declared.name in settings:
            value = settings[declared.name]
            words += [flag(declared)] if value is True else [flag(declared), f"{value}"]
    return words


def parser() -> argparse.ArgumentParser:
    """Describe the options, one for each setting."""
    made = argparse.ArgumentParser(prog="halfmap simulate", description="Simulate tilt series of known particles.")
    made.add_argument("out", type=Path, metavar="OUT", help="project directory to make")
    made.add_argument("--overwrite", action="store_true", help="replace an earlier simulation in it")
    for declared in fields(SimulationSettings):
        explanation = declared.metadata["help"].replace("%", "%%")
        if isinstance(default(declared), bool):
            made.add_argument(flag(declared), dest=declared.name, action="store_true", help=explanation)
            continue
        unit = f" {declared.metadata['unit']}" if declared.metadata["unit"] else ""
        made.add_argument(
            flag(declared),
            dest=declared.name,
            type=type(default(declared)),
            default=default(declared),
            metavar="X",
            help=f"{explanation} [{default(declared)}{unit}]",
        )
    return made


def summary(project: Project) -> str:
    """Tell where things are."""
    return "\n".join(
        [
            f"{project.root}: a project with",
            f"  tomograms.star, {project.relative(project.picks_file)}, {project.relative(project.truth_file)}",
            f"  {project.relative(project.optimisation_set_file)}  extracted particles, for --ios",
            f"  {project.relative(project.reference_file)}  start reference, for --ref",
            f"  {project.relative(project.phantom_file)}  the true map",
            f"  {project.relative(project.mask_file)}  solvent mask",
        ]
    )


class PatientBar:
    """A progress bar that appears only when something takes longer than two seconds, and only on a terminal.

    Parameters
    ----------
    title
        What is being done.
    """

    def __init__(self, title: str) -> None:
        console = Console(stderr=True)
        self._bar = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(title, total=1.0)
        self._appears = time.monotonic() + _QUIET_SECONDS

    def __enter__(self) -> Self:
        return self

    def show(self, fraction: float) -> None:
        """Show how much is done."""
        if time.monotonic() > self._appears:
            self._bar.start()
        self._bar.update(self._task, completed=fraction)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()
