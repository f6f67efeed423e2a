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
from halfmap.contract.refine3d import Refine3D, problems
from halfmap.daemon.records import Launch
from halfmap.daemon.settings import Settings

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "RELION_*", "OMP_*",
    "MKL_*", "OPENBLAS_*", "NUMBA_*", "MPI4PY_*", "CUDA_*", "HALFMAP_DATA",
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
        cards = len(set(re.findall(r"[0-9]+", job.gpu_ids))) or _followers(job) if job.use_gpu else 0
    return Demand(job.nr_mpi, job.nr_threads, job.nr_mpi * job.nr_threads, cards)


def _followers(job: Refine3D) -> int:
    """Ranks that compute: the first leads, unless it is alone."""
    return max(1, job.nr_mpi - 1)


def cards_by_rank(job: Refine3D, cards: int) -> str:
    """Name each rank's cards as RELION's program does, counted from 0: it sees the leased ones only.

    What the form says is kept where it names as many cards as there are; otherwise they are shared out evenly.
    """
    named = list(dict.fromkeys(re.findall(r"[0-9]+", job.gpu_ids)))
    if len(named) == cards:
        return re.sub(r"[0-9]+", lambda found: f"{named.index(found[0])}", job.gpu_ids)
    ranks = range(_followers(job))
    return ":".join(",".join(map(str, range(rank % cards, cards, len(ranks)))) for rank in ranks)


def one_card_by_rank(job: Refine3D, cards: int) -> str:
    """Name each rank's card as halfmap's program wants it, counted from 0: it sees the leased ones only."""
    return ":".join(str(rank % cards) for rank in range(_followers(job)))


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
    # what this version's engine does not do, RELION's program may
    found = launch_problems(job) if launch.engine == "halfmap" else [problem.message for problem in problems(job)]
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
    is_relion = launch.engine == "relion"
    if job.use_gpu:
        share_out = cards_by_rank if is_relion else one_card_by_rank
        job = job.model_copy(update={"gpu_ids": share_out(job, _some_cards(job, launch))})
    try:
        words = to_argv(arguments_from_job(job, f"{job_name}run", job_name))
    except ArgumentError as error:
        raise CannotLaunch(" ".join(error.problems)) from None
    return (*(_relion if is_relion else _halfmap)(job.nr_mpi, settings, environ), *words)


def _some_cards(job: Refine3D, launch: Launch) -> int:
    cards = demand(job, launch).cards
    if cards == 0:
        raise CannotLaunch("the job computes on cards (use_gpu is Yes) but is to get none; give it cards, or say No.")
    return cards


def program_words(argv: Sequence[str]) -> tuple[str, ...]:
    """Give a command as RELION notes it: without what starts the ranks."""
    for place, word in enumerate(argv):
        if word == "halfmap.engine":
            return ("halfmap", "refine", *argv[place + 1 :])
        if Path(word).name in ("relion_refine", "relion_refine_mpi"):
            return tuple(argv[place:])
    return tuple(argv)


def _halfmap(ranks: int, settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    program = (sys.executable, "-m", "mpi4py", "-m", "halfmap.engine")
    if ranks == 1:
        return program
    if not settings.launcher:
        return (_own_mpiexec(), "-n", f"{ranks}", *program)
    return (*_site_launcher("launcher", settings.launcher, ranks, environ), *program)


def _relion(ranks: int, settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    if ranks == 1:
        return (_found("relion_refine", environ),)
    starts = _site_launcher("relion_launcher", settings.relion_launcher, ranks, environ)
    return (*starts, _found("relion_refine_mpi", environ))


def _site_launcher(entry: str, template: Sequence[str], ranks: int, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give the words of daemon.toml that start ranks."""
    if not template:
        raise CannotLaunch(f'`{entry}` in daemon.toml is empty; give the words that start ranks, such as "mpirun".')
    words = [_filled(entry, word, {"{ranks}": f"{ranks}"}) for word in template]
    # the mpirun beside this Python starts programs that use its own MPI library, which the site's do not
    return (_found(words[0], environ, without=Path(sys.executable).parent), *words[1:])


def _own_mpiexec() -> str:
    beside = Path(sys.executable).with_name("mpiexec")
    if not beside.is_file():
        raise CannotLaunch(
            f"there is no mpiexec beside {sys.executable}; install the package mpich there, or set `launcher` in "
            "daemon.toml to the words that start ranks here."
        )
    return str(beside)


def _filled(entry: str, word: str, values: Mapping[str, str]) -> str:
    if unknown := set(_PLACEHOLDER.findall(word)) - values.keys():
        known = ", ".join(values)
        raise CannotLaunch(f"`{entry}` in daemon.toml has {min(unknown)}; what can be filled in is {known}.")
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
    if launch.engine == "halfmap":
        own["HALFMAP_NRANKS"] = f"{job.nr_mpi}"
    if launch.place != "here":
        # MPICH would have Slurm start the ranks, out of the shim's reach; an allocation is one machine
        own["HYDRA_LAUNCHER"] = "fork"
    return {**threads, **open_mpi, **passed, **own}


def _let_through(environ: Mapping[str, str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    exact = {name for name in names if not name.endswith("*")}
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    for name, value in environ.items():
        if name in exact or (beginnings and name.startswith(beginnings)):
            yield name, value
