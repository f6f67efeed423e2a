"""Errors of the engine, written for the person who reads them."""


class BadInput(Exception):
    """Input that cannot be used: what was found, where, and what to change.

    Parameters
    ----------
    problems
        All that was found, one sentence each.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RunExists(BadInput):
    """Results of an earlier run stand where new ones would be written; that run's files and markers are left alone."""


class Aborted(Exception):
    """The user asked the run to stop (RELION_JOB_ABORT_NOW, SIGTERM or SIGINT)."""
