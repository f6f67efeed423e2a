"""A job's folder: how it may be named, how it comes into being whole, and whose it is."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.job_types import JOB_TYPES
from halfmap.contract.whole_file import sync_folder, write_whole
from halfmap.daemon.pipeline_layout import Node

JOB_STAR = "job.star"
JOB_PIPELINE = "job_pipeline.star"
RECORD = "halfmap/job.json"

_FOLDERS = tuple(kind.folder for kind in JOB_TYPES)
_NAME = re.compile(rf"((?:{'|'.join(_FOLDERS)})/job[0-9]{{3,9}})/?", re.ASCII)
_UUID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_ALIAS_MARKS = frozenset("_-.+=@,")
_ALIAS_LENGTH = 100


class BadProject(Exception):
    """Something asked of a project that it cannot do; the message says what was found, and what to change."""


class CannotAdopt(BadProject):
    """A folder whose job cannot be queued; the message says why."""


@dataclass(frozen=True, slots=True)
class Files:
    """What a new job's folder holds from the first moment on, as texts."""

    record: str
    job_star: str
    job_pipeline: str


def job_name(folder: str, number: int) -> str:
    """Name a job's folder in its project; `folder` is that of its type."""
    return f"{folder}/job{number:03d}/"


def job_number(name: str) -> int:
    """Number of a job; `name` as `checked_name` gives it."""
    return int(name.rstrip("/").rpartition("job")[2])


def checked_name(text: str) -> str:
    """Give the name of a job's folder as RELION writes it, with the slash.

    Raises
    ------
    BadProject
        If it is no such name.
    """
    found = _NAME.fullmatch(text)
    if found is None:
        known = ", ".join(_FOLDERS)
        raise BadProject(f"{text[:80]!r} is not the name of a job of {known}; give one such as {_FOLDERS[0]}/job012/.")
    return f"{found[1]}/"


def checked_alias(text: str, folder: str) -> str:
    """Give an alias as RELION writes it: ``Refine3D/my_name/``, in the folder of the job's type; "" for none.

    Raises
    ------
    BadProject
        If RELION, a shell or a terminal could take it for something else than a name.
    """
    if not text:
        return ""
    alias = text.strip(" ").replace(" ", "_")
    wrong = sorted({letter for letter in alias if not letter.isalnum() and letter not in _ALIAS_MARKS})
    if wrong:
        raise BadProject(f"the alias {text[:80]!r} holds {wrong[0]!r}; use letters, digits and {' '.join('_-.+=@,')}.")
    if not 2 <= len(alias) <= _ALIAS_LENGTH or alias.startswith(("job", ".", "-")):
        raise BadProject(
            f"the alias {text[:80]!r} cannot be used; give 2 to {_ALIAS_LENGTH} characters that do not begin with job, "
            "a dot or a dash."
        )
    return f"{folder}/{alias}/"


def checked_uuid(text: str) -> str:
    """Give a job's UUID, which becomes part of a file's name; refuse what is none."""
    if _UUID.fullmatch(text) is None:
        raise BadProject(f"{text[:80]!r} is not a UUID.")
    return text


def folder_of(project: Path, name: str) -> Path:
    """Give a job's folder, there or not.

    Raises
    ------
    BadProject
        If it is, or lies behind, a link that leads out of the project.
    """
    folder = project / checked_name(name)
    real = folder.resolve()
    if not real.is_relative_to(project.resolve()):
        raise BadProject(f"{folder} leads out of the project, to {real}; only folders inside of it are used.")
    return folder


def owner_of(folder: Path) -> str:
    """UUID of the job of halfmap that a folder belongs to; "" if it is not halfmap's."""
    try:
        value = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return ""
    return str(value.get("uuid", "")) if isinstance(value, dict) else ""


def staging_folder(project: Path, folder: str, uuid: str) -> Path:
    """Where a job's folder is made before it has its name: there means that the job is new and not yet in its place."""
    return project / folder / f".halfmap-{uuid}"


def prepare(staging: Path, files: Files) -> None:
    """Make a new job's folder under its provisional name."""
    (staging / RECORD).parent.mkdir(parents=True, exist_ok=True)
    write_whole(staging / RECORD, files.record)
    write_whole(staging / JOB_STAR, files.job_star)
    write_whole(staging / JOB_PIPELINE, files.job_pipeline)
    sync_folder(staging)
    sync_folder(staging.parent)


def put_in_place(staging: Path, folder: Path) -> None:
    """Give a new job's folder its name, at which it appears whole; that name must be free."""
    staging.rename(folder)
    sync_folder(folder.parent)


def link_alias(project: Path, alias: str, name: str) -> None:
    """Make an alias's link as RELION does; `alias` as `checked_alias` gives it."""
    link = project / alias.rstrip("/")
    if not link.is_symlink():
        link.symlink_to(f"../{name}")


def alias_is_free(project: Path, alias: str, name: str) -> bool:
    """Whether nothing else stands under an alias."""
    link = project / alias.rstrip("/")
    if link.is_symlink():
        return name != "" and str(link.readlink()).rstrip("/") == f"../{name.rstrip('/')}"
    return not link.exists()


def mark_nodes(project: Path, alias: str, name: str, nodes: Iterable[Node]) -> None:
    """Make RELION's empty files by which its forms find nodes."""
    for node in nodes:
        shown = alias + node.name.removeprefix(name) if alias and node.name.startswith(name) else node.name
        for shelf in _shelves(node):
            marker = project / ".Nodes" / shelf / shown
            if marker.resolve().is_relative_to(project.resolve()):
                marker.parent.mkdir(parents=True, exist_ok=True)
                marker.touch()


def _shelves(node: Node) -> set[str]:
    """Where RELION's browser looks: under the first part of the type, and under as many parts as it is deep."""
    parts = node.kind.split(".")
    return {parts[0], ".".join(parts[: node.depth])}
