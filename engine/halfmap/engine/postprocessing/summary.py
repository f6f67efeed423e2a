"""A few lines about a post-processing, for a person."""

from halfmap.engine.postprocessing.curves import FscCurves
from halfmap.engine.postprocessing.postprocess import Postprocessed
from halfmap.engine.refinement.fsc import GOLD_STANDARD

_BAR_CELLS = 30
_ROWS = 24


def summary_text(result: Postprocessed) -> str:
    """Tell the resolution and what it rests on, and draw the corrected FSC."""
    return "\n".join([*_facts(result), "", *_chart(result)])


def _facts(result: Postprocessed) -> list[str]:
    curves, extent = result.curves, result.extent_angstrom
    lines = [f" + final resolution (FSC {GOLD_STANDARD}):       {_resolution(result)}"]
    if curves.box_over_mask is not None:
        lines.append(f" + share of the box in the mask:       {100 / curves.box_over_mask:.1f} %")
        lines.append(_randomised(curves, extent))
    if result.fit is not None:
        lines.append(f" + correlation of the Guinier fit:     {result.fit.correlation:.3f}")
    if result.b_factor_angstrom2:
        lines.append(f" + applied B-factor:                   {result.b_factor_angstrom2:.1f} Å²")
    if result.low_pass_angstrom is not None:
        lines.append(f" + low-pass filter:                    {result.low_pass_angstrom:.2f} Å")
    return lines


def _resolution(result: Postprocessed) -> str:
    if result.resolution_angstrom is None:
        return "none; the half maps do not agree anywhere"
    nyquist = result.curves.resolution_shell == len(result.curves.corrected) - 1
    return f"{result.resolution_angstrom:.2f} Å" + (" (Nyquist: smaller pixels may show more)" if nyquist else "")


def _randomised(curves: FscCurves, extent_angstrom: float) -> str:
    if curves.randomised_from is None:
        return (
            " WARNING: the unmasked maps agree everywhere too well for phases to be randomised; the masked FSC is not "
            "corrected."
        )
    return f" + phases randomised beyond:           {extent_angstrom / curves.randomised_from:.2f} Å"


def _chart(result: Postprocessed) -> list[str]:
    """One row for each of some shells: resolution, the corrected FSC as a bar, and the other curves as numbers."""
    curves = result.curves
    others = [("masked", curves.masked), ("random", curves.randomised), ("unmasked", curves.unmasked)]
    shown = [(name, curve) for name, curve in others if curve is not None]
    lines = [f"{'Å':>8}  {'FSC':<{_BAR_CELLS + 7}}" + "".join(f"{name:>10}" for name, _ in shown)]
    shells = range(1, len(curves.corrected))
    step = -(-len(shells) // _ROWS)
    for shell in shells[::step]:
        value = float(curves.corrected[shell])
        bar = "█" * round(_BAR_CELLS * min(max(value, 0.0), 1.0))
        numbers = "".join(f"{curve[shell]:10.3f}" for _, curve in shown)
        mark = " ◄" if shell <= curves.resolution_shell < shell + step else "  "
        lines.append(f"{result.extent_angstrom / shell:8.2f}  {bar:<{_BAR_CELLS}}{value:6.3f}{mark}{numbers}"[:110])
    return lines
