"""What a finished iteration measured, read from the files that RELION writes at its end.

The records are those that halfmap's engine writes itself (`halfmap.contract.progress_events.IterationFinished`). RELION
keeps no coarse image size, no seconds and no memory in its files; these stay unknown. The mean number of significant
samples is not taken from the particle file, which may be very large.

RELION: ``MlModel::write``, ``MlOptimiser::write``, ``HealpixSampling::write``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from halfmap.contract import job_directory
from halfmap.contract.progress_events import IterationFinished
from halfmap.daemon.star_head import WholeTable, number_from, read_whole_tables

_MODEL_TABLES = ("model_general", "model_classes", "model_class_1")
_MODEL_BYTES = 1 << 20
_OPTIMISER_BYTES = 1 << 16
_SAMPLING_BYTES = 1 << 13
_UNKNOWN = 999.0
_NO_IMAGE_SIZE = 0
_GOLD_STANDARD = 0.143
_COARSEST_STEP_DEG = 60.0

_Tables = Mapping[str, WholeTable]


def read_iteration(root: Path, iteration: int) -> IterationFinished | None:
    """Read a numbered iteration.

    Parameters
    ----------
    root
        How the files' names begin, such as ``…/Refine3D/job012/run``.
    iteration
        Its number, from 1.

    Returns
    -------
    IterationFinished or None
        None while one of its files is missing, being written, or of another iteration: look again later.
    """
    optimiser_file = job_directory.optimiser_file(root, iteration)
    optimiser = _read(optimiser_file, "optimiser_general", _OPTIMISER_BYTES)
    if optimiser is None or optimiser.get("rlnCurrentIteration") != str(iteration):
        return None
    models = [_read_model(job_directory.half_model_file(root, iteration, half)) for half in job_directory.HALVES]
    sampling = _read(job_directory.sampling_file(root, iteration), "sampling_general", _SAMPLING_BYTES)
    whole = [model for model in models if model is not None]
    if sampling is None or len(whole) < len(models):
        return None
    return _record(iteration, whole, optimiser, sampling, _written(optimiser_file))


def read_joined(root: Path, iteration: int) -> IterationFinished | None:
    """Read the last iteration of a converged run, in which both halves are joined; its files bear no number.

    `iteration` is the number it has: one more than the last numbered.
    """
    optimiser_file = job_directory.optimiser_file(root)
    optimiser = _read(optimiser_file, "optimiser_general", _OPTIMISER_BYTES)
    model = _read_model(job_directory.final_model_file(root))
    sampling = _read(job_directory.sampling_file(root), "sampling_general", _SAMPLING_BYTES)
    if optimiser is None or model is None or sampling is None or optimiser.get("rlnHasConverged") != "1":
        return None
    record = _record(iteration, [model], optimiser, sampling, _written(optimiser_file))
    return record.model_copy(update={"converged": True})


def _read(path: Path, table: str, most_bytes: int) -> dict[str, str] | None:
    tables = read_whole_tables(path, (table,), most_bytes)
    return None if tables is None else tables[table].values()


def _read_model(path: Path) -> _Tables | None:
    return read_whole_tables(path, _MODEL_TABLES, _MODEL_BYTES)


def _written(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(0, UTC)


def _record(
    iteration: int,
    models: list[_Tables],
    optimiser: Mapping[str, str],
    sampling: Mapping[str, str],
    written: datetime,
) -> IterationFinished:
    general = [model["model_general"].values() for model in models]
    curve = models[0]["model_class_1"]
    fsc = [number_from(text) for text in curve.column("rlnGoldStandardFsc")]
    splits = 2 ** _whole(optimiser, "rlnAdaptiveOversampleOrder", 1)
    order = _whole(sampling, "rlnHealpixOrder", 0)
    return IterationFinished(
        iteration=iteration,
        time=written,
        resolution_angstrom=number_from(general[0].get("rlnCurrentResolution")),
        resolution_fsc_143_angstrom=_resolution_at_143(fsc, curve.column("rlnAngstromResolution")),
        fsc=tuple(fsc),
        accuracy_rotation_deg=_estimated(optimiser.get("rlnOverallAccuracyRotations")),
        accuracy_translation_angstrom=_estimated(optimiser.get("rlnOverallAccuracyTranslationsAngst")),
        angular_step_deg=_COARSEST_STEP_DEG / 2**order / splits,
        offset_step_angstrom=_scaled(sampling.get("rlnOffsetStep"), 1 / splits),
        offset_range_angstrom=number_from(sampling.get("rlnOffsetRange")),
        healpix_order=order,
        local_searches=_searches_locally(order, optimiser, general[0]),
        current_size_px=_whole(general[0], "rlnCurrentImageSize", _NO_IMAGE_SIZE) or None,
        changes_orientations_deg=number_from(optimiser.get("rlnChangesOptimalOrientations")),
        changes_offsets_angstrom=number_from(optimiser.get("rlnChangesOptimalOffsets")),
        iterations_without_resolution_gain=_whole(optimiser, "rlnNumberOfIterWithoutResolutionGain", 0),
        iterations_without_assignment_changes=_whole(optimiser, "rlnNumberOfIterWithoutChangingAssignments", 0),
        average_pmax=_mean([number_from(one.get("rlnAveragePmax")) for one in general]),
        log_likelihood=_sum([number_from(one.get("rlnLogLikelihood")) for one in general]),
        sigma_offset_angstrom=_mean([number_from(one.get("rlnSigmaOffsetsAngst")) for one in general]),
    )


def _searches_locally(order: int, optimiser: Mapping[str, str], general: Mapping[str, str]) -> bool:
    sigmas = [number_from(general.get(f"rlnSigmaPrior{angle}Angle")) or 0.0 for angle in ("Rot", "Tilt", "Psi")]
    has_priors = general.get("rlnOrientationalPriorMode", "0") != "0" and min(sigmas) > 0
    return has_priors and order >= _whole(optimiser, "rlnAutoLocalSearchesHealpixOrder", 0)


def _resolution_at_143(fsc: list[float | None], angstrom: list[str]) -> float | None:
    """Where the curve first falls below 0.143: the last shell before; None if that is the shell of the mean."""
    # RELION reads nan and inf back as 0
    below = (shell for shell, value in enumerate(fsc) if shell > 0 and (value or 0.0) < _GOLD_STANDARD)
    last = next(below, len(fsc)) - 1
    return number_from(angstrom[last]) if 0 < last < len(angstrom) else None


def _estimated(text: str | None) -> float | None:
    value = number_from(text)
    return None if value == _UNKNOWN else value


def _scaled(text: str | None, factor: float) -> float | None:
    value = number_from(text)
    return None if value is None else value * factor


def _whole(values: Mapping[str, str], label: str, default: int) -> int:
    value = number_from(values.get(label))
    return default if value is None else round(value)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _sum(values: list[float | None]) -> float | None:
    """Sum over the halves; None if one of them is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
