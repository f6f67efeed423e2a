"""How good a result is: poses against the truth, maps against maps."""

from halfmap.engine.scoring.maps import MapScore, score_maps
from halfmap.engine.scoring.poses import PoseScore, score_poses

__all__ = ["MapScore", "PoseScore", "score_maps", "score_poses"]
