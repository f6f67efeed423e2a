"""The jobs of the demonstration: recorded runs, and others in every state that a person meets."""

from pathlib import Path

from halfmap.daemon.client import JobState
from halfmap.tui.demo.inputs import looked_at, paths
from halfmap.tui.demo.machine import HALFMAPS, IN_USE, add_machine, add_past_samples
from halfmap.tui.demo.past import command, iterate, resources, reveal_all
from halfmap.tui.demo.recording import RecordedJob, files_of
from halfmap.tui.demo.replay import Replay
from halfmap.tui.demo.service import DemoService
from halfmap.tui.demo.troubled import RIBOSOME_PROJECT, add_failed, add_stalled

_BEGAN_BEFORE_S = 3 * 3600.0
_STALLED_BEFORE_S, _RUNNING_SINCE_S, _WAITING_SINCE_S = 28 * 60.0, 7 * 60.0, 4 * 60.0
_SHOWN_AT_FIRST = 2


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
    add_failed(service, project, whole)
    service.now = now - _STALLED_BEFORE_S
    add_stalled(service, whole)
    service.now = now - _RUNNING_SINCE_S
    replay = _add_running(service, project, local)
    service.now = now - _WAITING_SINCE_S
    _add_waiting(service, project, local)
    service.now = now
    service.looked_at = looked_at(whole)
    service.paths[f"{project}"] = paths(project)
    add_past_samples(service, service.leased())
    return service, replay


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
    iterate(service, row.job, recorded.iterations)
    service.job_files[row.job] = files_of(recorded, recorded.folder.parents[1], recorded.name)


def _add_finished(service: DemoService, project: Path, recorded: RecordedJob) -> None:
    """The recorded global refinement, as it ended."""
    row = service.add_job(f"{project}", recorded.options, name=recorded.name, alias="Refine3D/global/", priority=5)
    service.advance(4.0)
    service.start(row.job, (HALFMAPS,), command(recorded, recorded.name), **resources(recorded))
    iterate(service, row.job, recorded.iterations)
    service.finish(row.job)
    reveal_all(project, row, recorded, recorded.iterations[-1]["iteration"])
    service.job_files[row.job] = files_of(recorded, project, row.name)
    service.advance(300.0)


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
