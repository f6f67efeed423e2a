"""Input that must be refused with a sentence that says what was found, where, and what to change."""

from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from tests.faults.conftest import PARTICLES, REFERENCE, STACK, TOMOGRAMS

Refused = Callable[..., str]


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text()
    assert old in text, f"{old!r} is not in {path}"
    Path(path).write_text(text.replace(old, new))


def rows(path: str, table: str) -> tuple[list[str], int, int]:
    """Lines of a file, and the range of the rows of a loop in it."""
    lines = Path(path).read_text().split("\n")
    start = lines.index(f"data_{table}")
    first = next(i for i in range(start, len(lines)) if lines[i].split() and lines[i][0] == " " and lines[i].strip())
    last = next((i for i in range(first, len(lines)) if not lines[i].strip()), len(lines))
    return lines, first, last


def set_column(path: str, table: str, label: str, value: str, row: int | None = None) -> None:
    """Change a column, in one row or all."""
    lines, first, last = rows(path, table)
    header = [line.split()[0] for line in lines[lines.index(f"data_{table}") : first] if line.startswith("_")]
    column = header.index(f"_{label}")
    for i in range(first, last) if row is None else (first + row,):
        words = lines[i].split()
        words[column] = value
        lines[i] = " " + " ".join(words) + " "
    Path(path).write_text("\n".join(lines))


def drop_column(path: str, label: str) -> None:
    edit(path, f"_{label} ", f"_rlnSomethingElse{label[-1]} ")


def set_image(path: str, change: Callable[[np.ndarray], np.ndarray], pixel_size: float | None = None) -> None:
    with mrcfile.open(path, permissive=True) as mrc:
        data, voxel = np.array(mrc.data), float(mrc.voxel_size.x)
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(change(data))
        mrc.voxel_size = voxel if pixel_size is None else pixel_size


def with_value(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(data: np.ndarray) -> np.ndarray:
        data[1, 3, 4] = value
        return data

    return change


def with_empty_image(data: np.ndarray) -> np.ndarray:
    data[2] = 0
    return data


def truncate(path: str, share: float) -> None:
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: int(len(content) * share)])


# what is spoilt, by what, and what must be said about it
PARTICLE_FILES: dict[str, tuple[Callable[[], object], str]] = {
    "missing": (lambda: Path(PARTICLES).unlink(), "does not exist"),
    "empty": (lambda: Path(PARTICLES).write_text(""), "holds no STAR table"),
    "cut short within a row": (lambda: truncate(PARTICLES, 0.85), "values in a row"),
    "not a text file": (lambda: Path(PARTICLES).write_bytes(b"\xff\xfe\x00" * 50), "not a text file"),
    "saved on Windows": (
        lambda: Path(PARTICLES).write_bytes(Path(PARTICLES).read_bytes().replace(b"\n", b"\r\n")),
        "carriage return",
    ),
    "with text behind a table's name": (lambda: edit(PARTICLES, "data_particles", "data_particles x"), "text after"),
    "without its table": (lambda: edit(PARTICLES, "data_particles", "data_images"), "has no table data_particles"),
    "without optics": (lambda: edit(PARTICLES, "data_optics", "data_glass"), "has no table data_optics"),
    "without image names": (lambda: drop_column(PARTICLES, "rlnImageName"), "_rlnImageName"),
    "without tomogram names": (lambda: drop_column(PARTICLES, "rlnTomoName"), "_rlnTomoName"),
    "without visible frames": (lambda: drop_column(PARTICLES, "rlnTomoVisibleFrames"), "_rlnTomoVisibleFrames"),
    "without positions": (
        lambda: drop_column(PARTICLES, "rlnCenteredCoordinateXAngst"),
        "neither rlnCenteredCoordinateXAngst",
    ),
    "with a word for an angle": (
        lambda: set_column(PARTICLES, "particles", "rlnAngleTilt", "steep", 2),
        "_rlnAngleTilt of row 3 is 'steep'",
    ),
    "with a position that is not a number": (
        lambda: set_column(PARTICLES, "particles", "rlnCenteredCoordinateYAngst", "nan", 0),
        "_rlnCenteredCoordinateYAngst of row 1",
    ),
    "with an unknown tomogram": (
        lambda: set_column(PARTICLES, "particles", "rlnTomoName", "TS_99", 1),
        "knows no tomogram 'TS_99'",
    ),
    "with an unknown optics group": (
        lambda: set_column(PARTICLES, "particles", "rlnOpticsGroup", "7", 1),
        "optics group 7",
    ),
    "with visible frames of another tilt series": (
        lambda: set_column(PARTICLES, "particles", "rlnTomoVisibleFrames", "[1,1,1]", 1),
        "has 3 entries",
    ),
    "with visible frames that cannot be read": (
        lambda: set_column(PARTICLES, "particles", "rlnTomoVisibleFrames", "all", 1),
        "is 'all'",
    ),
    "with no visible frame": (
        lambda: set_column(PARTICLES, "particles", "rlnTomoVisibleFrames", "[0,0,0,0,0]", 1),
        "no tilt image",
    ),
    "of 3D pseudo-subtomograms": (
        lambda: set_list_value(PARTICLES, "rlnTomoSubTomosAre2DStacks", "0"),
        "3D pseudo-subtomograms",
    ),
    "with a pixel size of zero": (
        lambda: set_column(PARTICLES, "optics", "rlnImagePixelSize", "0.0"),
        "rlnImagePixelSize of optics group 1 is 0",
    ),
    "with an odd box": (lambda: set_column(PARTICLES, "optics", "rlnImageSize", "15"), "rlnImageSize"),
    "with a voltage that is no number": (lambda: set_column(PARTICLES, "optics", "rlnVoltage", "high"), "_rlnVoltage"),
}


