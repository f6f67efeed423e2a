"""What the engine's exit status means."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of the engine program.

    FAILURE and ABORTED are the codes with which RELION ends its MPI run (RELION: ``MlOptimiserMpi``), so a script
    written for RELION understands them.
    """

    SUCCESS = 0
    FAILURE = 1
    ABORTED = 2
    BAD_INPUT = 3
    LAUNCH_MISMATCH = 4

    @property
    def meaning(self) -> str:
        """One line for a person."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.SUCCESS: "The run finished and its files are complete.",
    ExitCode.FAILURE: "The run stopped on an error; the last lines of run.err say which.",
    ExitCode.ABORTED: "The run was stopped on request.",
    ExitCode.BAD_INPUT: "Options or input files were refused; no result of an earlier run was changed.",
    ExitCode.LAUNCH_MISMATCH: "Launcher and MPI library do not belong together: the ranks did not find each other.",
}
