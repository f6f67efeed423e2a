"""What a user or a site sets for the daemon, in ``daemon.toml``; every fact has its default here and nowhere else."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]


class BadSettings(ValueError):
    """A daemon.toml that cannot be used; the message names the file, the entry, and what is wrong with it."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Table):
    """How much may run at a time; None is no limit.

    Attributes
    ----------
    jobs, jobs_per_project
        Running jobs of this user on this machine.
    cards
        Cards leased together.
    cores, memory_mb
        What this machine gives to jobs; None for all that it has.
    patience_s
        A job that has waited this long is overtaken no more.
    """

    jobs: Annotated[int, Field(ge=1)] | None = None
    jobs_per_project: Annotated[int, Field(ge=1)] | None = None
    cards: Annotated[int, Field(ge=0)] | None = None
    cores: Annotated[int, Field(ge=1)] | None = None
    memory_mb: Annotated[int, Field(ge=1)] | None = None
    patience_s: Seconds = 1800


class Patience(_Table):
    """How long each rung of the ladder of stops is given, in seconds, before the next."""

    abort_s: Seconds = 120
    terminate_s: Seconds = 15
    kill_s: Seconds = 10


class Ticks(_Table):
    """How often things are looked at, in seconds."""

    reconcile_s: Seconds = 30
    polling_s: Seconds = 5
    follow_s: Seconds = 2
    cards_s: Seconds = 10
    slurm_s: Seconds = 15
    retention_s: Seconds = 3600
    hung_s: Seconds = 20


class Stall(_Table):
    """When silence is an alarm: `factor` times the longest usual silence of the job itself, at least `least_s`."""

    factor: Annotated[float, Field(ge=1)] = 3
    least_s: Seconds = 180


class Slurm(_Table):
    """How jobs are handed to Slurm.

    Attributes
    ----------
    template
        Path of the batch script, with ``{{ name }}`` placeholders; empty for the built-in one.
    options
        Further words for ``sbatch``.
    """

    template: str = ""
    options: tuple[str, ...] = ()


class Notification(_Table):
    """Where to tell what.

    Attributes
    ----------
    kind, to
        ``webhook``: an URL that is posted JSON; ``mail``: an address, through `mail_host`; ``command``: a program and
        its words, given JSON on its standard input.
    on
        What is told: the end of a job, its failure, a stall, a resolution that was asked for.
    """

    kind: Literal["webhook", "mail", "command"]
    to: str = ""
    command: tuple[str, ...] = ()
    sender: str = ""
    mail_host: str = "localhost"
    mail_port: int = 25
    on: tuple[Literal["finished", "failed", "stalled", "resolution"], ...] = (
        "finished",
        "failed",
        "stalled",
        "resolution",
    )


class Settings(_Table):
    """All of it.

    Attributes
    ----------
    launcher
        Words that start the ranks of the halfmap engine, with ``{ranks}``; empty for the mpiexec beside this Python.
    relion_launcher
        The same for RELION's program.
    environment
        Names of variables that jobs get besides the built-in whitelist; a trailing ``*`` stands for any ending.
    retention_days
        How long samples, requests and backups are kept. Jobs and events stay.
    """

    launcher: tuple[str, ...] = ()
    relion_launcher: tuple[str, ...] = ("mpirun", "-n", "{ranks}")
    environment: tuple[str, ...] = ()
    retention_days: Annotated[int, Field(ge=1)] = 30
    limits: Limits = Limits()
    stop: Patience = Patience()
    ticks: Ticks = Ticks()
    stall: Stall = Stall()
    slurm: Slurm = Slurm()
    notification: tuple[Notification, ...] = ()


def read_settings(path: Path) -> Settings:
    """Read ``daemon.toml``; a file that is not there leaves all defaults.

    Raises
    ------
    BadSettings
        If it is no TOML, or an entry is unknown or out of its range.
    """
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadSettings(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadSettings(f"{path}: {where}: {first['msg']}") from None
