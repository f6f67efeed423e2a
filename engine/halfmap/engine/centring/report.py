"""What was found, in words, as a drawing and as JSON."""

import json

import numpy as np

from halfmap.engine.centring.correlation import Open
from halfmap.engine.centring.offset import Offset

_BAR_CELLS = 40
_AMBIGUOUS_SHARE = 0.9
_AXES = "xyz"


def offset_text(offset: Offset, pixel_size_angstrom: float, open_axes: Open, reach_angstrom: float) -> str:
    """Tell the offset, how certain it is, and draw the score along z."""
    noise = (
        "no half maps were found beside the map: the noise is not counted"
        if offset.noise_angstrom is None
        else f"noise, from the half maps: {_axes(offset.noise_angstrom, open_axes)} Å"
    )
    lines = [
        f" the structure lies at ({_point(offset.angstrom / pixel_size_angstrom, '.2f')}) px of the map, "
        f"({_point(offset.angstrom, '.2f')}) Å from its centre",
        f" uncertainty: ± {_axes(offset.uncertainty_angstrom / pixel_size_angstrom, open_axes)} px, "
        f"± {_axes(offset.uncertainty_angstrom, open_axes)} Å",
        f"   between ways to compare: {_axes(offset.spread_angstrom, open_axes)} Å; {noise}",
        f" score: {offset.score:.3f} (1: the same)",
    ]
    for other in offset.alternatives:
        warning = " WARNING: ambiguous," if other.share >= _AMBIGUOUS_SHARE else " also"
        lines.append(
            f"{warning} ({_point(np.array(other.angstrom), '.1f')}) Å fits, with {other.share:.2f} of the score"
        )
    return "\n".join([*lines, "", *_drawing(offset, pixel_size_angstrom, reach_angstrom)])


def _point(vector: np.ndarray, form: str) -> str:
    return ", ".join(format(round(float(v), 6) + 0.0, form) for v in vector)


def _axes(vector: np.ndarray, open_axes: Open) -> str:
    return ", ".join(f"{_AXES[axis]} {vector[axis]:.2f}" for axis in range(3) if open_axes[axis])


def _drawing(offset: Offset, pixel_size_angstrom: float, reach_angstrom: float) -> list[str]:
    """One bar for each step along z, from the lowest score within reach to the highest."""
    shown = [(at, score) for at, score in offset.profile if abs(at) <= reach_angstrom]
    low, high = min(score for _, score in shown), max(score for _, score in shown)
    step = shown[1][0] - shown[0][0] if len(shown) > 1 else 1.0
    lines = [f"{'z (Å)':>8}{'(px)':>8}  score"]
    for at, score in shown:
        cells = round(_BAR_CELLS * (score - low) / (high - low)) if high > low else 0
        mark = " ◄" if abs(at - offset.angstrom[2]) <= step / 2 else ""
        lines.append(f"{at:8.1f}{at / pixel_size_angstrom:8.2f}  {score:6.3f}  {'█' * cells}{mark}")
    return lines


def offset_json(offset: Offset, pixel_size_angstrom: float, sources: dict[str, str]) -> str:
    """Lay out the result for other programs; vectors are x, y, z."""
    noise = offset.noise_angstrom
    return (
        json.dumps(
            {
                **sources,
                "pixel_size_angstrom": pixel_size_angstrom,
                "offset_px": (offset.angstrom / pixel_size_angstrom).tolist(),
                "offset_angstrom": offset.angstrom.tolist(),
                "uncertainty_angstrom": offset.uncertainty_angstrom.tolist(),
                "spread_angstrom": offset.spread_angstrom.tolist(),
                "noise_angstrom": None if noise is None else noise.tolist(),
                "score": offset.score,
                "alternatives": [{"offset_angstrom": list(o.angstrom), "share": o.share} for o in offset.alternatives],
            },
            indent=2,
        )
        + "\n"
    )
