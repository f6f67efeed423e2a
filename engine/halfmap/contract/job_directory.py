"""Names of the files in a job folder, as functions of the output root such as ``Refine3D/job012/run``.

They are RELION's names (RELION: ``MlOptimiser::write`` and ``MlModel::write``): either program can read, continue and
post-process a job folder. Numbers of iterations have three digits at least.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Literal

Root = str | Path
Half = Literal[1, 2]

HALVES: tuple[Half, Half] = (1, 2)

_ITERATION = re.compile(r"_it([0-9]{3,})_")
_KINDS = "(half[12]_)?(class\\d+(_unfil|_angdist)?|model|data|sampling|optimiser|optimisation_set)"
_RESULT = rf"_((it\d+_)?{_KINDS}\.(star|mrc|bild)|progress\.jsonl)"


class Marker(StrEnum):
    """Empty files by which RELION's jobs and their watchers talk to each other."""

    SUCCESS = "RELION_JOB_EXIT_SUCCESS"
    FAILURE = "RELION_JOB_EXIT_FAILURE"
    ABORTED = "RELION_JOB_EXIT_ABORTED"
    ABORT_NOW = "RELION_JOB_ABORT_NOW"


def marker_file(job_folder: str | Path, marker: Marker) -> Path:
    """Name a marker file in a job folder (or in the folder given by ``--pipeline_control``)."""
    return Path(job_folder) / marker


def optimiser_file(root: Root, iteration: int | None = None) -> Path:
    """Name the settings and state after an iteration, or the final ones: a run is continued from this file."""
    return _named(root, iteration, "optimiser.star")


def sampling_file(root: Root, iteration: int | None = None) -> Path:
    """Name the angular and translational sampling of an iteration, or the final one."""
    return _named(root, iteration, "sampling.star")


def data_file(root: Root, iteration: int | None = None) -> Path:
    """Name the particles with their poses after an iteration, or the final ones."""
    return _named(root, iteration, "data.star")


def optimisation_set_file(root: Root, iteration: int | None = None) -> Path:
    """Name the optimisation set that points to the particles of an iteration, or the final ones."""
    return _named(root, iteration, "optimisation_set.star")


def half_model_file(root: Root, iteration: int, half: Half) -> Path:
    """Name the spectra and statistics of one half set after an iteration."""
    return _named(root, iteration, f"half{half}_model.star")


def half_map_file(root: Root, iteration: int, half: Half) -> Path:
    """Name the regularised, masked map of one half set: the reference of the next iteration."""
    return _named(root, iteration, f"half{half}_class001.mrc")


def half_angular_distribution_file(root: Root, iteration: int, half: Half) -> Path:
    """Name the histogram of orientations of one half set, for ChimeraX."""
    return _named(root, iteration, f"half{half}_class001_angdist.bild")


def unfiltered_half_map_file(root: Root, half: Half, iteration: int | None = None) -> Path:
    """Name the unregularised, unmasked map of one half set; the final ones are what PostProcess takes."""
    return _named(root, iteration, f"half{half}_class001_unfil.mrc")


def final_model_file(root: Root) -> Path:
    """Name the spectra and statistics of the joined set."""
    return _named(root, None, "model.star")


def final_map_file(root: Root) -> Path:
    """Name the map of all particles, which exists only after convergence."""
    return _named(root, None, "class001.mrc")


def final_angular_distribution_file(root: Root) -> Path:
    """Name the histogram of all orientations, for ChimeraX."""
    return _named(root, None, "class001_angdist.bild")


def progress_file(root: Root) -> Path:
    """Name the engine's progress records; see `halfmap.contract.progress`."""
    return _named(root, None, "progress.jsonl")


def standard_output_file(root: Root) -> Path:
    """Name the text that a launcher collects from the program's standard output."""
    return Path(f"{root}.out")


def standard_error_file(root: Root) -> Path:
    """Name the text that a launcher collects from the program's standard error."""
    return Path(f"{root}.err")


def iteration_of(file_name: Root) -> int | None:
    """Read the number of the iteration from a file name; None for final files and others."""
    found = _ITERATION.findall(Path(file_name).name)
    return int(found[-1]) if found else None


def is_result(root: Root, path: str | Path) -> bool:
    """Whether a file is one that the engine writes for this root; ``run_ct5_it001_data.star`` is none of ``run``."""
    root, path = Path(root), Path(path)
    return path.parent == root.parent and bool(re.fullmatch(re.escape(root.name) + _RESULT, path.name))


def iteration_files(root: Root, iteration: int) -> tuple[Path, ...]:
    """Name the files without which a run cannot be continued from this iteration."""
    return (
        optimiser_file(root, iteration),
        sampling_file(root, iteration),
        data_file(root, iteration),
        *(half_model_file(root, iteration, half) for half in HALVES),
        *(half_map_file(root, iteration, half) for half in HALVES),
    )


def last_whole_iteration(root: Root) -> int | None:
    """Find the last iteration from which the run can be continued.

    Returns
    -------
    int or None
        The highest number for which optimiser, sampling, data, both models and both half maps exist and are not empty;
        None if there is none, or no such folder.
    """
    # The optimiser file is looked up by its exact name: job012/run must not find the files of job012/run_ct5.
    candidates = (iteration_of(path) for path in Path(root).parent.glob("*_it*_optimiser.star"))
    whole = (number for number in candidates if number is not None and _is_whole(root, number))
    return max(whole, default=None)


def _is_whole(root: Root, iteration: int) -> bool:
    return all(path.is_file() and path.stat().st_size > 0 for path in iteration_files(root, iteration))


def _named(root: Root, iteration: int | None, ending: str) -> Path:
    part = "" if iteration is None else f"_it{iteration:03d}"
    return Path(f"{root}{part}_{ending}")
