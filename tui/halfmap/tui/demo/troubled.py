"""Jobs of the demonstration that went wrong: one whose disk became full, and one that hangs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from halfmap.daemon.client import JobFiles, JobState
from halfmap.tui.demo.machine import HALFMAPS, RIBOSOMES
from halfmap.tui.demo.past import command, iterate, resources, reveal_all
from halfmap.tui.demo.recording import RecordedJob, files_of
from halfmap.tui.demo.service import DemoService

RIBOSOME_PROJECT = "/data/projects/ribosome"
_FAILED_AFTER = 3
_STALL = (
    "no progress for 14 min (usually every 20 s); no CPU used for 14 min by ranks 0, 1 and 2; last file "
    "run_it006_optimiser.star; card 1 100 % busy at 118 W, usually 402 W: a kernel hangs on it"
)
_DISK = "{}: no space left on the device; the file was not written. Free some space and continue."
_NO_FILES = "This job of the demonstration has no files."


def add_failed(service: DemoService, project: Path, recorded: RecordedJob) -> None:
    """A run whose disk became full."""
    options = {**recorded.options, "fn_mask": "", "particle_diameter": "260"}
    row = service.add_job(f"{project}", options, name="Refine3D/job013/", alias="Refine3D/wider/")
    service.advance(6.0)
    service.start(row.job, (HALFMAPS,), command(recorded, row.name), **resources(recorded))
    iterate(service, row.job, recorded.iterations[:_FAILED_AFTER])
    service.finish(
        row.job, JobState.FAILED, "exit code 1: The run stopped on an error; the last lines of run.err say which."
    )
    reveal_all(project, row, recorded, _FAILED_AFTER)
    folder = project / row.name
    lost = f"{row.name}run_it{_FAILED_AFTER + 1:03d}_half1_class001.mrc"
    (folder / "run.err").write_text(f"ERROR: \nrank 1: {_DISK.format(lost)}\n", encoding="utf-8")
    service.job_files[row.job] = files_of(recorded, project, row.name)
    service.advance(300.0)


def add_stalled(service: DemoService, recorded: RecordedJob) -> None:
    """A run that hangs, in another project."""
    events = tuple(_scaled(event, 0.62) for event in recorded.iterations[:6])
    options = {"in_optimisation": "Extract/job028/optimisation_set.star", "fn_ref": "Reconstruct/job029/merged.mrc"}
    more = {"fn_mask": "Mask/job030/mask.mrc", "particle_diameter": "320", "nr_mpi": "3", "nr_threads": "4"}
    row = service.add_job(RIBOSOME_PROJECT, options | more, name="Refine3D/job031/", alias="Refine3D/70S_bin2/")
    service.advance(9.0)
    service.start(row.job, (RIBOSOMES,), cores=12, memory_mb=48_000)
    iterate(service, row.job, events)
    service.progress(row.job, iteration=7, phase="expectation", fraction=0.37, alarm=_STALL)
    folder = f"{RIBOSOME_PROJECT}/{row.name.rstrip('/')}"
    service.job_files[row.job] = JobFiles(
        folder=folder,
        output=f"{folder}/run.out",
        error=f"{folder}/run.err",
        box_px=192,
        pixel_size_angstrom=3.3,
        particles=7412,
        trouble=_NO_FILES,
    )


def _scaled(event: Mapping[str, Any], factor: float) -> Mapping[str, Any]:
    """Make an iteration finer, as if of a larger set."""
    names = ("resolution_angstrom", "resolution_fsc_143_angstrom", "accuracy_rotation_deg")
    finer = {name: event[name] * factor for name in names if event[name] is not None}
    return {**event, **finer, "fsc": ()}
