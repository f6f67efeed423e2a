"""How particles are cut out."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ExtractionSettings:
    """How particles are cut out.

    Parameters
    ----------
    box_px
        Binned box in which images are multiplied by their CTF (`--b`).
    crop_px
        Box that is written, the middle of the other (`--crop`).
    binning
        Tilt-series pixels per pixel of the particle (`--bin`).
    max_dose
        Images exposed to more e/Å² before are left out (`--max_dose`).
    multiply_ctf
        Multiply by CTF and dose filter (otherwise `--no_ctf`).
    circle_crop
        Fade images to 0 outside of a circle (otherwise `--no_circle_crop`).
    invert
        Protein is dark in tilt images and comes out white (otherwise `--no_ic`).
    """

    box_px: int
    crop_px: int
    binning: float = 1.0
    max_dose: float = np.inf
    multiply_ctf: bool = True
    circle_crop: bool = True
    invert: bool = True

    @property
    def cut_out_px(self) -> int:
        """Edge of the square that is cut out of a tilt image, in its pixels."""
        return int(self.binning * self.box_px + 0.5)


def size_problems(box_px: int, crop_px: int, binning: float) -> list[str]:
    """Tell what is wrong with `--b`, `--crop` and `--bin`."""
    problems = [
        f"--{flag} is {size}; an even box above 0 is needed."
        for flag, size in (("b", box_px), ("crop", crop_px))
        if size <= 0 or size % 2
    ]
    if crop_px > box_px:
        problems.append(f"--crop is {crop_px}, larger than --b {box_px}; the crop is the middle of the box.")
    if not 1 <= binning < np.inf:
        problems.append(f"--bin is {binning:g}; 1 or more is needed, images are never enlarged.")
    return problems
