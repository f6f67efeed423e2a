"""What a run wrote of itself: program and version, the exact command, host, ranks, seed. Values not found are None."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfmap.daemon.client import JobFiles

_HEAD_BYTES = 2**16
_VERSION = re.compile(r"version\s+(\S+)")
_RELION = re.compile(r"RELION version:\s*(\S+)(?:[ \t]+\(halfmap (\S+)\))?")
_HOST = re.compile(r"runs on host\s*=\s*(\S+)")
_RANKS = re.compile(r"Number of MPI processes\s*=\s*([0-9]{1,6})")
_THREADS = re.compile(r"Number of threads per MPI process\s*=\s*([0-9]{1,6})")
_SEED = re.compile(r"^_rlnRandomSeed\s+(-?[0-9]{1,18})\s*$", re.MULTILINE)
_SEED_GIVEN = re.compile(r"--random_seed (-?[0-9]{1,18})\b")
_BY_HALFMAP = "written by halfmap"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run wrote of itself.

    Attributes
    ----------
    program
        With its version, such as ``halfmap 0.1.0`` or ``RELION 5.0.1``; empty if not known.
    arguments
        The options it ran with, without the program's name.
    particles_per_half
        Number of particles of half set 1 and 2.
    continued_from
        The iteration after which it went on; None for a new run.
    """

    program: str = ""
    arguments: tuple[str, ...] = ()
    host: str = ""
    ranks: int | None = None
    threads: int | None = None
    seed: int | None = None
    particles_per_half: tuple[int, int] | None = None
    continued_from: int | None = None

    def value_of(self, flag: str) -> str:
        """Give the word after an option, the last one if it is given twice; empty without it."""
        places = [place for place, word in enumerate(self.arguments[:-1]) if word == flag]
        return self.arguments[places[-1] + 1] if places else ""


def read_run_record(files: JobFiles) -> RunRecord:
    """Read what a run wrote of itself, as far as its files are there and can be read."""
    root = root_of(files)
    if not root:
        return RunRecord()
    started = _last_start(Path(f"{root}_progress.jsonl"))
    optimiser = next((text for path in _optimisers(root, files) if (text := _head(path))), "")
    output = _head(Path(f"{root}.out"))
    arguments = _words(started) or _command(optimiser)
    return RunRecord(
        program=f"halfmap {started.get('version', '')}".strip() if started else _program(optimiser, output),
        arguments=arguments,
        host=str(started.get("host") or _found(_HOST, output)),
        ranks=_whole(started.get("ranks")) or _number(_RANKS, output),
        threads=_whole(started.get("threads")) or _number(_THREADS, output),
        seed=_seed(optimiser, arguments),
        particles_per_half=_pair(started.get("particles_per_half")),
        continued_from=_whole(started.get("continued_from_iteration")),
    )


def root_of(files: JobFiles) -> str:
    """How the names of a job's files begin, such as ``/data/hiv/Refine3D/job012/run``; empty if it has no folder."""
    return files.output.removesuffix(".out") or (f"{files.folder.rstrip('/')}/run" if files.folder else "")


def _seed(optimiser: str, arguments: tuple[str, ...]) -> int | None:
    """Give the seed that was used; before the first iteration, the one that was asked for."""
    used = _number(_SEED, optimiser)
    return _number(_SEED_GIVEN, shlex.join(arguments)) if used is None else used


def _last_start(path: Path) -> dict[str, Any]:
    """Find the last start that the engine has told of; empty if there is none."""
    found: dict[str, Any] = {}
    try:
        with path.open("rb") as file:
            for line in file:
                if b'"run_started"' in line:
                    found = _record(line) or found
    except OSError:
        return found
    return found


def _record(line: bytes) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) and read.get("event") == "run_started" else {}


def _optimisers(root: str, files: JobFiles) -> Iterator[Path]:
    yield Path(f"{root}_optimiser.star")
    for one in reversed(files.iterations):
        if not one.is_joined:
            yield Path(f"{root}_it{one.iteration:03d}_optimiser.star")


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _program(optimiser: str, output: str) -> str:
    printed, first = _RELION.search(output), optimiser.partition("\n")[0]
    if printed is not None:
        return f"halfmap {printed[2]}" if printed[2] else f"RELION {printed[1]}"
    if _BY_HALFMAP in first:
        return "halfmap"
    version = _found(_VERSION, first) if first.startswith("#") else ""
    return f"RELION {version}" if version else ""


def _command(optimiser: str) -> tuple[str, ...]:
    """Read the options from the comment that begins with them; RELION writes it in every optimiser file."""
    comment = next((line[1:] for line in optimiser.splitlines()[:5] if line.startswith("# --")), "")
    try:
        return tuple(shlex.split(comment))
    except ValueError:
        return tuple(comment.split())


def _words(started: Mapping[str, Any]) -> tuple[str, ...]:
    words = started.get("argv")
    return tuple(str(word) for word in words) if isinstance(words, list) else ()


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = _found(pattern, text)
    return int(found) if found else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _pair(value: object) -> tuple[int, int] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    first, second = _whole(value[0]), _whole(value[1])
    return None if first is None or second is None else (first, second)