def set_list_value(path: str, label: str, value: str) -> None:
    lines = Path(path).read_text().split("\n")
    Path(path).write_text("\n".join(f"_{label} {value}" if line.startswith(f"_{label}") else line for line in lines))


@pytest.mark.parametrize("fault", PARTICLE_FILES)
def test_a_particle_file_is_refused(project: Path, refused: Refused, fault: str) -> None:
    spoil, phrase = PARTICLE_FILES[fault]
    spoil()
    told = refused()
    assert phrase in told
    assert ".star" in told, "the file must be named"


def test_half_sets_that_are_assigned_to_some_only_are_refused(project: Path, refused: Refused) -> None:
    add_column(PARTICLES, "rlnRandomSubset", lambda i: "0" if i == 0 else "1")
    assert "is 0 for 1 particles" in refused()


def test_a_half_set_with_another_number_is_refused(project: Path, refused: Refused) -> None:
    add_column(PARTICLES, "rlnRandomSubset", lambda i: "3" if i == 1 else "1")
    assert "of row 2 is 3" in refused()


def test_an_empty_half_set_is_refused(project: Path, refused: Refused) -> None:
    add_column(PARTICLES, "rlnRandomSubset", lambda i: "1")
    assert "half set 2 is empty" in refused()


def test_a_single_particle_cannot_fill_two_half_sets(project: Path, refused: Refused) -> None:
    lines, first, last = rows(PARTICLES, "particles")
    Path(PARTICLES).write_text("\n".join(lines[: first + 1] + lines[last:]))
    assert "half set" in refused()


def test_aberrations_that_are_not_corrected_are_refused(project: Path, refused: Refused) -> None:
    add_column(PARTICLES, "rlnBeamTiltX", lambda i: "0.3", table="optics")
    assert "_rlnBeamTiltX" in refused()


def test_aberrations_of_zero_are_accepted_columns(project: Path, refused: Refused) -> None:
    add_column(PARTICLES, "rlnBeamTiltX", lambda i: "0.0", table="optics")
    Path(REFERENCE).unlink()
    assert "reference.mrc" in refused(), "the run must get as far as the next fault"


