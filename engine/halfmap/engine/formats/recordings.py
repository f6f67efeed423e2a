"""Tilt series with the files of their images: what extraction and reconstruction from tilt series read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_integers, require_table, required
from halfmap.engine.formats.star import List, read_star
from halfmap.engine.formats.tomograms import series_in, tilt_table
from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.particles.tilt_series import TiltSeries

_KIND = re.compile(r":mrcs?$")
_NONE = ("", '""', "0", "None", "[]")


@dataclass(frozen=True)
class ImagePlace:
    """Where one tilt image is.

    Parameters
    ----------
    file
        MRC file.
    index
        Image in it, from 0.
    """

    file: Path
    index: int


@dataclass(frozen=True)
class Recording:
    """A tilt series as it lies on disc.

    Parameters
    ----------
    series
        Geometry and imaging conditions.
    microscope
        Constants of its optics.
    places
        File and index of each tilt image.
    image_size_px
        Width and height.
    """

    series: TiltSeries
    microscope: Microscope
    places: tuple[ImagePlace, ...]
    image_size_px: tuple[int, int]

    def images(self, wanted: Bool[np.ndarray, " tilts"] | None = None) -> Float32[np.ndarray, "tilts height width"]:
        """Read all tilt images, or those that are wanted; the others are 0 and take no memory."""
        width, height = self.image_size_px
        out = np.zeros((len(self.places), height, width), np.float32)
        chosen = np.flatnonzero(wanted) if wanted is not None else range(len(self.places))
        for file in dict.fromkeys(self.places[tilt].file for tilt in chosen):
            with _opened(file) as mrc:
                for tilt in chosen:
                    place = self.places[tilt]
                    if place.file == file:
                        out[tilt] = mrc.data[place.index] if mrc.data.ndim == 3 else mrc.data
        for tilt in chosen:
            if not np.isfinite(out[tilt]).all():
                raise BadInput(f"{self.places[tilt].file}: tilt image {tilt + 1} of {self.series.name} is not finite.")
        return out


def read_recordings(path: Path, project: Path, names: list[str]) -> dict[str, Recording]:
    """Read the named tilt series of a tomogram set and find their images.

    Parameters
    ----------
    path
        Tomogram set (`tomograms.star`).
    project
        Directory to which the paths inside are relative.
    names
        Tomograms that are needed.

    Raises
    ------
    BadInput
        Naming the tilt series and the file that is missing, cut short, or of another size than the others.
    """
    tables = read_star(path)
    series = series_in(tables, path, project, names)
    table = require_table(tables, "global", path)
    rows = {name: table.iloc[[i]] for i, name in enumerate(required(table, labels.TOMO_NAME, path))}
    return {name: _recording(rows[name], series[name], tables, path, project) for name in names}


def _recording(
    row: pd.DataFrame, series: TiltSeries, tables: Mapping[str, List | pd.DataFrame], path: Path, project: Path
) -> Recording:
    constants = [
        float(as_floats(row, label, path)[0])
        for label in (labels.VOLTAGE, labels.SPHERICAL_ABERRATION, labels.AMPLITUDE_CONTRAST)
    ]
    images, file = tilt_table(row, series.name, tables, path, project)
    _refuse_deformations(row, path, series.name)
    _refuse_deformations(images, file, series.name)
    places = _places(row, series, path, project) or tuple(
        _place(text, file, project) for text in required(images, labels.MICROGRAPH_NAME, file)
    )
    return Recording(series, Microscope(*constants), places, _checked_size(places, series.name))


def _refuse_deformations(table: pd.DataFrame, path: Path, name: str) -> None:
    for label in table:
        if str(label).startswith(labels.DEFORMATION) and any(str(v) not in _NONE for v in table[label]):
            raise BadInput(
                f"{path}: _{label} says that the tilt images of {name} are deformed, which this version does not "
                f"correct for; leave the deformations out, and extract with the alignment alone."
            )


def _places(row: pd.DataFrame, series: TiltSeries, path: Path, project: Path) -> tuple[ImagePlace, ...]:
    """Tilt images in one stack, in the order of their table; none if they are files of their own."""
    if labels.TILT_SERIES_STACK not in row:
        return ()
    # RELION tells the kind of a file behind a colon: TS_01.st:mrc
    stack = project / _KIND.sub("", str(row[labels.TILT_SERIES_STACK].iloc[0]))
    if labels.FRAME_COUNT in row:
        frames = int(as_integers(row, labels.FRAME_COUNT, path)[0])
        if frames != series.tilts:
            raise BadInput(
                f"{path}: {labels.FRAME_COUNT} of {series.name} is {frames}, but its tilt series has "
                f"{series.tilts} images."
            )
    _refuse_surplus(stack, series.tilts, series.name)
    return tuple(ImagePlace(stack, index) for index in range(series.tilts))


def _refuse_surplus(stack: Path, tilts: int, name: str) -> None:
    """Refuse a stack with more images than the table has rows, as when rows of bad tilts were taken out."""
    with _opened(stack) as mrc:
        images = len(mrc.data) if mrc.data.ndim == 3 else 1
    if images > tilts:
        raise BadInput(
            f"{stack}: holds {images} images, but the table of {name} has {tilts} rows. Images of a stack "
            f"({labels.TILT_SERIES_STACK}) are taken in order, so which are left out is not told; use a stack without "
            f"them, or take this column out of the set, so that {labels.MICROGRAPH_NAME} names the images."
        )


def _place(text: str, path: Path, project: Path) -> ImagePlace:
    number, at, name = text.rpartition("@")
    if at and not (number.isdecimal() and int(number) > 0):
        raise BadInput(f"{path}: {labels.MICROGRAPH_NAME} is {text!r}; a name such as 000001@stack.mrcs was expected.")
    return ImagePlace(project / _KIND.sub("", name), int(number) - 1 if at else 0)


def _checked_size(places: tuple[ImagePlace, ...], name: str) -> tuple[int, int]:
    """Width and height of the images, if all are there and of one size."""
    sizes = {}
    for file in dict.fromkeys(place.file for place in places):
        with _opened(file) as mrc:
            images, height, width = mrc.data.shape if mrc.data.ndim == 3 else (1, *mrc.data.shape)
        last = max(place.index for place in places if place.file == file)
        if last >= images:
            raise BadInput(f"{file}: holds {images} images, but tilt series {name} has {last + 1}; it is not complete.")
        sizes[file] = (width, height)
    odd = next((file for file, size in sizes.items() if size != sizes[places[0].file]), None)
    if odd is not None:
        raise BadInput(
            f"{odd}: tilt images of {name} differ in size ({sizes[odd][0]} × {sizes[odd][1]} px here, "
            f"{sizes[places[0].file][0]} × {sizes[places[0].file][1]} px in {places[0].file})."
        )
    return sizes[places[0].file]


def _opened(file: Path) -> mrcfile.mrcmemmap.MrcMemmap:
    """Map a file; one that is cut short or missing is refused."""
    if not file.exists():
        raise BadInput(f"{file}: the tilt images do not exist; paths are relative to the project directory.")
    try:
        return mrcfile.mmap(file, mode="r", permissive=False)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{file}: not a readable MRC file ({reason}); it may be cut short.") from error
