"""A command as a RELION job: signals and RELION_JOB_ABORT_NOW end it in order, marker files tell how it ended."""

import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.job_directory import Marker, marker_file
from halfmap.engine.errors import Aborted, BadInput, RunExists

_CHECK_INTERVAL_S = 0.5
_ENDS = {ExitCode.SUCCESS: Marker.SUCCESS, ExitCode.ABORTED: Marker.ABORTED}

CheckAbort = Callable[[], None]
"""Called often by whoever works; raises Aborted when the job is to stop."""


def refuse_existing(result: Path, overwrite: bool) -> None:
    """Refuse to replace a result unless that is asked for (RunExists)."""
    if result.exists() and not overwrite:
        raise RunExists(f"{result}: is there already; give another --o, or --overwrite.")


class JobProgram:
    """One start of a command in a job folder.

    Parameters
    ----------
    control
        Folder of the marker files (`--pipeline_control`); None where there are none.
    """

    def __init__(self, control: Path | None) -> None:
        self._control = control
        self._stopped = ""
        self._next_check = 0.0

    def run(self, work: Callable[[CheckAbort], None], refuse: Callable[[], None] = lambda: None) -> ExitCode:
        """Do the work, tell how it ended in words and by a marker, and return the exit code.

        `refuse` is asked first; if it raises RunExists, the earlier result and its markers are left alone.
        """
        try:
            refuse()
        except RunExists as error:
            sys.stderr.write(f"ERROR: {error}\n")
            return ExitCode.BAD_INPUT
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._remove_markers()
            work(self._check_abort)
        except BadInput as error:
            return self._ended(ExitCode.BAD_INPUT, str(error))
        except Aborted as error:
            return self._ended(ExitCode.ABORTED, str(error))
        except MemoryError as error:
            message = f"memory does not suffice ({error}); take a smaller box, fewer threads, or another machine."
            return self._ended(ExitCode.FAILURE, message)
        except Exception as error:
            traceback.print_exc()
            return self._ended(ExitCode.FAILURE, f"{type(error).__name__}: {error}")
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._ended(ExitCode.SUCCESS)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopped = f"stopped by {signal.Signals(number).name}."
        raise Aborted(self._stopped)

    def _check_abort(self) -> None:
        """Look for RELION_JOB_ABORT_NOW, at most twice a second, and for a signal that came at a bad moment."""
        if self._stopped:
            raise Aborted(self._stopped)
        if self._control is None or time.monotonic() < self._next_check:
            return
        self._next_check = time.monotonic() + _CHECK_INTERVAL_S
        if marker_file(self._control, Marker.ABORT_NOW).exists():
            raise Aborted(f"{marker_file(self._control, Marker.ABORT_NOW)} was found.")

    def _remove_markers(self) -> None:
        if self._control is not None:
            for marker in (Marker.SUCCESS, Marker.FAILURE, Marker.ABORTED):
                marker_file(self._control, marker).unlink(missing_ok=True)

    def _ended(self, code: ExitCode, message: str = "") -> ExitCode:
        if code == ExitCode.ABORTED:
            sys.stdout.write(f" {message}\n exiting with an abort ...\n")
        elif code != ExitCode.SUCCESS:
            sys.stderr.write(f"ERROR: {message}\n")
        sys.stdout.flush()
        sys.stderr.flush()
        if self._control is not None and self._control.is_dir():
            marker_file(self._control, _ENDS.get(code, Marker.FAILURE)).touch()
        return code
