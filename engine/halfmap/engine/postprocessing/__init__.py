"""From two half maps and a mask to a resolution, and to one sharpened map."""

from halfmap.engine.postprocessing.curves import FscCurves, fsc_curves
from halfmap.engine.postprocessing.files import SourceNames, write_postprocessed
from halfmap.engine.postprocessing.guinier import GuinierFit
from halfmap.engine.postprocessing.postprocess import Postprocessed, postprocess
from halfmap.engine.postprocessing.settings import FitRange, Mtf, PostprocessSettings
from halfmap.engine.postprocessing.summary import summary_text

__all__ = [
    "FitRange",
    "FscCurves",
    "GuinierFit",
    "Mtf",
    "PostprocessSettings",
    "Postprocessed",
    "SourceNames",
    "fsc_curves",
    "postprocess",
    "summary_text",
    "write_postprocessed",
]
