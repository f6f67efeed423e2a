"""Starting an attempt: folder and specification first, then RELION's records, then the process.

Every step can be repeated. Whether the process was started is decided by one file alone, the attempt's identity: who
makes it first, the launched shim or a daemon that wants to know, has the say.
"""

from importlib.util import find_spec
from pathlib import Path

from halfmap import contract
from halfmap.contract import job_directory
from halfmap.contract.job_form import JobForm
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon import attempt_files
from halfmap.daemon import project as relion_project
from halfmap.daemon.attempt_files import Identity, Spec, attempt_folder, fence, read_identity, write_spec
from halfmap.daemon.command import build_command, environment_of, program_words, resume_job, start_over
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.launcher import Launcher
from halfmap.daemon.options import job_of
from halfmap.daemon.parts import Parts
from halfmap.daemon.store import Job


def make_spec(parts: Parts, job: Job, uuid: str, cards: tuple[str, ...]) -> Spec:
    """Write down what is to be started.

    Raises
    ------
    halfmap.daemon.command.CannotLaunch
        If it cannot be.
    """
    options = job_to_start(job)
    root = f"{job.name}run"
    return Spec(
        uuid=uuid,
        job=job.job,
        number=job.attempts + 1,
        project=str(job.project),
        job_folder=job.name,
        output_root=root,
        argv=build_command(options, job.launch, job.name, parts.settings, parts.environ),
        continue_argv=_continue_argv(parts, job) if job.launch.place != "here" else (),
        package_paths=_package_paths(),
        environment=environment_of(options, job.launch, cards, parts.settings, parts.environ),
        standard_output=str(job_directory.standard_output_file(root)),
        standard_error=str(job_directory.standard_error_file(root)),
        pipeline_control=job.name,
        cards=cards,
        fake_nvml=parts.environ.get("HALFMAP_NVML", ""),
        slurm=job.launch.place != "here",
    )


def job_to_start(job: Job) -> JobForm:
    """Give a job's options as they are for its next attempt: anew, over what an earlier one left, or going on."""
    options = job_of(job.kind, job.options)
    if job.continue_from and isinstance(options, Refine3D):
        return resume_job(options, job.continue_from)
    return start_over(options, job.launch) if job.attempts else options


def _package_paths() -> tuple[str, ...]:
    """Where the contract, the daemon and NVML's package are; the shim starts without any site packages."""
    files = (contract.__file__, attempt_files.__file__)
    nvml = find_spec("pynvml")
    own = [str(Path(file).parents[2]) for file in files if file]
    return tuple(dict.fromkeys([*own, *([str(Path(nvml.origin).parent)] if nvml and nvml.origin else [])]))


def _continue_argv(parts: Parts, job: Job) -> tuple[str, ...]:
    """What Slurm starts after it has taken the job back: the shim puts a refinement's last whole iteration in."""
    stand_in = f"{job.name}run_it000_optimiser.star"
    form = job_of(job.kind, job.options)
    options = resume_job(form, stand_in) if isinstance(form, Refine3D) else start_over(form, job.launch)
    argv = build_command(options, job.launch, job.name, parts.settings, parts.environ)
    return tuple("{optimiser}" if word == stand_in else word for word in argv)


def launch(job: Job, spec: Spec, launcher: Launcher) -> None:
    """In the project's thread: make the attempt's folder, tell RELION, and start the process.

    Raises
    ------
    OSError, halfmap.daemon.project_lock.ProjectLocked
        If something is in the way; `prove_not_started` then tells whether it runs.
    """
    folder = folder_of(job, spec)
    write_spec(folder, spec)
    crash_point("start.spec_written")
    continued = job_to_start(job) if job.continue_from else None
    relion_project.note_start(job.project, job.name, spec.number, program_words(spec.argv), continued)
    crash_point("start.noted")
    launcher.start(folder, spec)
    crash_point("start.spawned")


def folder_of(job: Job, spec: Spec) -> Path:
    """The attempt's folder."""
    return attempt_folder(job.folder, spec.number)


def prove_not_started(job: Job, spec: Spec) -> Identity | None:
    """In the project's thread: see to it that the attempt never starts, or give the identity of what runs already."""
    folder = folder_of(job, spec)
    folder.mkdir(parents=True, exist_ok=True)
    if fence(folder, spec.uuid):
        return None
    found = read_identity(folder)
    return None if found is None or found.fenced else found
