"""The engine program: arguments in, exit code out."""

import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from halfmap.contract import job_directory
from halfmap.contract.command_line import ArgumentError, from_argv, help_text, overruled
from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.job_directory import Marker, marker_file
from halfmap.contract.progress import ProgressWriter, RunAborted, RunFailed
from halfmap.contract.refine_arguments import RefineArguments, unread_when_continuing
from halfmap.engine.errors import Aborted, BadInput, RunExists
from halfmap.engine.ranks.communicator import Communicator
from halfmap.engine.run import ToldElsewhere, refine
from halfmap.engine.setup.launch import LaunchError, communicator

_ABORT_CHECK_INTERVAL_S = 0.5
_EXIT_MARKERS = (Marker.SUCCESS, Marker.FAILURE, Marker.ABORTED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    Parameters
    ----------
    argv
        Options; those of this process by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or {"--help", "-h"} & set(words):
        print(help_text())  # noqa: T201 (that is what was asked for)
        return ExitCode.SUCCESS if words else ExitCode.BAD_INPUT
    if "--version" in words:
        print(f"halfmap {version('halfmap')}")  # noqa: T201
        return ExitCode.SUCCESS
    try:
        ranks = communicator()
    except LaunchError as error:
        _complain(str(error))
        return error.exit_code
    return Session(ranks).run(words)


def _complain(message: str) -> None:
    """Say what went wrong where RELION's monitors look for it."""
    sys.stderr.write(f"ERROR: \n{message}\n")
    sys.stderr.flush()


class Session:
    """One start of the program on one rank: its signals, marker files and exit code.

    Parameters
    ----------
    ranks
        The ranks that were started together.
    """

    def __init__(self, ranks: Communicator) -> None:
        self.ranks = ranks
        self._arguments: RefineArguments | None = None
        self._next_check = 0.0
        self._has_begun = False
        self._stopped = ""

    def run(self, words: Sequence[str]) -> ExitCode:
        """Parse, refine, and tell how it ended."""
        try:
            self._arguments = from_argv(words)
        except ArgumentError as error:
            return self._ended(ExitCode.BAD_INPUT, str(error)) if self.ranks.is_first else ExitCode.BAD_INPUT
        if self.ranks.is_first:
            for note in (*overruled(words), *unread_when_continuing(self._arguments)):
                sys.stderr.write(f"WARNING: {note}\n")
        try:
            with self._stopped_by(signal.SIGTERM, signal.SIGINT):
                for _ in refine(self._arguments, self.ranks, self._check_abort, self._begin, write_behind=True):
                    pass
        except ToldElsewhere:
            return ExitCode.BAD_INPUT
        except RunExists as error:
            _complain(str(error))
            return ExitCode.BAD_INPUT
        except BadInput as error:
            return self._ended_all(ExitCode.BAD_INPUT, str(error))
        except Aborted as error:
            return self._ended_all(ExitCode.ABORTED, str(error))
        except BaseException as error:  # whatever it is, no rank may be left waiting
            traceback.print_exc()
            return self._ended_all(ExitCode.FAILURE, f"{type(error).__name__}: {error}")
        return self._ended(ExitCode.SUCCESS) if self.ranks.is_first else ExitCode.SUCCESS

    def _begin(self) -> None:
        """Remove what an earlier start in the same job folder left as its end."""
        self._has_begun = True
        control = self._control_folder()
        if self.ranks.is_first and control is not None:
            for marker in _EXIT_MARKERS:
                marker_file(control, marker).unlink(missing_ok=True)

    def _control_folder(self) -> Path | None:
        folder = self._arguments.pipeline_control if self._arguments else ""
        return Path(folder) if folder else None

    @contextmanager
    def _stopped_by(self, *numbers: signal.Signals) -> Iterator[None]:
        """Let signals end the run in order, and give them back to whoever called."""
        before = {number: signal.signal(number, self._stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopped = f"stopped by {signal.Signals(number).name}."
        raise Aborted(self._stopped)

    def _check_abort(self) -> None:
        """Look for RELION_JOB_ABORT_NOW, at most twice a second, and for a signal that came at a bad moment."""
        if self._stopped:  # what a handler raises within a destructor or a callback goes nowhere
            raise Aborted(self._stopped)
        if not self.ranks.is_first or time.monotonic() < self._next_check:
            return
        self._next_check = time.monotonic() + _ABORT_CHECK_INTERVAL_S
        control = self._control_folder()
        if control is not None and marker_file(control, Marker.ABORT_NOW).exists():
            raise Aborted(f"{marker_file(control, Marker.ABORT_NOW)} was found.")

    def _ended_all(self, code: ExitCode, message: str) -> ExitCode:
        """End on this rank and make the others end too."""
        told = message if self.ranks.size == 1 else f"rank {self.ranks.rank}: {message}"
        self._ended(code, told)
        if self.ranks.size > 1:
            self.ranks.abort(code)
        return code

    def _ended(self, code: ExitCode, message: str = "") -> ExitCode:
        """Tell how it ended: words, a record if the run had begun, and a marker."""
        if code == ExitCode.ABORTED:
            sys.stdout.write(f" {message}\n exiting with an abort ...\n")
        elif code != ExitCode.SUCCESS:
            _complain(message)
        self._record(code, message)
        control = self._control_folder()
        if control is not None and control.is_dir():
            names = {ExitCode.SUCCESS: Marker.SUCCESS, ExitCode.ABORTED: Marker.ABORTED}
            marker_file(control, names.get(code, Marker.FAILURE)).touch()
        return code

    def _record(self, code: ExitCode, message: str) -> None:
        root = self._arguments.output_root if self._arguments else ""
        if code == ExitCode.SUCCESS or not self._has_begun:
            return
        try:
            with ProgressWriter(job_directory.progress_file(root)) as records:
                if code == ExitCode.ABORTED:
                    records.write(RunAborted(iteration=job_directory.last_whole_iteration(root), message=message))
                else:
                    records.write(RunFailed(message=message, exit_code=code))
        except OSError as error:
            _complain(f"{job_directory.progress_file(root)}: the end of the run could not be recorded ({error}).")