def add_column(path: str, label: str, value: Callable[[int], str], table: str = "particles") -> None:
    lines, first, last = rows(path, table)
    count = sum(line.startswith("_") for line in lines[lines.index(f"data_{table}") : first])
    changed = [f"{line} {value(i)} " for i, line in enumerate(lines[first:last])]
    Path(path).write_text("\n".join([*lines[:first], f"_{label} #{count + 1} ", *changed, *lines[last:]]))


TOMOGRAM_FILES: dict[str, tuple[Callable[[], object], str]] = {
    "missing": (lambda: Path(TOMOGRAMS).unlink(), "tomograms.star"),
    "whose tilt series is missing": (lambda: Path("tilt_series/TS_01.star").unlink(), "TS_01.star"),
    "whose tilt series has another name": (
        lambda: edit("tilt_series/TS_01.star", "data_TS_01", "data_TS_1"),
        "has no table data_TS_01",
    ),
    "whose tilt series has no exposures": (
        lambda: drop_column("tilt_series/TS_01.star", "rlnMicrographPreExposure"),
        "_rlnMicrographPreExposure",
    ),
    "whose tilt series has no defocus": (lambda: drop_column("tilt_series/TS_01.star", "rlnDefocusU"), "_rlnDefocusU"),
    "that does not say where its tilt series are": (
        lambda: drop_column(TOMOGRAMS, "rlnTomoTiltSeriesStarFile"),
        "RELION 4",
    ),
    "without a handedness": (lambda: drop_column(TOMOGRAMS, "rlnTomoHand"), "_rlnTomoHand"),
}


@pytest.mark.parametrize("fault", TOMOGRAM_FILES)
def test_a_tomogram_set_is_refused(project: Path, refused: Refused, fault: str) -> None:
    spoil, phrase = TOMOGRAM_FILES[fault]
    spoil()
    assert phrase in refused()


STACKS: dict[str, tuple[Callable[[], object], str]] = {
    "missing": (lambda: Path(STACK).unlink(), "does not exist"),
    "cut short": (lambda: truncate(STACK, 0.7), "cut short"),
    "cut short within its header": (lambda: truncate(STACK, 0.1), "1_stack2d.mrcs"),
    "no MRC file": (lambda: Path(STACK).write_bytes(b"not a map" * 500), "not a readable MRC file"),
    "of another depth": (lambda: set_image(STACK, lambda d: d[:3]), "holds 3 images"),
    "of another size": (lambda: set_image(STACK, lambda d: d[:, :14, :14]), "14 × 14 px"),
    "with NaN": (lambda: set_image(STACK, with_value(np.nan)), "NaN or infinite"),
    "with an infinite value": (lambda: set_image(STACK, with_value(np.inf)), "NaN or infinite"),
    "with an empty image": (lambda: set_image(STACK, with_empty_image), "image 3 is zero everywhere"),
}


@pytest.mark.parametrize("fault", STACKS)
def test_a_stack_is_refused(project: Path, refused: Refused, fault: str) -> None:
    spoil, phrase = STACKS[fault]
    spoil()
    told = refused()
    assert phrase in told
    assert "1_stack2d.mrcs" in told


REFERENCES: dict[str, tuple[Callable[[], object], str]] = {
    "missing": (lambda: Path(REFERENCE).unlink(), "does not exist"),
    "cut short": (lambda: truncate(REFERENCE, 0.5), "cut short"),
    "with an odd box": (lambda: set_image(REFERENCE, lambda d: d[1:, 1:, 1:]), "is odd"),
    "that is not cubic": (lambda: set_image(REFERENCE, lambda d: d[2:]), "a cubic map was expected"),
    "with NaN": (lambda: set_image(REFERENCE, with_value(np.nan)), "1 voxels are NaN"),
    "without a pixel size": (lambda: set_image(REFERENCE, lambda d: d, 0.0), "no pixel size"),
    "of another pixel size": (lambda: set_image(REFERENCE, lambda d: d, 7.0), "--trust_ref_size"),
    "of another box": (lambda: set_image(REFERENCE, lambda d: d[2:-2, 2:-2, 2:-2]), "--trust_ref_size"),
    "without density": (lambda: set_image(REFERENCE, np.ones_like), "holds no density"),
    "that is inverted": (lambda: set_image(REFERENCE, np.negative), "inverted"),
    "far off the absolute grey scale": (lambda: set_image(REFERENCE, lambda d: 20 * d), "absolute grey scale"),
}


