"""In which box particles are cut out: the options that Extract and Reconstruct particle share.

Labels and defaults are those of RELION 5.0.1.
"""

from collections.abc import Iterator

from halfmap.contract.job_form import JobForm, Problem, problem_about
from halfmap.contract.option import Bounds, Option, Slider, Tab, number_text


def binning_option(tab: Tab) -> Option:
    """Declare by how much the tilt images are binned."""
    return Option(
        tab,
        "Binning factor:",
        "Pixel size of the result in pixels of the tilt series; need not be whole.",
        flags=("--bin",),
        slider=Slider(1, 16, 1),
        bounds=Bounds(above=0),
    )


def box_option(tab: Tab) -> Option:
    """Declare the box that is cut out."""
    return Option(
        tab,
        "Box size (binned pix):",
        "Box that is cut out of the tilt images. A large one keeps the signal that the CTF has spread.",
        unit="px",
        flags=("--b",),
        slider=Slider(32, 512, 16),
        bounds=Bounds(at_least=2),
    )


def crop_option(tab: Tab) -> Option:
    """Declare the box that is kept."""
    return Option(
        tab,
        "Cropped box size (binned pix):",
        "Box that is kept in the end, not larger than the other; -1: all of it.",
        unit="px",
        flags=("--crop",),
        slider=Slider(-1, 512, 16),
    )


def box_words(box_px: int, crop_px: int, binning: float) -> list[str]:
    """Tell the program the box."""
    crop = ["--crop", f"{crop_px}"] if crop_px > 0 else []
    return ["--b", f"{box_px}", *crop, "--bin", number_text(binning)]


def box_problems(job: JobForm, box_px: int, crop_px: int) -> Iterator[Problem]:
    """See that boxes have a middle, and that the one that is kept lies in the other."""
    for key, size in (("box_size", box_px), ("crop_size", crop_px)):
        if size > 0 and size % 2:
            yield problem_about(type(job), key, f"is {size}; give an even number of pixels")
    if crop_px > box_px:
        yield problem_about(type(job), "crop_size", f"is {crop_px}, more than the box of {box_px} px; give less")
