"""``halfmap postprocess``: FSC and resolution of two half maps within a mask, and their sharpened mean."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mask_file import read_mask_for
from halfmap.engine.formats.mrc import DensityMap
from halfmap.engine.formats.mtf_star import read_mtf
from halfmap.engine.job_program import CheckAbort, JobProgram, refuse_existing
from halfmap.engine.postprocessing import (
    FitRange,
    Mtf,
    PostprocessSettings,
    SourceNames,
    postprocess,
    summary_text,
    write_postprocessed,
)
from halfmap.engine.postprocessing.files import result_files, star_file
from halfmap.engine.postprocessing.postprocess import STEPS
from halfmap.engine.reporting.progress_bar import ticking
from halfmap.engine.scoring.maps import read_pair


def main(argv: Sequence[str]) -> int:
    """Compare, sharpen, write, tell, and return the exit code."""
    options = parser().parse_args(argv)
    return JobProgram(options.pipeline_control).run(
        lambda check_abort: _work(options, check_abort),
        lambda: refuse_existing(star_file(options.o), options.overwrite),
    )


def parser() -> argparse.ArgumentParser:
    """Describe the options, which are those of ``relion_postprocess``."""
    top = argparse.ArgumentParser(
        prog="halfmap postprocess",
        allow_abbrev=False,
        description="Tell the resolution of two unfiltered half maps within a mask, corrected for the mask, and "
        "sharpen their mean.",
    )
    add = top.add_argument
    add(
        "--i",
        type=Path,
        required=True,
        metavar="HALF1.mrc",
        help="an unfiltered half map, as run_half1_class001_unfil.mrc",
    )
    add("--i2", type=Path, metavar="HALF2.mrc", help="second half map [named after --i]")
    add("--o", default="postprocess", metavar="ROOT", help="beginning of all output names [postprocess]")
    add("--mask", type=Path, metavar="M.mrc", help="mask, 0 (solvent) to 1; without it the whole boxes are compared")
    add("--angpix", type=float, metavar="Å", help="pixel size [that of the maps' headers]")
    add("--randomize_at_fsc", type=float, default=0.8, metavar="F", help="randomise phases below this FSC [0.8]")
    add("--random_seed", type=int, default=0, metavar="N", help="seed of the random phases; negative: any [0]")
    add("--mtf", type=Path, metavar="MTF.star", help="divide by the MTF of a detector")
    add("--mtf_angpix", type=float, metavar="Å", help="pixel size of the detector's images [that of the maps]")
    add("--skip_fsc_weighting", action="store_true", help="do not weigh shells by their FSC")
    _add_sharpening(top)
    add("--overwrite", action="store_true", help="replace the files of an earlier post-processing")
    add("--pipeline_control", type=Path, metavar="DIR/", help="folder of the job's marker files")
    return top


def _add_sharpening(top: argparse.ArgumentParser) -> None:
    b_factor = top.add_mutually_exclusive_group()
    b_factor.add_argument("--auto_bfac", action="store_true", help="find a B-factor in the Guinier plot and apply it")
    b_factor.add_argument(
        "--adhoc_bfac", type=float, default=0.0, metavar="Å2", help="apply this one; negative sharpens"
    )
    add = top.add_argument
    add("--autob_lowres", type=float, default=10.0, metavar="Å", help="lowest resolution that tells the B-factor [10]")
    add("--autob_highres", type=float, default=0.0, metavar="Å", help="highest such resolution; 0: Nyquist [0]")
    add("--low_pass", type=float, default=0.0, metavar="Å", help="low-pass; 0: none, negative: at FSC 0.143 [0]")
    add("--filter_edge_width", type=float, default=2.0, metavar="SHELLS", help="width of that filter's edge [2]")


def _work(options: argparse.Namespace, check_abort: CheckAbort) -> None:
    first_file, second_file = half_files(options.i, options.i2)
    _refuse_own_input(options, (first_file, second_file))
    first, second = read_pair(first_file, second_file)
    if np.array_equal(first.density, second.density):
        raise BadInput(f"{first_file} and {second_file}: hold the same map; two half maps are needed.")
    pixel_size = options.angpix if options.angpix is not None else first.pixel_size_angstrom
    if not (np.isfinite(pixel_size) and pixel_size > 0):
        raise BadInput(f"{first_file}: no pixel size above 0 Å in its header or options; give it with --angpix.")
    settings = settings_of(options, pixel_size)
    mask = _mask(options.mask, first, pixel_size)
    print(f" comparing {first_file} and {second_file}: {first.box_px} px at {pixel_size:g} Å", flush=True)
    tick = ticking(sys.stdout, STEPS, check_abort)
    check_abort()
    result = postprocess(first.density, second.density, mask, pixel_size, settings, tick)
    names = SourceNames(str(first_file), str(second_file), str(options.mask or ""))
    written = write_postprocessed(options.o, result, names)
    print(summary_text(result))
    print("\n".join(["", *(f" Written: {file}" for file in written)]))


def _refuse_own_input(options: argparse.Namespace, halves: Sequence[Path]) -> None:
    results = {path.resolve() for path in result_files(options.o)}
    for path in (*halves, options.mask, options.mtf):
        if path is not None and path.resolve() in results:
            raise BadInput(f"{path}: is read, and a result would take its name; give another --o.")


def half_files(named: Path, second: Path | None) -> tuple[Path, Path]:
    """Name both half maps, given both or either of them (RELION: FileName::getTwoHalves)."""
    if second is not None:
        return named, second
    for half, other in (("half1", "half2"), ("half2", "half1")):
        if half in named.name:
            pair = (named, named.with_name(named.name.replace(half, other)))
            return pair if half == "half1" else pair[::-1]
    raise BadInput(
        f"{named}: has no half1 or half2 in its name, so that the other half is not known; give it with --i2."
    )


def settings_of(options: argparse.Namespace, pixel_size_angstrom: float) -> PostprocessSettings:
    """Turn the options into settings; refuse values that mean nothing."""
    for name, low, high in (
        ("randomize_at_fsc", 0.0, 1.0),
        ("autob_lowres", 1e-3, np.inf),
        ("autob_highres", 0.0, np.inf),
        ("filter_edge_width", 1e-3, np.inf),
        ("adhoc_bfac", -np.inf, np.inf),
        ("low_pass", -np.inf, np.inf),
    ):
        value = getattr(options, name)
        if not (np.isfinite(value) and low <= value <= high):
            raise BadInput(f"--{name} is {value:g}; a number from {low:g} to {high:g} is needed.")
    if options.mtf_angpix is not None and options.mtf is None:
        raise BadInput("--mtf_angpix says nothing without --mtf.")
    ranged = FitRange(options.autob_lowres, options.autob_highres)
    return PostprocessSettings(
        randomise_below_fsc=options.randomize_at_fsc,
        random_seed=options.random_seed if options.random_seed >= 0 else int(np.random.default_rng().integers(2**31)),
        mtf=_mtf(options.mtf, pixel_size_angstrom if options.mtf_angpix is None else options.mtf_angpix),
        weight_by_fsc=not options.skip_fsc_weighting,
        b_factor=ranged if options.auto_bfac else options.adhoc_bfac,
        low_pass_angstrom=options.low_pass,
        filter_edge_shells=options.filter_edge_width,
    )


def _mtf(path: Path | None, pixel_size_angstrom: float) -> Mtf | None:
    if path is None:
        return None
    if not (np.isfinite(pixel_size_angstrom) and pixel_size_angstrom > 0):
        raise BadInput(f"--mtf_angpix is {pixel_size_angstrom:g}; a pixel size above 0 Å is needed.")
    return Mtf(*read_mtf(path), pixel_size_angstrom)


def _mask(path: Path | None, beside: DensityMap, pixel_size_angstrom: float) -> np.ndarray | None:
    """Read a mask on the grid of a map; where --angpix corrects the map's header, it corrects the mask's likewise."""
    if path is None:
        return None
    mask, note = read_mask_for(path, beside.box_px, beside.pixel_size_angstrom or pixel_size_angstrom, "half maps")
    if note:
        print(f" {note}")
    return mask.density
