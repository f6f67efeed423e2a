"""Collects what a report is made of: first from the daemon, then from the job's files."""

import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from halfmap.daemon.client import JobFiles, Service
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.job.pictures import PictureTaker
from halfmap.tui.report.checksums import check
from halfmap.tui.report.matter import Matter, Told
from halfmap.tui.report.optimisation_set import files_of_set
from halfmap.tui.report.run_record import RunRecord, read_run_record
from halfmap.tui.report.slices import sliced_maps

_INPUTS = (
    ("optimisation set", "--ios", "in_optimisation"),
    ("particles", "--i", "in_particles"),
    ("tomograms", "--tomograms", "in_tomograms"),
    ("reference", "--ref", "fn_ref"),
    ("mask", "--solvent_mask", "fn_mask"),
    ("continued from", "--continue", "fn_cont"),
)


async def ask(service: Service, job: int) -> Told:
    """Ask the daemon for all that it knows of a job."""
    picture = await PictureTaker(service, job).take(JobPicture())
    assert picture.detail is not None
    return Told(
        detail=picture.detail,
        course=picture.course,
        files=picture.files,
        form=tuple(picture.form),
        samples=picture.samples,
        trouble=picture.trouble,
        status=await service.status(),
        host=await service.host(),
        cards=tuple(await service.cards()),
    )


def look(told: Told, tell: Callable[[str], None], now: Callable[[], float] = time.time) -> Matter:
    """Read a job's files; blocks on the file system.

    Parameters
    ----------
    told
        What the daemon told.
    tell
        Called with a sentence when something takes long, perhaps in another thread.
    now
        The clock.
    """
    project = Path(told.detail.row.project)
    record = read_run_record(told.files)
    inputs = tuple(check(role, path, project, tell) for role, path in _inputs(told, record, project))
    outputs = tuple(check(role, path, project, tell) for role, path in _outputs(told.files, project))
    return Matter(told, record, inputs, outputs, sliced_maps(told.files, tell), version("halfmap"), now())


def _inputs(told: Told, record: RunRecord, project: Path) -> Iterator[tuple[str, str]]:
    """Name what went in, each file once."""
    named = {role: record.value_of(flag) or told.detail.options.get(key, "") for role, flag, key in _INPUTS}
    named["mask"] = named["mask"] or _within(told.files.mask, project)
    if named["optimisation set"]:
        of_the_set = files_of_set(project / named["optimisation set"])
        named = {role: path or of_the_set.get(role, "") for role, path in named.items()}
    for role, path in named.items():
        if path and path != "None":
            yield role, path
            if role == "reference" and (other := _other_half(path)):
                yield "reference of the other half", other


def _other_half(path: str) -> str:
    """Name the other half's map, which is taken if a reference is named as a half's."""
    folder, slash, name = path.rpartition("/")
    for one, other in (("half1", "half2"), ("half2", "half1")):
        if one in name:
            return f"{folder}{slash}{name.replace(one, other)}"
    return ""


def _outputs(files: JobFiles, project: Path) -> Iterator[tuple[str, str]]:
    """Name what came out: the final files, or those of the last iteration."""
    if not files.iterations:
        return
    last = files.iterations[-1]
    named = (
        ("joined map", last.map),
        ("half map 1", last.half_maps[0]),
        ("half map 2", last.half_maps[1]),
        ("particles with their poses", last.particles),
    )
    for role, path in named:
        if path:
            yield role if last.is_joined else f"{role} of iteration {last.iteration}", _within(path, project)


def _within(path: str, project: Path) -> str:
    """Write a path as it is in the project, if it lies there."""
    there = Path(path)
    return str(there.relative_to(project)) if path and there.is_relative_to(project) else path
