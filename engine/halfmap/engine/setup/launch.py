"""Which ranks there are: found out from the launcher's environment, checked against MPI."""

import os
from collections.abc import Mapping

from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.ranks.alone import Alone
from halfmap.engine.ranks.communicator import Communicator, can_be_shared_out, sizes_in_words

_RANKS_ASKED_FOR = ("HALFMAP_NRANKS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


class LaunchError(Exception):
    """The ranks cannot work together.

    Parameters
    ----------
    message
        For the person who reads it.
    exit_code
        How to exit.
    """

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def ranks_asked_for(environment: Mapping[str, str]) -> int:
    """Number of ranks that the launcher was asked for; 1 without a launcher."""
    for name in _RANKS_ASKED_FOR:
        if environment.get(name, "").isdigit():
            return int(environment[name])
    return 1


def check_ranks(asked: int, found: int, library: str) -> None:
    """Refuse a mixed launcher and library, which give many jobs of one rank each, and sizes that cannot be shared out.

    Raises
    ------
    LaunchError
        Naming both numbers.
    """
    if asked != found:
        raise LaunchError(
            f"the launcher was asked for {asked} ranks, but MPI reports {found} ({library}): launcher and MPI library "
            f"do not belong together. Use the mpiexec beside this Python, or unset HALFMAP_NRANKS.",
            ExitCode.LAUNCH_MISMATCH,
        )
    if not can_be_shared_out(found):
        raise LaunchError(
            f"{found} ranks cannot be shared out between two half sets; start {sizes_in_words()}.", ExitCode.BAD_INPUT
        )


def communicator() -> Communicator:
    """Connect the ranks that the launcher started.

    Raises
    ------
    LaunchError
        If they cannot work together.
    """
    asked = ranks_asked_for(os.environ)
    if asked == 1:
        return Alone()
    from mpi4py import MPI  # noqa: PLC0415 (only a run with several ranks needs MPI)

    from halfmap.engine.ranks.over_mpi import OverMpi  # noqa: PLC0415

    check_ranks(asked, MPI.COMM_WORLD.Get_size(), MPI.Get_library_version().split("\n")[0].strip("\0 "))
    return OverMpi(MPI.COMM_WORLD)
