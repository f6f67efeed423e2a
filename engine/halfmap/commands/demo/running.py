"""Running a refinement as a process of its own, and following what it tells."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from halfmap.commands.demo.view import View
from halfmap.contract import job_directory
from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.job_directory import Marker, marker_file
from halfmap.contract.progress import ProgressReader

_POLL_SECONDS = 0.2
_ABORT_SECONDS, _TERMINATE_SECONDS = 15.0, 5.0
_LAST_LINES = 15


def run(command: Sequence[str], project: Path, job: Path, view: View) -> int:
    """Start a refinement, show its progress until it ends, and return its exit code.

    Parameters
    ----------
    command
        Program and arguments.
    project
        Directory to start it in.
    job
        Its job folder, relative to the project; `run.out` and `run.err` go there.
    view
        Where progress is shown.

    Notes
    -----
    Whatever interrupts this, the refinement is stopped before the exception goes on.
    """
    root = project / job / "run"
    reader = ProgressReader(job_directory.progress_file(root))
    with (
        job_directory.standard_output_file(root).open("w") as output,
        job_directory.standard_error_file(root).open("w") as errors,
    ):
        # a session of its own: Ctrl-C reaches this process alone, which then stops all ranks in order
        process = subprocess.Popen(command, cwd=project, stdout=output, stderr=errors, start_new_session=True)
        try:
            _follow(process, reader, view)
        except BaseException:
            stop(process, project / job)
            raise
    # ended by a signal: no exit code of its own
    return process.returncode if process.returncode >= 0 else ExitCode.FAILURE


def _follow(process: subprocess.Popen[bytes], reader: ProgressReader, view: View) -> None:
    ended = False
    while not ended:
        ended = process.poll() is not None
        for event in reader.read_new():
            view.show(event)
        if not ended:
            time.sleep(_POLL_SECONDS)


def stop(process: subprocess.Popen[bytes], job_folder: Path) -> None:
    """End a refinement: ask as RELION does, then tell its processes to end, then make them."""
    marker = marker_file(job_folder, Marker.ABORT_NOW)
    marker.touch()
    for patience, number in ((_ABORT_SECONDS, signal.SIGTERM), (_TERMINATE_SECONDS, signal.SIGKILL)):
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, number)
    process.wait()
    marker.unlink(missing_ok=True)


def last_words(job_folder: Path) -> str:
    """Return the end of a run's error output, from its last error message on."""
    text = job_directory.standard_error_file(job_folder / "run").read_text(errors="replace")
    start = max(text.rfind("ERROR:"), 0)
    return "\n".join(text[start:].strip().splitlines()[-_LAST_LINES:])
