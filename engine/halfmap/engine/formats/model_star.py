"""The model of a half set, or of all particles, in RELION's `model.star`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, require_table
from halfmap.engine.formats.star import Table, read_star, write_star
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.refinement.regularization import Spectra
from halfmap.engine.refinement.state import Control, HalfState

_NO_RESOLUTION = 999.0
_NEAREST_BELOW_PX = 10


@dataclass(frozen=True)
class ModelContext:
    """What a model file tells beside the model.

    Parameters
    ----------
    grid
        Model grid.
    padding
        Padding of Fourier transforms.
    tau2_fudge
        Regularisation T.
    scale_groups
        Names of the scale groups.
    particles_per_group
        Particles of the half by scale group.
    dimensions
        2 for stacks of images, 3 for volumes.
    """

    grid: ModelGrid
    padding: int
    tau2_fudge: float
    scale_groups: Sequence[str]
    particles_per_group: Int64[np.ndarray, " groups"]
    dimensions: int = 2


def write_model(path: Path, map_file: Path, half: HalfState, control: Control, context: ModelContext) -> None:
    """Write a model as RELION's MlModel::write does."""
    write_star(path, model_tables(map_file, half, control, context))


def model_tables(map_file: Path, half: HalfState, control: Control, context: ModelContext) -> dict[str, Table]:
    """Lay out the tables of a model file."""
    tables: dict[str, Table] = {
        "model_general": _general(half, control, context),
        "model_classes": _classes(map_file, half, control, context.grid),
        "model_class_1": _spectra_table(half.spectra, context.grid),
        "model_groups": _groups(half, context),
    }
    for group in range(len(half.sigma2)):
        tables[f"model_optics_group_{group + 1}"] = _noise_table(half, group, context.grid)
    tables["model_pdf_orient_class_1"] = pd.DataFrame({labels.ORIENTATION_DISTRIBUTION: half.pdf_direction})
    return tables


def _angstrom(resolution_per_angstrom: float) -> float:
    return 1 / resolution_per_angstrom if resolution_per_angstrom > 0 else float("inf")


def _general(half: HalfState, control: Control, context: ModelContext) -> dict[str, float | int]:
    sampling = control.sampling
    return {
        "rlnReferenceDimensionality": 3,
        "rlnDataDimensionality": context.dimensions,
        "rlnOriginalImageSize": context.grid.box_px,
        "rlnCurrentResolution": _angstrom(control.resolution_per_angstrom),
        "rlnCurrentImageSize": control.current_size_px,
        "rlnPaddingFactor": float(context.padding),
        "rlnIsHelix": 0,
        "rlnFourierSpaceInterpolator": 1,
        "rlnMinRadiusNnInterpolation": _NEAREST_BELOW_PX,
        "rlnPixelSize": float(context.grid.pixel_size_angstrom),
        "rlnNrClasses": 1,
        "rlnNrBodies": 1,
        "rlnNrGroups": len(context.scale_groups),
        "rlnNrOpticsGroups": len(half.sigma2),
        "rlnTau2FudgeFactor": float(context.tau2_fudge),
        "rlnNormCorrectionAverage": 1.0,
        labels.SIGMA_OFFSETS: float(half.sigma_offset_angstrom),
        "rlnOrientationalPriorMode": int(sampling.has_priors),
        "rlnSigmaPriorRotAngle": float(sampling.sigma_rot_deg),
        "rlnSigmaPriorTiltAngle": float(sampling.sigma_tilt_deg),
        "rlnSigmaPriorPsiAngle": float(sampling.sigma_psi_deg),
        "rlnLogLikelihood": float(half.log_likelihood),
        labels.AVERAGE_PMAX: float(half.average_pmax),
    }


def _classes(map_file: Path, half: HalfState, control: Control, grid: ModelGrid) -> pd.DataFrame:
    shells = np.arange(grid.shells)
    completeness = np.average(half.spectra.coverage, weights=np.maximum(shells, 1) ** 2)
    return pd.DataFrame(
        {
            labels.REFERENCE_IMAGE: [str(map_file)],
            "rlnClassDistribution": [1.0],
            "rlnAccuracyRotations": [float(control.accuracy_rotation_deg)],
            "rlnAccuracyTranslationsAngst": [float(control.accuracy_translation_angstrom)],
            "rlnEstimatedResolution": [_angstrom(control.resolution_per_angstrom)],
            "rlnOverallFourierCompleteness": [float(completeness)],
        }
    )


def _axis(grid: ModelGrid, shells: Int64[np.ndarray, " n"]) -> dict[str, np.ndarray]:
    return {labels.SPECTRAL_INDEX: shells, labels.RESOLUTION: shells / grid.extent_angstrom}


