"""What is started for a job: the complete argument list, and an environment of which nothing is there by chance."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.command_line import ArgumentError, to_argv
from halfmap.contract.conversion import arguments_from_job, launch_problems
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.records import Launch
from halfmap.daemon.settings import Settings

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "RELION_*", "OMP_*",
    "MKL_*", "OPENBLAS_*", "NUMBA_*", "MPI4PY_*", "CUDA_HOME", "CUDA_PATH", "CUDA_CACHE_*", "HALFMAP_DATA",
    "HALFMAP_NVML", "SLURM_CONF",
)  # fmt: skip
_OPEN_MPI_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
# cores are accounted here: Open MPI must neither refuse ranks that wait, nor bind those of two jobs to the same cores
_OPEN_MPI = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}


class CannotLaunch(Exception):
    """A job that cannot be started here; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a job takes: MPI ranks, threads of each, cores in all, and cards."""

    ranks: int
    threads: int
    cores: int
    cards: int


def demand(job: Refine3D, launch: Launch) -> Demand:
    """Tell what a job takes; without a number of cards, what its form asks for."""
    cards = launch.cards
    if cards is None:
        ids = {one for rank in job.gpu_ids.split(":") for one in rank.split(",") if one.strip()}
        cards = 0 if not job.use_gpu else len(ids) or max(1, job.nr_mpi - 1)
    return Demand(job.nr_mpi, job.nr_threads, job.nr_mpi * job.nr_threads, cards)


def resume_job(job: Refine3D, optimiser: str) -> Refine3D:
    """Change a job so that it goes on from an iteration."""
    return job.model_copy(update={"fn_cont": optimiser})


def start_over(job: Refine3D, launch: Launch) -> Refine3D:
    """Change a job so that it may replace what an earlier attempt of it left; RELION's program always does."""
    if launch.engine == "relion" or "--overwrite" in job.other_args.split():
        return job
    return job.model_copy(update={"other_args": f"{job.other_args} --overwrite".strip()})


def launch_refusals(job: Refine3D, launch: Launch, settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Tell everything that keeps a job from being started, as far as it shows without its inputs."""
    found = launch_problems(job) if launch.engine == "halfmap" else []
    if found:
        return found
    try:
        build_command(job, launch, "Refine3D/job000/", settings, environ)
    except CannotLaunch as error:
        return [str(error)]
    return []


def build_command(
    job: Refine3D, launch: Launch, job_name: str, settings: Settings, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Give the complete argument list; its first word is an absolute path.

    Parameters
    ----------
    job_name
        Such as ``Refine3D/job012/``: results are ``run…`` in it, and RELION's markers lie there.

    Raises
    ------
    CannotLaunch
        If a program is missing, a placeholder is not known, or the options contradict each other.
    """
    if launch.engine == "relion" and job.use_gpu:
        # the leased cards are all that the program sees; it shares them out among its ranks by itself
        job = job.model_copy(update={"gpu_ids": ""})
    try:
        words = to_argv(arguments_from_job(job, f"{job_name}run", job_name))
    except ArgumentError as error:
        raise CannotLaunch(" ".join(error.problems)) from None
    if launch.engine == "relion":
        return (*_relion_program(job, settings, environ), *words)
    program = [sys.executable, "-m", "mpi4py", "-m", "halfmap.engine"]
    return (*_ranks(job.nr_mpi, settings.launcher, _own_mpiexec, environ), *program, *words)


def program_words(argv: Sequence[str]) -> tuple[str, ...]:
    """Give a command as RELION notes it: without what starts the ranks."""
    starts = [place for place, word in enumerate(argv) if word == "halfmap.engine" or "relion_refine" in word]
    return (
        ("halfmap", "refine", *argv[starts[0] + 1 :])
        if starts and "relion" not in argv[starts[0]]
        else tuple(argv[starts[0] if starts else 0 :])
    )


def _relion_program(job: Refine3D, settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    name = "relion_refine_mpi" if job.nr_mpi > 1 else "relion_refine"
    return (*_ranks(job.nr_mpi, settings.relion_launcher, None, environ), _found(name, environ))


def _ranks(ranks: int, template: Sequence[str], otherwise: object, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give the words that start the ranks; none for a single one."""
    if ranks == 1:
        return ()
    if not template:
        assert otherwise is _own_mpiexec
        return (_own_mpiexec(), "-n", f"{ranks}")
    words = [_filled(word, {"{ranks}": f"{ranks}"}) for word in template]
    # the mpirun beside this Python starts programs that use its own MPI library, which RELION's is not
    return (_found(words[0], environ, without=Path(sys.executable).parent), *words[1:])


def _own_mpiexec() -> str:
    beside = Path(sys.executable).with_name("mpiexec")
    if not beside.is_file():
        raise CannotLaunch(
            f"there is no mpiexec beside {sys.executable}; install the package mpich there, or set `launcher` in "
            "daemon.toml to the words that start ranks here."
        )
    return str(beside)


def _filled(word: str, values: Mapping[str, str]) -> str:
    unknown = set(_PLACEHOLDER.findall(word)) - values.keys()
    if unknown:
        known = ", ".join(values)
        raise CannotLaunch(f"the launcher in daemon.toml has {min(unknown)}; what can be filled in is {known}.")
    return _PLACEHOLDER.sub(lambda found: values[found.group()], word)


def _found(program: str, environ: Mapping[str, str], without: Path | None = None) -> str:
    folders = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder) != without]
    path = shutil.which(program, path=os.pathsep.join(folders))
    if path is None:
        raise CannotLaunch(
            f"{program} is not on the PATH of the daemon; start it where it is, or set it in daemon.toml."
        )
    # where /bin is a link to /usr/bin, Open MPI finds its parts only by the latter
    return re.sub(r"^/bin/", "/usr/bin/", path) if os.path.realpath("/bin") == "/usr/bin" else path


def environment_of(
    job: Refine3D, launch: Launch, cards: Sequence[str], settings: Settings, environ: Mapping[str, str]
) -> dict[str, str]:
    """Give the environment of a job: what is let through, its cards by UUID, its ranks and threads."""
    passed = dict(_let_through(environ, (*_PASSED, *settings.environment)))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), f"{job.nr_threads}")
    open_mpi = {**_OPEN_MPI, **(_OPEN_MPI_AS_ROOT if os.getuid() == 0 else {})}
    own = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(cards)}
    ranks = {"HALFMAP_NRANKS": f"{job.nr_mpi}"} if launch.engine == "halfmap" else {}
    return {**threads, **open_mpi, **passed, **own, **ranks}


def _let_through(environ: Mapping[str, str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    exact = {name for name in names if not name.endswith("*")}
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    for name, value in environ.items():
        if name in exact or (beginnings and name.startswith(beginnings)):
            yield name, value
