"""Reading an iteration back, to continue from it: this engine's files or RELION's."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from halfmap.contract.refine_arguments import RefineArguments, given, is_read_when_continuing
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.model_star import ModelFile, read_model
from halfmap.engine.formats.mrc import read_map
from halfmap.engine.formats.optimiser_star import OptimiserFile, control_from, read_optimiser
from halfmap.engine.formats.sampling_star import read_sampling
from halfmap.engine.refinement.state import Control, HalfState, Sampling


@dataclass(frozen=True)
class Checkpoint:
    """A finished iteration.

    Parameters
    ----------
    arguments
        Options of the run, with those that were given anew.
    control
        Counters and sampling.
    halves
        Models of both halves.
    scale_groups
        Names of the scale groups, in the order of the models' scales.
    box_px, pixel_size_angstrom
        Model grid.
    data_file
        Particles with their poses.
    """

    arguments: RefineArguments
    control: Control
    halves: tuple[HalfState, HalfState]
    scale_groups: tuple[str, ...]
    box_px: int
    pixel_size_angstrom: float
    data_file: Path


def read_checkpoint(arguments: RefineArguments, project: Path) -> Checkpoint:
    """Read what the options of a continued run point at.

    Raises
    ------
    BadInput
        Naming the file and what is missing or wrong.
    """
    file = read_optimiser(project / arguments.continue_from)
    models = [read_model(project / name) for name in file.model_files]
    sampling, symmetry, perturbation = read_sampling(project / file.sampling_file)
    sampling = _with_priors(sampling, models[0], file)
    merged = _merged(arguments, file, models[0], symmetry, perturbation)
    control = control_from(file, sampling)
    general = models[0].general
    control = replace(
        control,
        resolution_per_angstrom=_per_angstrom(general["rlnCurrentResolution"]),
        current_size_px=int(general["rlnCurrentImageSize"]),
        average_pmax=float(general[labels.AVERAGE_PMAX]),
    )
    first, second = (_half_state(model, project) for model in models)
    return Checkpoint(
        merged,
        control,
        (first, second),
        tuple(models[0].scale_groups),
        int(general["rlnOriginalImageSize"]),
        float(general["rlnPixelSize"]),
        project / file.data_file,
    )


def _per_angstrom(text: str) -> float:
    angstrom = float(text)
    return 1 / angstrom if np.isfinite(angstrom) and angstrom > 0 else 0.0


def _with_priors(sampling: Sampling, model: ModelFile, file: OptimiserFile) -> Sampling:
    rot, tilt, psi = (
        float(model.general[f"rlnSigmaPrior{angle}Angle"]) if _has_priors(model) else 0.0
        for angle in ("Rot", "Tilt", "Psi")
    )
    local = sampling.healpix_order >= int(file.settings["auto_local_healpix_order"]) and min(rot, tilt, psi) > 0
    return replace(sampling, sigma_rot_deg=rot, sigma_tilt_deg=tilt, sigma_psi_deg=psi, local_searches=local)


def _has_priors(model: ModelFile) -> bool:
    return model.general["rlnOrientationalPriorMode"] != "0"


def _merged(
    arguments: RefineArguments, file: OptimiserFile, model: ModelFile, symmetry: str, perturbation: float
) -> RefineArguments:
    """Options of the run, overruled by those that were given anew."""
    settings = {
        **file.settings,
        "output_root": file.values["rlnOutputRootName"],
        "symmetry": symmetry,
        "perturbation": perturbation,
        "padding": int(float(model.general["rlnPaddingFactor"])),
        "tau2_fudge": float(model.general["rlnTau2FudgeFactor"]),
        "auto_refine": True,
        "split_random_halves": True,
    }
    settings.pop("overwrite", None)
    settings.pop("force_converge", None)
    anew = {name for name in given(arguments) if is_read_when_continuing(name)}
    settings |= {name: getattr(arguments, name) for name in anew}
    return RefineArguments(**settings)


def _half_state(model: ModelFile, project: Path) -> HalfState:
    density = read_map(project / model.map_file).density
    if len(model.spectra.ssnr) != density.shape[0] // 2 + 1:
        raise BadInput(
            f"{project / model.map_file}: a box of {density.shape[0]} px, but its model file lists "
            f"{len(model.spectra.ssnr)} shells; the files do not belong together."
        )
    return HalfState(
        density,
        model.sigma2,
        float(model.general[labels.SIGMA_OFFSETS]),
        model.scale,
        model.pdf_direction,
        model.spectra,
        float(model.general[labels.AVERAGE_PMAX]),
        float(model.general["rlnLogLikelihood"]),
    )
