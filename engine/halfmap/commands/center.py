"""``halfmap center``: where the structure in a map lies relative to a mask, and particles about that point."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from halfmap.commands.point_group import point_group
from halfmap.engine.centring.apply import Recentred, recentred, write_output_nodes, write_recentred
from halfmap.engine.centring.inputs import Comparison, Sources, read_comparison
from halfmap.engine.centring.offset import Offset, find_offset
from halfmap.engine.centring.report import offset_json, offset_text
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.whole_file import written_whole
from halfmap.engine.job_program import CheckAbort, JobProgram, refuse_existing
from halfmap.engine.reporting.progress_bar import ticking
from halfmap.engine.sampling.symmetry import PointGroup

RESULT = "center.json"


def main(argv: Sequence[str]) -> int:
    """Find the offset, tell it, apply it if asked, and return the exit code."""
    options = parser().parse_args(argv)
    return JobProgram(options.pipeline_control).run(
        lambda check_abort: _work(options, check_abort), lambda: _refuse_result(options)
    )


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    top = argparse.ArgumentParser(
        prog="halfmap center",
        allow_abbrev=False,
        description="Find out where the structure in a map lies relative to a mask that was made for it in the centre, "
        "or relative to another map; with --i and --o make that point the centre of all particles.",
    )
    add = top.add_argument
    add("--map", type=Path, required=True, metavar="MAP.mrc", help="map of a refinement or reconstruction")
    add("--mask", type=Path, metavar="MASK.mrc", help="mask around the structure, of any box and pixel size")
    add("--reference", type=Path, metavar="REF.mrc", help="compare with this map (within the mask) instead of the mask")
    add("--sym", default="C1", metavar="GROUP", help="point group: Cn leaves z free, C1 x, y and z [C1]")
    add("--max_shift", type=float, metavar="Å", help="largest offset [a quarter of the box]")
    add("--i", type=Path, metavar="IN.star", help="particles or an optimisation set to centre")
    add("--o", type=Path, metavar="DIR/", help="folder of center.json, particles.star and optimisation_set.star")
    add("--overwrite", action="store_true", help="replace an earlier result in DIR")
    add("--pipeline_control", type=Path, metavar="DIR/", help="folder of the job's marker files")
    return top


def _refuse_result(options: argparse.Namespace) -> None:
    if options.o is not None:
        refuse_existing(options.o / RESULT, options.overwrite)


def _work(options: argparse.Namespace, check_abort: CheckAbort) -> None:
    if options.i is not None and options.o is None:
        raise BadInput("--i is given without --o; name the folder for the centred particles.")
    group = point_group(options.sym)
    if not any(group.open_axes):
        raise BadInput(f"--sym {group.name} has its centre where its axes meet; there is nothing to look for.")
    if options.i is not None:
        # what is wrong with the particles is said before the search, not after it
        recentred(options.i, options.o, np.zeros(3))
    compared = read_comparison(
        Sources(options.map, options.mask, options.reference, options.max_shift), group.open_axes
    )
    against = f"{options.reference}" if options.reference else f"{options.mask}"
    print(f" moving {options.map} against {against}, {group.name}", flush=True)
    if compared.half_files:
        print(f" half maps: {compared.half_files[0]}, {compared.half_files[1].name}", flush=True)
    offset = find_offset(
        compared.matcher,
        compared.density,
        compared.halves,
        compared.pixel_size_angstrom,
        group.open_axes,
        ticking(sys.stdout, len(compared.matcher.recipes) * compared.matcher.steps_per_recipe, check_abort),
    )
    reach = compared.reach_angstrom
    print(offset_text(offset, compared.grid.pixel_size_angstrom, group.open_axes, reach), flush=True)
    if options.o is not None:
        changed = None if options.i is None else recentred(options.i, options.o, offset.angstrom)
        check_abort()
        _write(options, group, compared, offset, changed)


def _write(
    options: argparse.Namespace, group: PointGroup, compared: Comparison, offset: Offset, changed: Recentred | None
) -> None:
    try:
        options.o.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{options.o}: cannot be made ({error.strerror}); choose another --o.") from error
    files = [] if changed is None else write_recentred(options.o, changed)
    if files and options.pipeline_control is not None:
        write_output_nodes(options.pipeline_control, files)
    sources = {
        "map": str(options.map),
        "mask": str(options.mask or ""),
        "reference": str(options.reference or ""),
        "particles": str(options.i or ""),
        "symmetry": group.name,
    }
    # last, so that it stands for a whole result
    with written_whole(options.o / RESULT) as temporary:
        temporary.write_text(offset_json(offset, compared.grid.pixel_size_angstrom, sources))
    print("\n".join(["", *(f" Written: {file}" for file in [*files, options.o / RESULT])]))
    if changed is not None:
        print(f" {changed.particles.particles} particles have their centre at that point now.")
        _warn(changed)


def _warn(changed: Recentred) -> None:
    if changed.particles.lacks_z:
        print(" WARNING: the particles have no _rlnOriginZAngst; only x and y were changed, as RELION does.")
    if changed.stale:
        print(f" WARNING: {', '.join(changed.stale)} in the optimisation set are about the old centre.")
