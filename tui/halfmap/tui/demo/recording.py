"""Recorded refinements, unpacked into a folder that looks like a RELION project.

The recording holds what halfmap's own engine wrote in two runs on a synthetic data set: its output and progress whole,
its maps and particles reduced. ``python -m tests.recording`` of the repository makes it anew.
"""

import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfmap.daemon.client import IterationFiles, JobFiles

_RECORDING = Path(__file__).with_name("recording.zip")
_HEADING = " Auto-refine: Iteration= "
MASK = "Mask/job010/mask.mrc"


@dataclass(frozen=True, slots=True)
class RecordedJob:
    """A recorded refinement.

    Attributes
    ----------
    name
        Such as ``Refine3D/job011/``.
    options
        As in ``job.star``, those that differ from their defaults.
    arguments
        The program's options.
    particles
        Number of particles.
    events
        What the engine told, in order.
    output
        What it printed.
    folder
        Where its files lie.
    """

    name: str
    options: Mapping[str, str]
    arguments: tuple[str, ...]
    particles: int
    events: tuple[Mapping[str, Any], ...]
    output: str
    folder: Path

    @property
    def started(self) -> Mapping[str, Any]:
        """The event with which it began."""
        return self.events[0]

    @property
    def iterations(self) -> tuple[Mapping[str, Any], ...]:
        """The events with which its iterations ended."""
        return tuple(event for event in self.events if event["event"] == "iteration_finished")


def unpack(folder: Path) -> tuple[RecordedJob, ...]:
    """Unpack the recording into a folder that has none of its files yet."""
    with zipfile.ZipFile(_RECORDING) as archive:
        archive.extractall(folder)
    described = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
    return tuple(_read(one, folder / one["name"]) for one in described)


def _read(described: Mapping[str, Any], folder: Path) -> RecordedJob:
    lines = (folder / "run_progress.jsonl").read_text(encoding="utf-8").splitlines()
    return RecordedJob(
        name=described["name"],
        options=described["options"],
        arguments=tuple(described["arguments"]),
        particles=described["particles"],
        events=tuple(json.loads(line) for line in lines),
        # carriage returns stay what they are
        output=(folder / "run.out").read_bytes().decode(),
        folder=folder,
    )


def reveal(recorded: RecordedJob, folder: Path, iteration: int) -> None:
    """Put the files of an iteration into a job's folder, as if they had just been written."""
    last = recorded.iterations[-1]["iteration"]
    kinds = ("run_class001.mrc", "run_half*_class001_unfil.mrc", "run_data.star")
    for kind in kinds if iteration == last else (f"run_it{iteration:03d}_*",):
        for path in recorded.folder.glob(kind):
            shutil.copyfile(path, folder / path.name)


def by_iteration(output: str) -> dict[int, str]:
    """Cut what was printed into iterations; what comes before the first belongs to it."""
    before, *others = output.split(_HEADING)
    found: dict[int, str] = {}
    for other in others:
        found[int(other.split(maxsplit=1)[0])] = before + _HEADING + other
        before = ""
    return found


def before_iteration(output: str, number: int) -> str:
    """Give what was printed before an iteration."""
    return "".join(text for iteration, text in by_iteration(output).items() if iteration < number)


def files_of(recorded: RecordedJob, project: Path, name: str) -> JobFiles:
    """Tell which files of a recorded job have been revealed in a folder of a project, as the daemon does."""
    folder, started = project / name.rstrip("/"), recorded.started
    numbers = [int(path.name[6:9]) for path in folder.glob("run_it???_data.star")]
    iterations = [_numbered(folder, number) for number in sorted(numbers)]
    if (folder / "run_data.star").exists():
        iterations.append(_joined(folder, recorded.iterations[-1]["iteration"]))
    return JobFiles(
        folder=f"{folder}",
        output=f"{folder / 'run.out'}",
        error=f"{folder / 'run.err'}",
        iterations=tuple(iterations),
        mask=f"{project / MASK}",
        box_px=started["box_size_px"],
        pixel_size_angstrom=started["pixel_size_angstrom"],
        particles=recorded.particles,
        symmetry=started["symmetry"],
        particle_diameter_angstrom=float(recorded.options["particle_diameter"]),
    )


def _numbered(folder: Path, number: int) -> IterationFiles:
    root = folder / f"run_it{number:03d}"
    halves = (f"{root}_half1_class001.mrc", f"{root}_half2_class001.mrc")
    return IterationFiles(iteration=number, half_maps=halves, particles=f"{root}_data.star")


def _joined(folder: Path, number: int) -> IterationFiles:
    root = folder / "run"
    return IterationFiles(
        iteration=number,
        is_joined=True,
        half_maps=(f"{root}_half1_class001_unfil.mrc", f"{root}_half2_class001_unfil.mrc"),
        map=f"{root}_class001.mrc",
        particles=f"{root}_data.star",
    )
