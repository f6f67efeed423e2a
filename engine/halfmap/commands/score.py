"""``halfmap score``: poses against the truth, or map against map."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from halfmap.commands.point_group import point_group
from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.errors import BadInput
from halfmap.engine.scoring import MapScore, PoseScore, score_maps, score_poses


def main(argv: Sequence[str]) -> int:
    """Score, print, and return the exit code."""
    options = parser().parse_args(argv)
    try:
        score: PoseScore | MapScore
        if options.kind == "poses":
            score = score_poses(options.truth, options.result, point_group(options.symmetry, flag="--symmetry"))
            text = poses_text(score)
        else:
            score = score_maps(options.first, options.second, options.mask, options.radius)
            text = maps_text(score)
    except BadInput as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    print(json.dumps(asdict(score)) if options.json else text)
    return ExitCode.SUCCESS


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    top = argparse.ArgumentParser(prog="halfmap score", description="Tell how good a result is.")
    kinds = top.add_subparsers(dest="kind", required=True, metavar="poses | maps")
    poses = kinds.add_parser("poses", help="refined poses against true ones")
    poses.description = "Compare refined poses with true ones; particles are matched by rlnTomoParticleName."
    poses.add_argument("truth", type=Path, metavar="TRUTH.star", help="particle file with the true poses")
    poses.add_argument("result", type=Path, metavar="RESULT.star", help="particle file to judge, such as run_data.star")
    poses.add_argument("--symmetry", "--sym", default="C1", help="point group of the particle [C1]")
    maps = kinds.add_parser("maps", help="one map against another")
    maps.description = "Compare two maps: FSC, correlation and grey scale."
    maps.add_argument("first", type=Path, metavar="A.mrc", help="a map")
    maps.add_argument("second", type=Path, metavar="B.mrc", help="another of the same box and pixel size")
    where = maps.add_mutually_exclusive_group()
    where.add_argument("--mask", type=Path, metavar="M.mrc", help="compare within this mask")
    where.add_argument("--radius", type=float, metavar="Å", help="compare within a soft sphere of this radius")
    for kind in (poses, maps):
        kind.add_argument("--json", action="store_true", help="print one JSON object")
    return top


def poses_text(score: PoseScore) -> str:
    """Lay out errors of poses, a line each."""
    offset = ", ".join(f"{value:+.2f}" for value in score.map_offset_angstrom)
    return "\n".join(
        [
            f"particles           {score.particles:8d}",
            f"angle     median    {score.angle_median_deg:8.2f} °",
            f"          p90       {score.angle_p90_deg:8.2f} °",
            f"          below 5°  {100 * score.share_below_5_deg:8.1f} %",
            f"position  median    {score.position_median_angstrom:8.2f} Å",
            f"          p90       {score.position_p90_angstrom:8.2f} Å",
            f"map offset (x, y, z) left to the symmetry and not counted: {offset} Å",
        ]
    )


def maps_text(score: MapScore) -> str:
    """Lay out the FSC shell by shell, and what it comes to."""
    table = [
        f"{shell:5d}  {'inf' if angstrom is None else format(angstrom, '.2f'):>10}  {fsc:7.4f}"
        for shell, (angstrom, fsc) in enumerate(zip(score.shell_resolution_angstrom, score.fsc, strict=True))
    ]
    return "\n".join(
        [
            "shell  resolution      FSC",
            *table,
            f"resolution at FSC 0.5    {_angstrom(score.resolution_50_angstrom)}",
            f"resolution at FSC 0.143  {_angstrom(score.resolution_143_angstrom)}",
            f"correlation              {score.correlation:8.4f}",
            f"grey scale, B over A     {score.grey_scale:8.4g}",
        ]
    )


def _angstrom(resolution: float | None) -> str:
    return "    none" if resolution is None else f"{resolution:8.2f} Å"
