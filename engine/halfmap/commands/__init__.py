"""The command line: ``halfmap COMMAND …``; without a command it is the terminal interface.

Each command is a file of its own, imported when it is asked for.

This package may use all parts of halfmap; no part uses it.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.job_directory import Marker, marker_file

_OPTIONS_REFUSED = 2
"""With which argparse ends; of a job it would mean that it was stopped."""

COMMANDS = {
    "tui": "the terminal interface: jobs, curves, maps, output, and the form of the next job",
    "refine": "gold-standard auto-refinement of pseudo-subtomograms, with RELION's options and files",
    "extract": "particles cut out of tilt series: 2D stacks or 3D pseudo-subtomograms, as relion_tomo_subtomo",
    "reconstruct": "an average of particles with known poses, from their tilt series",
    "simulate": "a synthetic tilt-series project with known poses",
    "score": "poses against the truth, or map against map",
    "postprocess": "FSC and resolution of two half maps within a mask, and their sharpened mean",
    "center": "where the structure in a map lies relative to a mask, and particles about that point",
    "star": "STAR files: another point of the reference as the centre of all particles",
    "split": "half sets of particles that share little: whole objects, tomograms or neighbourhoods",
    "duplicates": "particles that were picked twice: remove all but the best, or keep them in one half set",
    "demo": "simulate a small project, have a daemon refine it under MPI and show the result",
    "daemon": "start, stop and ask the process that watches projects and runs jobs",
    "service": "the daemon as a systemd user service",
    "watch": "which RELION projects the daemon looks after",
    "submit": "queue a refinement or one of the steps around it",
    "ladder": "refine at a coarse binning, extract more finely, refine again, down to bin 1, unattended",
    "list": "jobs",
    "show": "one job, with all that is known of it, or its curves",
    "report": "one job as an HTML file: curves, slices, parameters, provenance, methods",
    "why": "why a job waits",
    "hold": "keep queued jobs from starting",
    "release": "let held jobs start",
    "priority": "which waiting job starts first",
    "stop": "stop jobs, until nothing of them is left",
    "resume": "clean up after jobs and let them go on from their last whole iteration",
    "wait": "until jobs have ended",
    "cards": "cards, who uses them, and what is wrong with them",
    "events": "what happened",
    "metrics": "figures for Prometheus",
    "rebuild": "make the daemon's store again from the job folders",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(argv: Sequence[str] | None) -> int:
    # not list(…): once the command of that name is imported, `list` is its module here
    words = [*(sys.argv[1:] if argv is None else argv)]
    if words and words[0] in ("--help", "-h", "help"):
        print(usage())
        return 0
    if words and words[0] == "--version":
        from importlib.metadata import version

        print(f"halfmap {version('halfmap')}")
        return 0
    if not words or words[0].startswith("-"):
        words = ["tui", *words]
    if words[0] not in COMMANDS:
        print(f"halfmap: {words[0]!r} is not a command.\n\n{usage()}", file=sys.stderr)
        return 2
    command = importlib.import_module(f"halfmap.commands.{words[0]}")
    try:
        return int(command.main(words[1:]))
    except SystemExit as end:
        if end.code == _OPTIONS_REFUSED and (control := _control_folder(words)) is not None:
            marker_file(control, Marker.FAILURE).touch()
            return ExitCode.BAD_INPUT
        raise


def _control_folder(words: Sequence[str]) -> Path | None:
    """Folder of the markers of a job whose options could not be read, which RELION would else take to be running."""
    after = words[words.index("--pipeline_control") + 1 :] if "--pipeline_control" in words else []
    return Path(after[0]) if after and Path(after[0]).is_dir() else None


def usage() -> str:
    """List the commands."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    told = "usage: halfmap COMMAND …\n       halfmap [OPTIONS] for the terminal interface, as `halfmap tui`"
    return told + "\n\n" + "\n".join(lines) + "\n\nhalfmap COMMAND --help tells more."
