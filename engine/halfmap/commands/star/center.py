"""``halfmap star center``: another point of the reference as the centre of all particles."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.recentring import recentred_file
from halfmap.engine.formats.whole_file import written_whole


def main(argv: Sequence[str]) -> int:
    """Change the offsets, say what was written, and return the exit code."""
    options = parser().parse_args(argv)
    try:
        _center(options)
    except BadInput as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    return ExitCode.SUCCESS


def parser() -> argparse.ArgumentParser:
    """Describe the options, which are those of ``relion_star_handler --center``."""
    top = argparse.ArgumentParser(
        prog="halfmap star center",
        description="Make a point of the reference the centre of all particles. Only their offsets change: "
        "new offset = old offset - pixel size * A(rot, tilt, psi) * point.",
    )
    top.add_argument("--i", type=Path, required=True, metavar="IN.star", help="particle file")
    top.add_argument("--o", type=Path, default=Path("out.star"), metavar="OUT.star", help="output file [out.star]")
    for axis in "XYZ":
        top.add_argument(
            f"--center_{axis}",
            type=float,
            default=0.0,
            metavar="PX",
            help=f"{axis.lower()} of the point, from the centre of the reference, in pixels of rlnImagePixelSize [0]",
        )
    top.add_argument("--angpix", type=float, metavar="Å", help="pixel size in place of that of the optics groups")
    top.add_argument("--ignore_optics", action="store_true", help="take no pixel size from the file; needs --angpix")
    top.add_argument("--overwrite", action="store_true", help="replace OUT.star, which may be IN.star, if it exists")
    return top


def _center(options: argparse.Namespace) -> None:
    if options.ignore_optics and options.angpix is None:
        raise BadInput("--ignore_optics leaves the pixel size unknown; give it with --angpix.")
    if options.o.exists() and not options.overwrite:
        which = "the input" if options.i.exists() and options.o.samefile(options.i) else "there already"
        raise BadInput(f"{options.o}: is {which}; give another name with --o, or --overwrite to replace it.")
    centre_px = np.array([options.center_X, options.center_Y, options.center_Z])
    result = recentred_file(options.i, centre_px, options.angpix)
    with written_whole(options.o) as temporary:
        temporary.write_text(result.text)
    if result.lacks_z:
        print(" WARNING: the particles have no _rlnOriginZAngst; only x and y were changed, as RELION does.")
    print(f" Written: {options.o}")
    print(" Done!")