def _spectra_table(spectra: Spectra, grid: ModelGrid) -> pd.DataFrame:
    shells = np.arange(grid.shells)
    return pd.DataFrame(
        {
            **_axis(grid, shells),
            labels.ANGSTROM_RESOLUTION: np.where(
                shells > 0, grid.extent_angstrom / np.maximum(shells, 1), _NO_RESOLUTION
            ),
            labels.SSNR: spectra.ssnr,
            labels.FSC: spectra.fsc,
            labels.COVERAGE: spectra.coverage,
            labels.REFERENCE_SIGMA2: spectra.sigma2,
            labels.REFERENCE_TAU2: spectra.tau2,
        }
    )


def _groups(half: HalfState, context: ModelContext) -> pd.DataFrame:
    return pd.DataFrame(
        {
            labels.GROUP_NUMBER: np.arange(len(context.scale_groups)) + 1,
            labels.GROUP_NAME: list(context.scale_groups),
            "rlnGroupNrParticles": context.particles_per_group,
            labels.GROUP_SCALE: half.scale,
        }
    )


def _noise_table(half: HalfState, group: int, grid: ModelGrid) -> pd.DataFrame:
    """Lay out a noise spectrum: mean variances by shell for RELION, and what they are a multiple of, if they are."""
    spectrum = half.sigma2[group]
    shells = np.flatnonzero(spectrum > 0)
    table = pd.DataFrame({**_axis(grid, shells), labels.SIGMA2_NOISE: spectrum[shells]})
    if half.noise_multiplicity is not None:
        table[labels.SIGMA2_NOISE] *= half.noise_multiplicity[group][shells]
        table[labels.SIGMA2_NOISE_ALONE] = spectrum[shells]
    return table


@dataclass(frozen=True)
class ModelFile:
    """A model as read: everything but the map.

    Parameters
    ----------
    map_file
        Where the map is.
    general
        The table model_general.
    accuracy_rotation_deg, accuracy_translation_angstrom
        From the table of classes.
    spectra, sigma2, scale, scale_groups, pdf_direction
        See `HalfState`.
    """

    map_file: str
    general: dict[str, str]
    spectra: Spectra
    sigma2: Float64[np.ndarray, "optics shells"]
    scale: Float64[np.ndarray, " groups"]
    scale_groups: list[str]
    pdf_direction: Float64[np.ndarray, " directions"]


def read_model(path: Path) -> ModelFile:
    """Read a model file of this engine or of RELION.

    Raises
    ------
    BadInput
        Naming the file and what is missing.
    """
    tables = read_star(path)
    general = tables.get("model_general")
    if not isinstance(general, dict):
        raise BadInput(f"{path}: has no list data_model_general; it is not a model file.")
    spectra = require_table(tables, "model_class_1", path)
    groups = require_table(tables, "model_groups", path)
    optics = [name for name in tables if name.startswith("model_optics_group_")]
    return ModelFile(
        require_table(tables, "model_classes", path)[labels.REFERENCE_IMAGE].iloc[0],
        general,
        Spectra(*(_lenient(spectra, label, path) for label in _SPECTRA_COLUMNS)),
        np.stack(
            [_noise(require_table(tables, name, path), len(spectra), path) for name in sorted(optics, key=_number)]
        ),
        _lenient(groups, labels.GROUP_SCALE, path),
        [str(name) for name in groups[labels.GROUP_NAME]],
        _lenient(require_table(tables, "model_pdf_orient_class_1", path), labels.ORIENTATION_DISTRIBUTION, path),
    )


_SPECTRA_COLUMNS = (labels.FSC, labels.REFERENCE_SIGMA2, labels.REFERENCE_TAU2, labels.SSNR, labels.COVERAGE)


def _number(table: str) -> int:
    return int(table.rsplit("_", 1)[1])


def _lenient(table: pd.DataFrame, label: str, path: Path) -> Float64[np.ndarray, " rows"]:
    """Read a column in which RELION may have written inf or nan, which count as 0 as they do for RELION."""
    values = pd.to_numeric(table[label], errors="coerce").to_numpy(np.float64) if label in table else None
    return as_floats(table, label, path) if values is None else np.nan_to_num(values, posinf=0, neginf=0)


def _noise(table: pd.DataFrame, shells: int, path: Path) -> Float64[np.ndarray, " shells"]:
    """Spread the listed shells over all; a shell that is not listed takes its neighbour's value."""
    spectrum, label = np.zeros(shells), labels.SIGMA2_NOISE
    if labels.SIGMA2_NOISE_ALONE in table:
        label = labels.SIGMA2_NOISE_ALONE
    spectrum[as_floats(table, labels.SPECTRAL_INDEX, path).astype(int)] = as_floats(table, label, path)
    listed = np.flatnonzero(spectrum > 0)
    return (
        spectrum
        if not len(listed)
        else spectrum[listed[np.searchsorted(listed, np.arange(shells)).clip(max=len(listed) - 1)]]
    )
