"""How an attempt ended, concluded from what it left; a pure function, and never a guess."""

import signal

from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.job_directory import Marker
from halfmap.daemon.attempt_files import Exit
from halfmap.daemon.state import AttemptState


def classify(
    exit_: Exit | None, markers: frozenset[Marker], alive: bool, stop_asked_for: bool
) -> tuple[AttemptState, str] | None:
    """Conclude how an attempt ended.

    Parameters
    ----------
    exit_
        What its shim wrote at the end; it has the first word.
    markers
        RELION's exit markers in the job folder; they have the second.
    alive
        Whether its processes exist.
    stop_asked_for
        Whether somebody wanted it to end.

    Returns
    -------
    tuple or None
        The state and the reason in words; None while it runs. What left no word is lost, never finished.
    """
    if exit_ is not None:
        return _by_exit(exit_, markers, stop_asked_for)
    if alive:
        return None
    for marker, state in _MARKED.items():
        if marker in markers:
            return state, _by_marker(state)
    if stop_asked_for:
        return AttemptState.ABORTED, "stopped; its processes are gone"
    return AttemptState.LOST, "its processes are gone, and nothing tells how they ended"


_MARKED = {
    Marker.FAILURE: AttemptState.FAILED,
    Marker.ABORTED: AttemptState.ABORTED,
    Marker.SUCCESS: AttemptState.FINISHED,
}


def _by_marker(state: AttemptState) -> str:
    words = {AttemptState.FINISHED: "finished", AttemptState.FAILED: "failed; see run.err"}
    return f"{words.get(state, 'stopped')} (told by its marker; its launcher was gone)"


def _by_exit(exit_: Exit, markers: frozenset[Marker], stop_asked_for: bool) -> tuple[AttemptState, str]:
    if exit_.refused:
        return AttemptState.NOT_STARTED, exit_.refused
    if exit_.problem:
        return AttemptState.FAILED, f"could not be started: {exit_.problem}"
    how = _how(exit_)
    stopped = stop_asked_for or exit_.told_to_stop
    if exit_.code == 0 and Marker.FAILURE not in markers and Marker.ABORTED not in markers:
        return AttemptState.FINISHED, ""
    if Marker.SUCCESS in markers and not markers & {Marker.FAILURE, Marker.ABORTED}:
        return AttemptState.FINISHED, f"it said that it had finished, then ended with {how}"
    if Marker.ABORTED in markers or exit_.code == ExitCode.ABORTED or stopped:
        return AttemptState.ABORTED, "stopped on request" if stopped else f"stopped ({how})"
    if exit_.code == 0:
        return AttemptState.FAILED, "it marked its job as failed, then ended with exit code 0; see run.err"
    return AttemptState.FAILED, how


def _how(exit_: Exit) -> str:
    if exit_.signal is not None:
        return f"killed by {_signal_name(exit_.signal)}"
    meaning = next((code.meaning for code in ExitCode if code == exit_.code and code != 0), "")
    return f"exit code {exit_.code}{': ' + meaning if meaning else ''}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
