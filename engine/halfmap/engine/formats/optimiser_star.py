"""Settings and counters of a run in RELION's `optimiser.star`, the file that a run is continued from."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfmap.contract import job_directory
from halfmap.contract.command_line import ArgumentError, settings_from_argv, to_argv
from halfmap.contract.refine_arguments import RefineArguments
from halfmap.contract.spelling import RELION_NOISE
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.star import Value, read_star, write_star
from halfmap.engine.refinement.state import Changes, Control, Sampling

VERSION_LINE = "RELION optimiser; version 5.0.1 (written by halfmap)"
_NONE = "None"

# labels of RELION's MlOptimiser::write in their order, with the values that this engine never changes
_ROWS: dict[str, Value] = {
    "rlnOutputRootName": "",
    "rlnModelStarFile": "",
    "rlnModelStarFile2": "",
    "rlnExperimentalDataStarFile": "",
    labels.TOMOGRAMS_FILE: "",
    labels.TRAJECTORIES_FILE: "",
    "rlnOrientSamplingStarFile": "",
    "rlnCurrentIteration": 0,
    "rlnNumberOfIterations": 999,
    "rlnDoSplitRandomHalves": 1,
    "rlnJoinHalvesUntilThisResolution": 40.0,
    "rlnAdaptiveOversampleOrder": 1,
    "rlnAdaptiveOversampleFraction": 0.999,
    "rlnRandomSeed": 0,
    "rlnParticleDiameter": -1.0,
    "rlnWidthMaskEdge": 5,
    "rlnDoZeroMask": 0,
    "rlnDoSolventFlattening": 0,
    "rlnDoSolventFscCorrection": 0,
    "rlnSolventMaskName": _NONE,
    "rlnSolventMask2Name": _NONE,
    "rlnBodyStarFile": _NONE,
    "rlnTauSpectrumName": _NONE,
    "rlnMaximumCoarseImageSize": -1,
    "rlnHighresLimitExpectation": -1.0,
    "rlnLowresLimitExpectation": -1.0,
    "rlnIncrementImageSize": 10,
    "rlnDoMapEstimation": 1,
    "rlnDoFastSubsetOptimisation": 0,
    "rlnDoExternalReconstruct": 0,
    "rlnDoBlush": 0,
    "rlnBlushNoSpectralTrailing": 0,
    "rlnDoGradientRefine": 0,
    "rlnDoStochasticGradientDescent": 0,
    "rlnGradEmIters": 0,
    "rlnGradHasConverged": 0,
    "rlnGradCurrentStepsize": 0.0,
    "rlnGradSubsetOrder": 0,
    "rlnGradSuspendFinerSamplingIter": -1,
    "rlnGradSuspendLocalSamplingIter": -1,
    "rlnSgdInitialIterationsFraction": 0.3,
    "rlnSgdFinalIterationsFraction": 0.2,
    "rlnSgdMinimumResolution": 20.0,
    "rlnSgdInitialResolution": -1.0,
    "rlnSgdFinalResolution": -1.0,
    "rlnSgdInitialSubsetSize": -1,
    "rlnSgdFinalSubsetSize": -1,
    "rlnSgdMuFactor": 0.0,
    "rlnSgdSkipAnneal": 0,
    "rlnSgdClassInactivityThreshold": 0.0,
    "rlnSgdSubsetSize": -1,
    "rlnSgdWriteEverySubset": 10,
    "rlnSgdStepsize": -1.0,
    "rlnSgdStepsizeScheme": "",
    "rlnTau2FudgeScheme": "",
    "rlnTau2FudgeArg": -1.0,
    "rlnMaximumSignificantPoses": -1,
    "rlnDoAutoRefine": 1,
    "rlnDoAutoSampling": 1,
    "rlnAutoLocalSearchesHealpixOrder": 4,
    "rlnNumberOfIterWithoutResolutionGain": 0,
    "rlnBestResolutionThusFar": 0.0,
    "rlnNumberOfIterWithoutChangingAssignments": 0,
    "rlnDoSkipAlign": 0,
    "rlnDoSkipRotate": 0,
    "rlnOverallAccuracyRotations": 999.0,
    "rlnOverallAccuracyTranslationsAngst": 999.0,
    "rlnChangesOptimalOrientations": 999.0,
    "rlnChangesOptimalOffsets": 999.0,
    "rlnChangesOptimalClasses": 9999999.0,
    "rlnSmallestChangesOrientations": 999.0,
    "rlnSmallestChangesOffsets": 999.0,
    "rlnSmallestChangesClasses": 9999999,
    "rlnLocalSymmetryFile": _NONE,
    "rlnDoHelicalRefine": 0,
    "rlnIgnoreHelicalSymmetry": 0,
    "rlnFourierMask": _NONE,
    "rlnHelicalTwistInitial": 0.0,
    "rlnHelicalRiseInitial": 0.0,
    "rlnHelicalCentralProportion": 0.3,
    "rlnNrHelicalNStart": 1,
    "rlnHelicalMaskTubeInnerDiameter": -1.0,
    "rlnHelicalMaskTubeOuterDiameter": -1.0,
    "rlnHelicalSymmetryLocalRefinement": 0,
    "rlnHelicalSigmaDistance": -1.0,
    "rlnHelicalKeepTiltPriorFixed": 0,
    "rlnHasConverged": 0,
    "rlnHasHighFscAtResolLimit": 0,
    "rlnHasLargeSizeIncreaseIterationsAgo": 0,
    "rlnDoCorrectNorm": 0,
    "rlnDoCorrectScale": 0,
    "rlnDoCorrectCtf": 0,
    "rlnDoCenterClasses": 0,
    "rlnDoIgnoreCtfUntilFirstPeak": 0,
    "rlnCtfDataArePhaseFlipped": 0,
    "rlnDoOnlyFlipCtfPhases": 0,
    "rlnRefsAreCtfCorrected": 1,
    "rlnFixSigmaNoiseEstimates": 0,
    "rlnFixSigmaOffsetEstimates": 0,
    "rlnMaxNumberOfPooledParticles": 1,
    "rlnOffsetRangeX": -1.0,
    "rlnOffsetRangeY": -1.0,
    "rlnOffsetRangeZ": -1.0,
}

# rows that hold an option of the program under another name
_ARGUMENTS: dict[str, str] = {
    labels.TOMOGRAMS_FILE: "tomograms_file",
    labels.TRAJECTORIES_FILE: "trajectories_file",
    "rlnNumberOfIterations": "auto_iter_max",
    "rlnJoinHalvesUntilThisResolution": "join_halves_until_angstrom",
    "rlnAdaptiveOversampleOrder": "oversampling",
    "rlnAdaptiveOversampleFraction": "adaptive_fraction",
    "rlnRandomSeed": "random_seed",
    "rlnParticleDiameter": "particle_diameter_angstrom",
    "rlnWidthMaskEdge": "mask_edge_px",
    "rlnDoZeroMask": "zero_mask",
    "rlnDoSolventFlattening": "flatten_solvent",
    "rlnDoSolventFscCorrection": "solvent_correct_fsc",
    "rlnSolventMaskName": "solvent_mask_file",
    "rlnMaximumCoarseImageSize": "coarse_size_px",
    "rlnHighresLimitExpectation": "strict_highres_exp_angstrom",
    "rlnLowresLimitExpectation": "strict_lowres_exp_angstrom",
    "rlnMaximumSignificantPoses": "maximum_significant_poses",
    "rlnAutoLocalSearchesHealpixOrder": "auto_local_healpix_order",
    "rlnDoCorrectScale": "scale_correction",
    "rlnDoCorrectCtf": "ctf_correction",
    "rlnDoIgnoreCtfUntilFirstPeak": "ctf_intact_first_peak",
    "rlnFixSigmaNoiseEstimates": "fix_sigma_noise",
    "rlnFixSigmaOffsetEstimates": "fix_sigma_offset",
}


@dataclass(frozen=True)
class OptimiserFile:
    """An optimiser file as read.

    Parameters
    ----------
    settings
        Options of the run, by attribute of `RefineArguments`.
    model_files
        Models of half sets 1 and 2.
    data_file, sampling_file
        Particles and sampling.
    values
        The table.
    """

    settings: dict[str, Any]
    model_files: tuple[str, str]
    data_file: str
    sampling_file: str
    values: dict[str, str]


def optimiser_rows(
    arguments: RefineArguments, control: Control, iteration: int | None, model_files: list[Path]
) -> dict[str, Value]:
    """Fill the table in; `iteration` is None at the end, where there is one model."""
    root = arguments.output_root
    rows = dict(_ROWS)
    rows |= {label: _as_value(getattr(arguments, name), rows[label]) for label, name in _ARGUMENTS.items()}
    rows |= {
        "rlnOutputRootName": root,
        "rlnModelStarFile": str(model_files[0]),
        "rlnExperimentalDataStarFile": str(job_directory.data_file(root, iteration)),
        "rlnOrientSamplingStarFile": str(job_directory.sampling_file(root, iteration)),
        "rlnCurrentIteration": -1 if iteration is None else iteration,
        "rlnDoSplitRandomHalves": int(iteration is not None),
        "rlnMaxNumberOfPooledParticles": arguments.pool * arguments.threads,
        "rlnIncrementImageSize": control.size_increment_shells,
        **_control_rows(control),
    }
    if len(model_files) > 1:
        rows["rlnModelStarFile2"] = str(model_files[1])
    else:
        del rows["rlnModelStarFile2"]
    return rows


def _as_value(value: Any, like: Value) -> Value:
    """Write an option in the kind that RELION writes: an absent mask is `None`."""
    if isinstance(value, bool):
        return int(value)
    if value == "":
        return str(like)
    return float(value) if isinstance(like, float) else value


def _control_rows(control: Control) -> dict[str, Value]:
    changes, smallest = control.changes, control.smallest_changes
    return {
        "rlnNumberOfIterWithoutResolutionGain": control.iterations_without_resolution_gain,
        "rlnBestResolutionThusFar": float(control.resolution_per_angstrom),
        "rlnNumberOfIterWithoutChangingAssignments": control.iterations_without_changes,
        "rlnOverallAccuracyRotations": float(control.accuracy_rotation_deg),
        "rlnOverallAccuracyTranslationsAngst": float(control.accuracy_translation_angstrom),
        "rlnChangesOptimalOrientations": float(changes.orientations_deg),
        "rlnChangesOptimalOffsets": float(changes.offsets_angstrom),
        "rlnChangesOptimalClasses": float(changes.classes),
        "rlnSmallestChangesOrientations": float(smallest.orientations_deg),
        "rlnSmallestChangesOffsets": float(smallest.offsets_angstrom),
        "rlnSmallestChangesClasses": int(smallest.classes),
        "rlnHasConverged": int(control.has_converged),
        "rlnHasHighFscAtResolLimit": int(control.has_high_fsc_at_limit),
    }


def write_optimiser(
    path: Path, arguments: RefineArguments, control: Control, iteration: int | None, model_files: list[Path]
) -> None:
    """Write settings and counters; the command line stands in a comment, as with RELION."""
    # the spectra in the model files mean another thing with each model of the noise
    told = arguments.model_copy(update={"noise_model": arguments.noise_model})
    comments = (VERSION_LINE, shlex.join(to_argv(told)))
    write_star(path, {"optimiser_general": optimiser_rows(arguments, control, iteration, model_files)}, comments)


def read_optimiser(path: Path) -> OptimiserFile:
    """Read an optimiser file of this engine or of RELION.

    Options that have no row are taken from the command line in the file's second comment.

    Raises
    ------
    BadInput
        Naming the file and what is missing.
    """
    values = read_star(path).get("optimiser_general")
    if not isinstance(values, dict):
        raise BadInput(f"{path}: has no list data_optimiser_general; it is not an optimiser file.")
    if not values.get("rlnModelStarFile2", '""').strip('"'):
        raise BadInput(
            f"{path}: names no model of half set 2; it is the file of a finished run. Continue from a numbered "
            f"one, run_it…_optimiser.star."
        )
    settings = {"noise_model": RELION_NOISE, **_settings_in_comment(path)}
    for label, name in _ARGUMENTS.items():
        if label in values:
            settings[name] = _from_text(values[label], name)
    needed = ("rlnModelStarFile", "rlnModelStarFile2", "rlnExperimentalDataStarFile", "rlnOrientSamplingStarFile")
    missing = [label for label in needed if label not in values]
    if missing:
        raise BadInput(f"{path}: has no {missing[0]}, which is needed to continue.")
    first, second, data, sampling = (values[label] for label in needed)
    return OptimiserFile(settings, (first, second), data, sampling, values)


def _settings_in_comment(path: Path) -> dict[str, Any]:
    lines = path.read_text().split("\n", 2)
    command = shlex.split(lines[1].lstrip("# ")) if len(lines) > 1 and lines[1].startswith("#") else []
    try:
        return dict(settings_from_argv(command))
    except ArgumentError:
        # a command of another program or version: what has a row in the table is enough to continue
        return {}


def _from_text(text: str, name: str) -> Any:
    kind = RefineArguments.model_fields[name].annotation
    if kind is str:
        return "" if text in (_NONE, '""', "") else text
    return kind(float(text)) if kind in (bool, int) else float(text)


def control_from(file: OptimiserFile, sampling: Sampling) -> Control:
    """Counters and changes as they stood after the iteration."""
    values = file.values

    def number(label: str) -> float:
        return float(values.get(label, _ROWS[label]))

    return Control(
        iteration=int(number("rlnCurrentIteration")),
        resolution_per_angstrom=number("rlnBestResolutionThusFar"),
        sampling=sampling,
        iterations_without_resolution_gain=int(number("rlnNumberOfIterWithoutResolutionGain")),
        iterations_without_changes=int(number("rlnNumberOfIterWithoutChangingAssignments")),
        changes=_changes(number, "rlnChangesOptimal"),
        smallest_changes=_changes(number, "rlnSmallestChanges"),
        accuracy_rotation_deg=number("rlnOverallAccuracyRotations"),
        accuracy_translation_angstrom=number("rlnOverallAccuracyTranslationsAngst"),
        size_increment_shells=int(number("rlnIncrementImageSize")),
        has_high_fsc_at_limit=bool(number("rlnHasHighFscAtResolLimit")),
    )


def _changes(number: Any, prefix: str) -> Changes:
    return Changes(number(prefix + "Orientations"), number(prefix + "Offsets"), number(prefix + "Classes"))
