"""Our jobs in Slurm's queue: put in at most once, looked at together, cancelled by name.

A job is always meant by its name, ``hm-`` and the attempt's UUID, and never by its number alone: a controller that lost
its state gives a number to somebody else.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from halfmap.daemon.attempt_files import EXIT, IDENTITY
from halfmap.daemon.slurm_programs import SlurmPrograms, SlurmRefused, SlurmUnavailable
from halfmap.daemon.slurm_script import check_options
from halfmap.daemon.slurm_squeue import PREFIX, TEXT_FORMAT, Unreadable, read_json, read_text
from halfmap.daemon.slurm_states import SlurmJob

LOCK = "submission.lock"

_UUID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_REPLY = re.compile(r"([0-9]{1,10})(?:;[^;\s]+)?", re.ASCII)
_LARGE = 16_000_000
"""Characters. Up to 22.05 ``squeue --json`` cannot be narrowed to one user's jobs, and on a large cluster is then given
up for the short lines."""
_NO_JSON = ("unrecognized option", "invalid option", "serializer", "json")


class SlurmQueue:
    """Slurm's queue, as far as it holds our jobs. Its methods block, and belong into a thread.

    Parameters
    ----------
    environ
        Of the daemon; only what Slurm's programs need is handed on to them.
    options
        Further words for ``sbatch``.
    """

    def __init__(self, environ: Mapping[str, str], options: Sequence[str] = ()) -> None:
        check_options(tuple(options))
        self._programs = SlurmPrograms(environ)
        self._options = tuple(options)
        self._has_json = True

    def submit(self, uuid: str, script: Path, cwd: Path) -> int | None:
        """Put an attempt into Slurm's queue, unless it is there, or ran; may be repeated after any failure.

        Parameters
        ----------
        uuid
            Of the attempt.
        script
            Its batch script, in the attempt's folder.
        cwd
            Where ``sbatch`` is called.

        Returns
        -------
        id
            Slurm's number of it; None if it was started, or fenced off, and Slurm has forgotten it.

        Raises
        ------
        SlurmUnavailable
            If it is not certain that Slurm has it, nor that it has not: ask again.
        SlurmRefused
            If Slurm does not take it; the message has its reason.
        """
        with _alone(script.with_name(LOCK)) as lock:
            known = self.find(uuid)
            if known is not None or _was_started(script.parent):
                return known
            name = _name(uuid)
            words = ("--parsable", *self._options, f"--job-name={name}", f"--comment=halfmap:{uuid}", str(script))
            try:
                return _id(self._programs.submit(*words, cwd=cwd, kept=lock))
            except SlurmUnavailable:
                # an answer that was lost on its way is looked up
                known = self.find(uuid)
                if known is None:
                    raise
                return known

    def find(self, uuid: str) -> int | None:
        """Slurm's number of an attempt, waiting, running or ended lately; None if it knows none.

        Raises
        ------
        SlurmUnavailable
            If Slurm does not answer.
        """
        # --job-name of the script was ours as well, so that every one of them has this name
        found = self._squeue(f"--name={_name(uuid)}", "--format=%i", "--noheader").split()
        if not all(number.isdecimal() for number in found):
            raise SlurmUnavailable(f"squeue answered {' '.join(found)[:200]!r}, where numbers of jobs were asked for")
        return min(map(int, found), default=None)

    def look(self, uuids: Collection[str]) -> dict[str, SlurmJob]:
        """Look at attempts, all with one call; those that Slurm does not know are left out.

        Raises
        ------
        SlurmUnavailable
            If Slurm does not answer: then nothing is known of any of them.
        """
        if not uuids:
            return {}
        wanted = frozenset(uuids)
        # the first of a name is the one that was submitted; another can only have come from outside
        ours = sorted(self._jobs(), key=lambda job: job.id, reverse=True)
        return {job.uuid: job for job in ours if job.uuid in wanted}

    def cancel(self, uuid: str) -> None:
        """Have Slurm remove an attempt's processes and its place in the queue; well if there is nothing.

        Raises
        ------
        SlurmUnavailable, SlurmRefused
            If it cannot be asked to.
        """
        self._programs.query("scancel", f"--user={os.getuid()}", f"--name={_name(uuid)}")

    def signal(self, uuid: str, name: str) -> None:
        """Send a signal, such as TERM, to an attempt's shim, if it runs; the shim sees to the ranks.

        Raises
        ------
        SlurmUnavailable, SlurmRefused
            If Slurm cannot be asked to.
        """
        words = (f"--user={os.getuid()}", f"--name={_name(uuid)}", "--state=RUNNING", "--batch", f"--signal={name}")
        self._programs.query("scancel", *words)

    def _squeue(self, *words: str) -> str:
        try:
            return self._programs.query("squeue", "--all", "--states=all", f"--user={os.getuid()}", *words)
        except SlurmRefused as error:
            # a question has no answer but one: that it cannot be asked says nothing about the jobs
            raise SlurmUnavailable(str(error)) from None

    def _jobs(self) -> list[SlurmJob]:
        if self._has_json:
            try:
                answer = self._squeue("--json")
            except SlurmUnavailable as error:
                if not any(word in str(error).lower() for word in _NO_JSON):
                    raise
                self._has_json = False
            else:
                self._has_json = len(answer) < _LARGE
                return self._read(read_json, answer)
        return self._read(read_text, self._squeue("--noheader", f"--format={TEXT_FORMAT}"))

    @staticmethod
    def _read(reader: Callable[[str], list[SlurmJob]], answer: str) -> list[SlurmJob]:
        try:
            return reader(answer)
        except Unreadable as error:
            raise SlurmUnavailable(str(error)) from None


def _name(uuid: str) -> str:
    if _UUID.fullmatch(uuid) is None:
        raise ValueError(f"{uuid[:80]!r} is not a UUID")
    return f"{PREFIX}{uuid}"


def _id(reply: str) -> int:
    found = _REPLY.fullmatch(reply.strip())
    if found is None:
        raise SlurmUnavailable(f"sbatch answered {reply[:200]!r}, where the number of a job was asked for")
    return int(found[1])


def _was_started(folder: Path) -> bool:
    return any((folder / name).exists() for name in (IDENTITY, EXIT))


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[int]:
    """Hold a submission's lock, and give its descriptor.

    An ``sbatch`` that outlives a killed daemon keeps it, so that no other asks Slurm while that one is on its way.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock, path)
        yield lock
    finally:
        os.close(lock)


def _lock(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SlurmUnavailable(f"an earlier sbatch for {path.parent} is still on its way; it is waited for") from None
    except OSError:
        return  # a file system without locks: that a job starts once is seen to where it starts, by its identity file
