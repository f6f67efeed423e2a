"""The jobs of the demonstration: recorded runs, and others in every state that a person meets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from halfmap.daemon.client import FormCheck, JobFiles, JobRow, JobState, PathRow
from halfmap.tui.demo.machine import HALFMAPS, IN_USE, RIBOSOMES, add_machine, add_past_samples
from halfmap.tui.demo.recording import RecordedJob, files_of, reveal
from halfmap.tui.demo.replay import Replay
from halfmap.tui.demo.service import DemoService

RIBOSOME_PROJECT = "/data/projects/ribosome"
_BEGAN_BEFORE_S = 3 * 3600.0
_STALLED_BEFORE_S, _RUNNING_SINCE_S, _WAITING_SINCE_S = 25 * 60.0, 7 * 60.0, 4 * 60.0
_SHOWN_AT_FIRST = 2
_FAILED_AFTER = 3
_PROGRAM = "/opt/halfmap/bin/halfmap"
_STALL = (
    "no progress for 14 min (usually every 20 s); no CPU used for 14 min by ranks 0, 1 and 2; last file "
    "run_it006_optimiser.star; card 1 100 % busy at 118 W, usually 402 W: a kernel hangs on it"
)
_DISK = "{}: no space left on the device; the file was not written. Free some space and continue."
_NO_FILES = "This job of the demonstration has no files."


def demo_service(project: Path, recorded: tuple[RecordedJob, ...], now: float) -> tuple[DemoService, Replay]:
    """Make a daemon in memory with jobs of all kinds.

    Parameters
    ----------
    project
        Where the recorded jobs' files are laid out.
    recorded
        The global refinement, and the local one that goes on from it.
    now
        The time when the demonstration begins (s since the epoch).

    Returns
    -------
    The daemon, and what plays the job that runs.
    """
    service = DemoService(now - _BEGAN_BEFORE_S)
    add_machine(service)
    service.add_project(f"{project}")
    service.add_project(
        RIBOSOME_PROJECT, file_system="nfs4", watching="polling", reason="no events on nfs4; looked at every 5 s"
    )
    whole, local = recorded
    _add_followed(service, project, whole)
    _add_finished(service, project, whole)
    _add_failed(service, project, whole)
    service.now = now - _STALLED_BEFORE_S
    _add_stalled(service, whole)
    service.now = now - _RUNNING_SINCE_S
    replay = _add_running(service, project, local)
    service.now = now - _WAITING_SINCE_S
    _add_waiting(service, project, local)
    service.now = now
    service.looked_at = _looked_at(whole)
    service.paths[f"{project}"] = _paths(project)
    add_past_samples(service, service.leased())
    return service, replay


def command(recorded: RecordedJob, name: str) -> tuple[str, ...]:
    """Give the command that runs a recorded job under another name."""
    words = (word.replace(recorded.name, name) for word in recorded.arguments)
    return (_PROGRAM, "refine", "--nr_mpi", recorded.options["nr_mpi"], *words)


def resources(recorded: RecordedJob) -> dict[str, Any]:
    """Give what a job takes, as its row tells it."""
    return {"cores": int(recorded.options["nr_mpi"]), "memory_mb": 3200}


def _iterate(service: DemoService, job: int, events: tuple[Mapping[str, Any], ...]) -> None:
    """Let iterations end, each in the time that it took."""
    for event in events:
        seconds = [value for value in event["seconds"].values() if value is not None]
        service.advance(sum(seconds))
        service.iterate(job, **{name: event[name] for name in event.keys() - {"event", "sequence", "time"}})
        service.progress(job, step_seconds=sum(seconds))


def _add_followed(service: DemoService, project: Path, recorded: RecordedJob) -> None:
    """Somebody's run, started in RELION's window."""
    row = service.add_job(
        f"{project}",
        name="Refine3D/job009/",
        alias="Refine3D/first_look/",
        followed=True,
        engine="relion",
        state=JobState.FINISHED,
        submitted=0.0,
        started=service.now - 5400.0,
        ended=service.now - 1800.0,
    )
    _iterate(service, row.job, recorded.iterations)
    service.job_files[row.job] = files_of(recorded, recorded.folder.parents[1], recorded.name)


def _add_finished(service: DemoService, project: Path, recorded: RecordedJob) -> None:
    """The recorded global refinement, as it ended."""
    row = service.add_job(f"{project}", recorded.options, name=recorded.name, alias="Refine3D/global/", priority=5)
    service.advance(4.0)
    service.start(row.job, (HALFMAPS,), command(recorded, recorded.name), **resources(recorded))
    _iterate(service, row.job, recorded.iterations)
    service.finish(row.job)
    _reveal_all(project, row, recorded, recorded.iterations[-1]["iteration"])
    service.job_files[row.job] = files_of(recorded, project, row.name)
    service.advance(300.0)


def _reveal_all(project: Path, row: JobRow, recorded: RecordedJob, until: int) -> None:
    folder = project / row.name
    folder.mkdir(parents=True)
    for number in (0, *(event["iteration"] for event in recorded.iterations)):
        if number <= until:
            reveal(recorded, folder, number)
    (folder / "run.out").write_text(recorded.output, encoding="utf-8", newline="")
    (folder / "run.err").write_text("", encoding="utf-8")
    (folder / "run_progress.jsonl").write_bytes((recorded.folder / "run_progress.jsonl").read_bytes())


def _add_failed(service: DemoService, project: Path, recorded: RecordedJob) -> None:
    """A run whose disk became full."""
    options = {**recorded.options, "fn_mask": "", "particle_diameter": "260"}
    row = service.add_job(f"{project}", options, name="Refine3D/job013/", alias="Refine3D/wider/")
    service.advance(6.0)
    service.start(row.job, (HALFMAPS,), command(recorded, row.name), **resources(recorded))
    _iterate(service, row.job, recorded.iterations[:_FAILED_AFTER])
    service.finish(
        row.job, JobState.FAILED, "exit code 1: The run stopped on an error; the last lines of run.err say which."
    )
    _reveal_all(project, row, recorded, _FAILED_AFTER)
    folder = project / row.name
    lines = recorded.output.partition(f"Iteration= {_FAILED_AFTER + 1}")[0]
    (folder / "run.out").write_text(lines.rpartition("\n")[0] + "\n", encoding="utf-8", newline="")
    lost = f"{row.name}run_it{_FAILED_AFTER + 1:03d}_half1_class001.mrc"
    (folder / "run.err").write_text(f"ERROR: \nrank 1: {_DISK.format(lost)}\n", encoding="utf-8")
    service.job_files[row.job] = files_of(recorded, project, row.name)
    service.advance(300.0)


def _add_stalled(service: DemoService, recorded: RecordedJob) -> None:
    """A run that hangs, in another project."""
    events = tuple(_scaled(event, 0.62) for event in recorded.iterations[:6])
    options = {"in_optimisation": "Extract/job028/optimisation_set.star", "fn_ref": "Reconstruct/job029/merged.mrc"}
    more = {"fn_mask": "Mask/job030/mask.mrc", "particle_diameter": "320", "nr_mpi": "3", "nr_threads": "4"}
    row = service.add_job(RIBOSOME_PROJECT, options | more, name="Refine3D/job031/", alias="Refine3D/70S_bin2/")
    service.advance(9.0)
    service.start(row.job, (RIBOSOMES,), cores=12, memory_mb=48_000)
    _iterate(service, row.job, events)
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


def _add_running(service: DemoService, project: Path, recorded: RecordedJob) -> Replay:
    """The recorded local refinement, from its first iterations on."""
    row = service.add_job(f"{project}", recorded.options, name=recorded.name, alias="Refine3D/local/", priority=5)
    service.advance(5.0)
    row = service.start(row.job, (HALFMAPS,), command(recorded, row.name), **resources(recorded))
    replay = Replay(service, row, recorded)
    while True:
        replay.step()
        if replay.is_between_iterations:
            service.advance(_RUNNING_SINCE_S / (_SHOWN_AT_FIRST + 1))
            if service.finished_iterations(row.job) >= _SHOWN_AT_FIRST:
                return replay


def _add_waiting(service: DemoService, project: Path, recorded: RecordedJob) -> None:
    """One that waits for a card, and one that waits for a person."""
    options = {**recorded.options, "ini_high": "20", "use_gpu": "Yes"}
    service.add_job(f"{project}", options, name="Refine3D/job014/", alias="Refine3D/finer_start/", reason=IN_USE)
    held = {**recorded.options, "sym_name": "C1", "relax_sym": "C6"}
    service.add_job(f"{project}", held, name="Refine3D/job015/", alias="Refine3D/no_symmetry/", state=JobState.HELD)


def _looked_at(recorded: RecordedJob) -> FormCheck:
    started = recorded.started
    return FormCheck(
        set_names={
            "rlnTomoParticlesFile": "PseudoSubtomo/job001/particles.star",
            "rlnTomoTomogramsFile": "tomograms.star",
        },
        memory_mb=1100.0,
        disk_mb=31.0,
        seconds=640.0,
        seconds_are_from="jobs on this machine with a box like this one",
        box_px=started["box_size_px"],
        pixel_size_angstrom=started["pixel_size_angstrom"],
        particles=recorded.particles,
    )


def _paths(project: Path) -> list[PathRow]:
    """What can be completed: the folders of a project as they usually are, and the files that are there."""
    usual = (
        "PseudoSubtomo/", "PseudoSubtomo/job001/", "PseudoSubtomo/job001/optimisation_set.star",
        "PseudoSubtomo/job001/particles.star", "Reconstruct/", "Reconstruct/job002/",
        "Reconstruct/job002/half1.mrc", "Reconstruct/job002/half2.mrc", "Reconstruct/job002/merged.mrc",
        "Refine3D/job011/run_optimisation_set.star", "tomograms.star",
    )  # fmt: skip
    there = [path for path in project.rglob("*") if not path.name.startswith(".")]
    found = {f"{path.relative_to(project)}{'/' if path.is_dir() else ''}" for path in there}
    rows = [PathRow(path=path, is_folder=path.endswith("/")) for path in sorted({*usual, *found})]
    return sorted(rows, key=lambda row: (not row.is_folder, row.path))
