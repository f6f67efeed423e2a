"""Calling Slurm's programs: with a clean environment and a limit of time, and their own words when they refuse."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

_QUERY_S = 40.0
_SUBMIT_S = 120.0
"""Slurm's programs themselves give up on a controller after about ten seconds, sbatch on a busy one after minutes."""

_KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LD_LIBRARY_PATH", "KRB5CCNAME"),
    *("SLURM_CONF", "SLURM_CLUSTERS", "SBATCH_ACCOUNT", "SBATCH_QOS", "SBATCH_CONSTRAINT", "SBATCH_RESERVATION"),
    *("SBATCH_TIMELIMIT",),
)
"""What is handed on. Others of Slurm's variables would change what its programs answer, or which job they mean."""

_LATER = (
    "contact slurm controller",
    "timed out",
    "temporarily unable",
    "temporarily unavailable",
    "connection refused",
    "connect failure",
    "communication",
    "slurm_load_jobs",
    "munge",
    "protocol authentication",
)
"""Words by which a failure that passes is known; anything else is taken for a refusal."""


class SlurmUnavailable(OSError):
    """Slurm does not answer, or not now; nothing is known, and what was asked for may have been done all the same."""


class SlurmRefused(Exception):
    """Slurm will not do it, now or later; the message has its own words."""


class SlurmPrograms:
    """Slurm's programs on the PATH of an environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: environ[name] for name in _KEPT if name in environ}
        # times as seconds since the epoch, messages in English
        self._environ |= {"SLURM_TIME_FORMAT": "%s", "LC_ALL": "C"}

    def query(self, *words: str) -> str:
        """Call a program that answers or acts at once; give its answer.

        Raises
        ------
        SlurmUnavailable, SlurmRefused
            If it fails.
        """
        return self._call(words, _QUERY_S)

    def submit(self, *words: str, cwd: Path, kept: int) -> str:
        """Call ``sbatch`` in a folder; the file descriptor `kept` stays open for as long as it runs, whoever dies.

        Raises
        ------
        SlurmUnavailable, SlurmRefused
            If it fails.
        """
        return self._call(("sbatch", *words), _SUBMIT_S, cwd, (kept,))

    def _call(
        self, words: tuple[str, ...], patience_s: float, cwd: Path | None = None, kept: tuple[int, ...] = ()
    ) -> str:
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                cwd=cwd,
                env=self._environ,
                pass_fds=kept,
                timeout=patience_s,
            )
        except FileNotFoundError:
            raise SlurmRefused(_missing(words[0], cwd)) from None
        except OSError as error:
            raise SlurmUnavailable(f"{words[0]} could not be called: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise SlurmUnavailable(f"{words[0]} did not answer within {patience_s:g} s") from None
        if done.returncode:
            said = _said(done.stderr or done.stdout) or f"it ended with code {done.returncode}, without a word"
            raise _failure(said)(f"{words[0]}: {said}")
        return done.stdout.decode(errors="replace")


def _missing(program: str, cwd: Path | None) -> str:
    if cwd is not None and not cwd.is_dir():
        return f"{cwd} is not there"
    return f"{program} is not on the PATH of the daemon; jobs can be handed to Slurm only where its programs are"


def _said(words: bytes) -> str:
    lines = words.decode(errors="replace").strip().splitlines()
    return "; ".join(line.split("error: ", 1)[-1].strip() for line in lines)[:500]


def _failure(said: str) -> type[SlurmUnavailable | SlurmRefused]:
    return SlurmUnavailable if any(words in said.lower() for words in _LATER) else SlurmRefused
