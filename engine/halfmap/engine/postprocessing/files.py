"""Files of a post-processing, under RELION's names and in RELION's layout."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from halfmap.engine.formats import labels
from halfmap.engine.formats.mrc import write_map
from halfmap.engine.formats.star import List, Table, Value, write_star
from halfmap.engine.formats.whole_file import written_whole
from halfmap.engine.postprocessing.guinier import inverse_square
from halfmap.engine.postprocessing.postprocess import Postprocessed

# what RELION writes for the resolution of shell 0, and for the logarithm of nothing
_NO_RESOLUTION_ANGSTROM = 999.0
_NO_LOG_AMPLITUDE = -99.0


@dataclass(frozen=True)
class SourceNames:
    """Files from which a result was made, as they shall be named in its table.

    Parameters
    ----------
    first, second
        Half maps.
    mask
        Mask; empty without one.
    """

    first: str
    second: str
    mask: str = ""


def star_file(root: str | Path) -> Path:
    """Name the tables; they are written last."""
    return Path(f"{root}.star")


def result_files(root: str | Path) -> list[Path]:
    """Name all files that there may be, the tables last."""
    return [*(Path(f"{root}{end}") for end in (".mrc", "_masked.mrc", "_fsc.xml")), star_file(root)]


def write_postprocessed(root: str | Path, result: Postprocessed, names: SourceNames) -> list[Path]:
    """Write the maps, the FSC for EMDB, and last the tables.

    Parameters
    ----------
    root
        Beginning of all names, such as ``PostProcess/job020/postprocess``.
    result
        What to write.
    names
        Where it came from.

    Returns
    -------
    Names of the files, in the order in which they were written.
    """
    files = [Path(f"{root}.mrc")]
    write_map(files[0], result.sharpened, result.pixel_size_angstrom)
    if result.masked is not None:
        files.append(Path(f"{root}_masked.mrc"))
        write_map(files[1], result.masked, result.pixel_size_angstrom)
    files += [Path(f"{root}_fsc.xml"), star_file(root)]
    with written_whole(files[-2]) as temporary:
        temporary.write_text(fsc_xml(result))
    maps = [str(file) for file in files if file.suffix == ".mrc"]
    tables: dict[str, Table] = {
        "general": _general(result, names, maps),
        "fsc": _fsc_table(result),
        "guinier": _guinier_table(result),
    }
    write_star(files[-1], tables)
    return files


def _general(result: Postprocessed, names: SourceNames, maps: list[str]) -> List:
    row: dict[str, Value] = {
        "rlnFinalResolution": result.resolution_angstrom or _NO_RESOLUTION_ANGSTROM,
        "rlnBfactorUsedForSharpening": result.b_factor_angstrom2,
    }
    if result.fit is not None:
        row |= {
            "rlnFittedSlopeGuinierPlot": result.fit.slope_angstrom2,
            "rlnFittedInterceptGuinierPlot": result.fit.intercept,
            "rlnCorrelationFitGuinierPlot": result.fit.correlation,
        }
    row |= {"rlnUnfilteredMapHalf1": names.first, "rlnUnfilteredMapHalf2": names.second, "rlnPostprocessedMap": maps[0]}
    curves = result.curves
    if curves.box_over_mask is not None:
        row |= {
            "rlnPostprocessedMapMasked": maps[1],
            "rlnParticleBoxFractionSolventMask": curves.box_over_mask,
            "rlnMaskName": names.mask,
        }
    if curves.randomised_from is not None:
        row["rlnRandomiseFrom"] = result.extent_angstrom / curves.randomised_from
    return row


def _fsc_table(result: Postprocessed) -> pd.DataFrame:
    curves = result.curves
    shell = np.arange(len(curves.corrected))
    angstrom = np.full(len(shell), _NO_RESOLUTION_ANGSTROM)
    angstrom[1:] = result.extent_angstrom / shell[1:]
    columns = {
        labels.SPECTRAL_INDEX: shell,
        labels.RESOLUTION: shell / result.extent_angstrom,
        labels.ANGSTROM_RESOLUTION: angstrom,
        labels.CORRECTED_FSC: curves.corrected,
        "rlnFourierShellCorrelationParticleMaskFraction": curves.of_particle,
        "rlnFourierShellCorrelationUnmaskedMaps": curves.unmasked,
        "rlnFourierShellCorrelationMaskedMaps": curves.masked,
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps": curves.randomised,
    }
    return pd.DataFrame({label: column for label, column in columns.items() if column is not None})


def _guinier_table(result: Postprocessed) -> pd.DataFrame:
    plots = result.guinier
    columns = {
        "rlnResolutionSquared": inverse_square(len(plots.original), result.extent_angstrom),
        "rlnLogAmplitudesOriginal": _printable(plots.original),
        "rlnLogAmplitudesMTFCorrected": None if plots.mtf_corrected is None else _printable(plots.mtf_corrected),
        "rlnLogAmplitudesWeighted": _printable(plots.weighted),
        "rlnLogAmplitudesSharpened": _printable(plots.sharpened),
        "rlnLogAmplitudesIntercept": None if result.fit is None else np.full(len(plots.original), result.fit.intercept),
    }
    return pd.DataFrame({label: column for label, column in columns.items() if column is not None})


def _printable(log_amplitude: Float64[np.ndarray, " shells"]) -> Float64[np.ndarray, " shells"]:
    return np.nan_to_num(log_amplitude, nan=_NO_LOG_AMPLITUDE)


def fsc_xml(result: Postprocessed) -> str:
    """Lay out the corrected curve as EMDB takes it."""
    points = "".join(
        f"  <coordinate>\n    <x>{shell / result.extent_angstrom:.6f}</x>\n    <y>{value:.6f}</y>\n  </coordinate>\n"
        for shell, value in enumerate(result.curves.corrected)
    )
    title = "masked and corrected FSC" if result.curves.masked is not None else "FSC of whole boxes"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<fsc title="halfmap {title}" xaxis="Resolution (A-1)" yaxis="Correlation Coefficient">\n{points}</fsc>\n'
    )
