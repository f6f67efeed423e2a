"""Synthetic tilt series with known poses, and the pseudo-subtomograms extracted from them."""

from halfmap.engine.simulation.project import Project
from halfmap.engine.simulation.settings import SimulationSettings
from halfmap.engine.simulation.simulation import simulate

__all__ = ["Project", "SimulationSettings", "simulate"]
