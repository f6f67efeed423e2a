"""What is started for a job: the complete argument list, and an environment of which nothing is there by chance."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.command_line import ArgumentError
from halfmap.contract.job_form import JobForm
from halfmap.contract.job_types import JOB_TYPES, argument_words, launch_problems, problems, type_of
from halfmap.contract.refine3d import Refine3D
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


_RELION_PROGRAMS = {kind.relion_program for kind in JOB_TYPES} - {""}


class CannotLaunch(Exception):
    """A job that cannot be started here; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a job takes: MPI ranks, threads of each, cores in all, and cards."""

    ranks: int
    threads: int
    cores: int
    cards: int


def demand(job: JobForm, launch: Launch) -> Demand:
    """Tell what a job takes; without a number of cards, what its form asks for. Only refinements use cards."""
    # RELION's forms of some jobs have neither ranks nor threads: those are one process with one thread
    ranks, threads = getattr(job, "nr_mpi", 1), getattr(job, "nr_threads", 1)
    cards = launch.cards or 0
    if launch.cards is None and isinstance(job, Refine3D) and job.use_gpu:
        cards = len(set(re.findall(r"[0-9]+", job.gpu_ids))) or _followers(job)
    return Demand(ranks, threads, ranks * threads, cards)


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


def start_over(job: JobForm, launch: Launch) -> JobForm:
    """Change a job so that it may take over or replace what an earlier attempt of it left."""
    redo = type_of(job).redo(job, launch.engine)
    other_args = getattr(job, "other_args", "")
    if not redo or redo in other_args.split():
        return job
    return job.model_copy(update={"other_args": f"{other_args} {redo}".strip()})


def launch_refusals(job: JobForm, launch: Launch, settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Tell everything that keeps a job from being started, as far as it shows without its inputs."""
    # what this version's engine does not do, RELION's program may
    found = launch_problems(job) if launch.engine == "halfmap" else [problem.message for problem in problems(job)]
    found += _unused(job, launch)
    if found:
        return found
    try:
        build_command(job, launch, f"{type_of(job).folder}/job000/", settings, environ)
    except CannotLaunch as error:
        return [str(error)]
    return []


def _unused(job: JobForm, launch: Launch) -> list[str]:
    """What was asked for besides the form although jobs of this type cannot use it."""
    if isinstance(job, Refine3D):
        return []
    cards = ["Jobs of this type use no cards; ask for none."] if launch.cards else []
    told = ["Jobs of this type have no resolution to notify of; leave that out."] if launch.notify_at_angstrom else []
    return [*cards, *told]


def build_command(
    job: JobForm, launch: Launch, job_name: str, settings: Settings, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Give the complete argument list; its first word is an absolute path.

    Parameters
    ----------
    job_name
        Such as ``Refine3D/job012/``: results are in it, and RELION's markers lie there.

    Raises
    ------
    CannotLaunch
        If a program is missing, a placeholder is not known, or the options contradict each other.
    """
    is_relion = launch.engine == "relion"
    if isinstance(job, Refine3D) and job.use_gpu:
        share_out = cards_by_rank if is_relion else one_card_by_rank
        job = job.model_copy(update={"gpu_ids": share_out(job, _some_cards(job, launch))})
    try:
        words = argument_words(job, job_name)
    except ArgumentError as error:
        raise CannotLaunch(" ".join(error.problems)) from None
    return (*(_relion if is_relion else _halfmap)(job, demand(job, launch).ranks, settings, environ), *words)


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
        if word == "halfmap.commands":
            return ("halfmap", *argv[place + 1 :])
        if Path(word).name.removesuffix("_mpi") in _RELION_PROGRAMS:
            return tuple(argv[place:])
    return tuple(argv)


def _halfmap(job: JobForm, ranks: int, settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    program = (sys.executable, "-m", *type_of(job).module(job))
    if ranks == 1:
        return program
    if not settings.launcher:
        return (_own_mpiexec(), "-n", f"{ranks}", *program)
    return (*_site_launcher("launcher", settings.launcher, ranks, environ), *program)


def _relion(job: JobForm, ranks: int, settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    program = type_of(job).relion_program
    if not program:
        raise CannotLaunch("RELION has no program for this; let halfmap's do it (engine halfmap).")
    if ranks == 1:
        return (_found(program, environ),)
    starts = _site_launcher("relion_launcher", settings.relion_launcher, ranks, environ)
    return (*starts, _found(f"{program}_mpi", environ))


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
    job: JobForm, launch: Launch, cards: Sequence[str], settings: Settings, environ: Mapping[str, str]
) -> dict[str, str]:
    """Give the environment of a job: what is let through, its cards by UUID, its ranks and threads."""
    passed = dict(_let_through(environ, (*_PASSED, *settings.environment)))
    wanted = demand(job, launch)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), f"{wanted.threads}")
    open_mpi = {**_OPEN_MPI, **(_OPEN_MPI_AS_ROOT if os.getuid() == 0 else {})}
    own = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(cards)}
    if launch.engine == "halfmap":
        own["HALFMAP_NRANKS"] = f"{wanted.ranks}"
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
