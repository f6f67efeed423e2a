"""The optics table of a particle file, and which of its groups each particle is in."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_integers
from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.particles.optics import OpticsGroup


def optics_rows(particles: pd.DataFrame, optics: pd.DataFrame, path: Path) -> Int64[np.ndarray, " particles"]:
    """Find the row of each particle's group in the optics table; BadInput names a group that it does not hold."""
    row = {number: i for i, number in enumerate(as_integers(optics, labels.OPTICS_GROUP, path).tolist())}
    numbers = as_integers(particles, labels.OPTICS_GROUP, path).tolist()
    unknown = [number for number in numbers if number not in row]
    if unknown:
        raise BadInput(f"{path}: particles name optics group {unknown[0]}, which the optics table does not hold.")
    return np.array([row[number] for number in numbers], np.int64)


def read_optics(table: pd.DataFrame, path: Path, are_volumes: bool = False) -> list[OpticsGroup]:
    """Read the optics groups; those with corrections that this version does not apply are refused.

    The microscope need not be told of volumes, which bring their CTF.
    """
    refuse_higher_order_optics(table, path)
    boxes = as_integers(table, labels.IMAGE_SIZE, path)
    pixel_sizes = as_floats(table, labels.IMAGE_PIXEL_SIZE, path)
    for number, (box, pixel) in enumerate(zip(boxes, pixel_sizes, strict=True), 1):
        if box <= 0 or box % 2:
            raise BadInput(
                f"{path}: {labels.IMAGE_SIZE} of optics group {number} is {box}; it must be even and above 0."
            )
        if pixel <= 0:
            raise BadInput(
                f"{path}: {labels.IMAGE_PIXEL_SIZE} of optics group {number} is {pixel:g}; it must be above 0 Å."
            )
    numbers = as_integers(table, labels.OPTICS_GROUP, path)
    names = (
        table[labels.OPTICS_GROUP_NAME] if labels.OPTICS_GROUP_NAME in table else [f"opticsGroup{n}" for n in numbers]
    )
    columns = [
        as_floats(table, label, path, usual if are_volumes else None)
        for label, usual in (
            (labels.VOLTAGE, 300.0),
            (labels.SPHERICAL_ABERRATION, 2.7),
            (labels.AMPLITUDE_CONTRAST, 0.1),
        )
    ]
    premultiplied, dimensions = as_integers(table, labels.CTF_PREMULTIPLIED, path, 0), 3 if are_volumes else 2
    return [
        OpticsGroup(
            int(n),
            str(name),
            Microscope(float(kv), float(cs), float(q0)),
            float(pixel),
            int(box),
            bool(flag),
            dimensions,
        )
        for n, name, kv, cs, q0, pixel, box, flag in zip(
            numbers, names, *columns, pixel_sizes, boxes, premultiplied, strict=True
        )
    ]


def refuse_higher_order_optics(table: pd.DataFrame, path: Path) -> None:
    """Refuse an optics table with corrections that this version does not apply."""
    for label in labels.HIGHER_ORDER_OPTICS:
        if label in table and any(_is_set(label, text) for text in table[label]):
            raise BadInput(f"{path}: the optics table sets _{label}, which this version does not correct for.")


def _is_set(label: str, text: str) -> bool:
    identity = {"rlnMagMat00": 1.0, "rlnMagMat11": 1.0}.get(label, 0.0)
    values = [float(v) for v in text.strip("[]").split(",") if v]
    return any(value != identity for value in values)