@pytest.mark.parametrize("fault", REFERENCES)
def test_a_reference_is_refused(project: Path, refused: Refused, fault: str) -> None:
    spoil, phrase = REFERENCES[fault]
    spoil()
    told = refused()
    assert phrase in told
    assert "reference.mrc" in told


def test_the_scale_of_a_reference_off_the_grey_scale_is_estimated(project: Path, refused: Refused) -> None:
    set_image(REFERENCE, lambda d: 20 * d)
    scale = float(refused().split("multiplied by about ")[1].split()[0].rstrip("."))
    assert scale == pytest.approx(1 / 20, rel=0.4), "coarse poses leave some of the signal unexplained"


def test_pixel_sizes_that_cannot_both_be_right_are_refused_even_if_resizing_is_allowed(
    project: Path, refused: Refused
) -> None:
    set_image(REFERENCE, lambda d: d, 500.0)
    assert "--ref_angpix" in refused("--trust_ref_size")


MASKS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "above one": (lambda d: 2 * d, "between 0 (solvent) and 1"),
    "below zero": (lambda d: d - 0.5, "between 0 (solvent) and 1"),
    "of solvent only": (lambda d: 0 * d, "between 0 (solvent) and 1"),
}


@pytest.mark.parametrize("fault", MASKS)
def test_a_mask_is_refused(project: Path, refused: Refused, fault: str) -> None:
    change, phrase = MASKS[fault]
    set_image("Mask/mask.mrc", change)
    told = refused("--solvent_mask", "Mask/mask.mrc")
    assert phrase in told
    assert "mask.mrc" in told


OPTION_FAULTS = {
    "an unknown symmetry": (("--sym", "X3"), "--sym is 'X3'"),
    "a misspelled option": (("--particle_diamter", "3"), "--particle_diameter"),
    "cards that are not there": (("--gpu", "99"), "--gpu"),
    "two cards for a rank": (("--gpu", "0,1"), "--gpu 0,1: a rank computes on one card"),
    "Blush": (("--blush",), "--blush"),
    "a helix": (("--helix",), "--helix"),
    "relaxed symmetry": (("--relax_sym", "C2"), "--relax_sym"),
    "several classes": (("--K", "3"), "--K"),
    "impossible padding": (("--pad", "3"), "--pad"),
    "serial disc I/O": (("--no_parallel_disc_io",), "--no_parallel_disc_io"),
    "a missing scratch disc": (("--scratch_dir", "/no/such/disc"), "no such directory"),
}


@pytest.mark.parametrize("fault", OPTION_FAULTS)
def test_an_option_is_refused_by_name(project: Path, refused: Refused, fault: str) -> None:
    words, phrase = OPTION_FAULTS[fault]
    assert phrase in refused(*words)


@pytest.mark.parametrize("option", ["--ref", "--o", "--auto_refine"])
def test_a_missing_option_is_named(project: Path, refused: Refused, option: str) -> None:
    assert option in refused(without=option)


def test_all_problems_of_the_options_are_told_at_once(project: Path, refused: Refused) -> None:
    told = refused("--pad", "3", "--blush", "--sym", "X3")
    assert all(option in told for option in ("--pad", "--blush", "--sym"))


def test_an_optimisation_set_without_particles_is_refused(project: Path, refused: Refused) -> None:
    edit("Extract/job001/optimisation_set.star", "_rlnTomoParticlesFile", "_rlnTomoSomethingFile")
    assert "names no particles" in refused()
