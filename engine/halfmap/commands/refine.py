"""``halfmap refine``: the engine program, under MPI where asked for."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from halfmap.contract.command_line import help_text
from halfmap.contract.exit_codes import ExitCode
from halfmap.engine import program
from halfmap.engine.errors import BadInput
from halfmap.engine.ranks.communicator import can_be_shared_out, sizes_in_words
from halfmap.engine.setup.launch import ranks_asked_for

RANKS = "--nr_mpi"
_OWN_HELP = f"""
Launching:
  {RANKS} N                        Number of MPI processes to start: {sizes_in_words()}. [1]"""


def main(argv: Sequence[str]) -> int:
    """Refine, and return the exit code; with several ranks this process becomes their launcher."""
    if {"--help", "-h"} & set(argv):
        print(help_text() + "\n" + _OWN_HELP)
        return ExitCode.SUCCESS
    try:
        ranks, words = ranks_of(argv)
        if ranks == 1 or ranks_asked_for(os.environ) > 1:
            return program.main(words)
        launcher = mpiexec()
    except BadInput as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    return _become(launcher, ranks, words)


def _become(launcher: str, ranks: int, words: Sequence[str]) -> NoReturn:
    """Go on as the launcher of the ranks, so that whoever started this process watches and stops them all.

    ``-m mpi4py`` makes one rank's exception the end of all; the ranks compare their number with HALFMAP_NRANKS.
    """
    command = [launcher, "-n", f"{ranks}", sys.executable, "-m", "mpi4py", "-m", "halfmap.engine", *words]
    sys.stdout.flush()
    os.execve(launcher, command, os.environ | {"HALFMAP_NRANKS": f"{ranks}"})  # noqa: S606 (no shell is wanted)


def ranks_of(argv: Sequence[str]) -> tuple[int, list[str]]:
    """Take the number of ranks out of an argument list.

    Returns
    -------
    The number, 1 if none is given, and the other arguments.

    Raises
    ------
    BadInput
        If it is missing, no number, or cannot be shared out between two half sets.
    """
    words = list(argv)
    if RANKS not in words:
        return 1, words
    place = words.index(RANKS)
    text = words[place + 1] if place + 1 < len(words) else ""
    if not text.isdecimal() or int(text) < 1:
        raise BadInput(f"{RANKS} needs a number of processes after it, not {text!r}.")
    ranks = int(text)
    if not can_be_shared_out(ranks):
        raise BadInput(f"{RANKS} {ranks} cannot be shared out between two half sets; start {sizes_in_words()}.")
    return ranks, words[:place] + words[place + 2 :]


def mpiexec() -> str:
    """Find the launcher beside this Python, whose MPI library is the one in use, or on the PATH.

    Raises
    ------
    BadInput
        If there is none.
    """
    beside = Path(sys.executable).parent / "mpiexec"
    if beside.is_file():
        return str(beside)
    found = shutil.which("mpiexec")
    if found is None:
        raise BadInput(
            f"no mpiexec beside {sys.executable} nor on the PATH; install the package mpich into this environment, or "
            f"leave {RANKS} out."
        )
    print(f"NOTE: no mpiexec beside {sys.executable}; {found} is used.", file=sys.stderr)
    return found
