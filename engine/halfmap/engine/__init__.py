"""The engine: gold-standard auto-refinement of pseudo-subtomograms."""

from halfmap.contract.progress import IterationFinished
from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.run import refine

__all__ = ["IterationFinished", "RefineArguments", "refine"]
