"""Checking the place for the results before anything is written there."""

import os
import re
import shutil
from pathlib import Path

from halfmap.contract import job_directory
from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.errors import BadInput, RunExists

_LEAST_FREE_MB = 50
_TEMPORARY = re.compile(r"\.(.+)\.[0-9]+\.tmp")


def check_output(arguments: RefineArguments) -> None:
    """Make the output directory if it is missing, and refuse to overwrite a run.

    Raises
    ------
    BadInput
        If the directory cannot be written, is full, or holds results already.
    """
    root = Path(arguments.output_root)
    folder = root.parent
    _make(folder)
    free_mb = shutil.disk_usage(folder).free >> 20
    if free_mb < _LEAST_FREE_MB:
        raise BadInput(
            f"{folder}: {free_mb} MB free, at least {_LEAST_FREE_MB} MB are needed; make room or choose another."
        )
    if arguments.pipeline_control:
        _make(Path(arguments.pipeline_control))
    if arguments.continue_from or arguments.overwrite:
        return
    if job_directory.optimiser_file(root).exists() or job_directory.final_map_file(root).exists():
        raise RunExists(
            f"{root}: a finished run is there already; choose another --o, or say --overwrite to replace it."
        )
    last = job_directory.last_whole_iteration(root)
    if last is not None:
        raise RunExists(
            f"{root}: a run is there already, finished up to iteration {last}; go on with --continue "
            f"{job_directory.optimiser_file(root, last)}, or say --overwrite to replace it."
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made ({error.strerror}); choose another --o.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput(f"{folder}: cannot be written; choose a directory that you may write to.")


def remove_unfinished(root: Path) -> None:
    """Remove what a run that was killed was writing: files under the temporary names of `formats.whole_file`."""
    for path in root.parent.iterdir():
        name = _TEMPORARY.fullmatch(path.name)
        if name and job_directory.is_result(root, path.with_name(name[1])):
            path.unlink(missing_ok=True)


def remove_results(root: Path) -> None:
    """Remove what an earlier run left, so that no file of it is taken for one of the new run (`--overwrite`)."""
    for path in root.parent.iterdir():
        if job_directory.is_result(root, path) and path.is_file():
            path.unlink()
