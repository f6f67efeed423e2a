"""What a particle file says, as far as it can be seen quickly: optics groups, half sets, and a sample of its images.

A file of 100,000 particles takes about a second; nothing but the columns that are needed is looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_OPTICS, _PARTICLES = "data_optics", "data_particles"
_SAMPLE = 24


class BadParticleFile(Exception):
    """A particle file that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class SampledImage:
    """One particle's image file, its optics group, and how many tilt images are visible; None where it is not told."""

    file: str
    optics_group: str
    visible: int | None


@dataclass(frozen=True, slots=True)
class ParticleFile:
    """What was found.

    Attributes
    ----------
    optics
        Values of each optics group by its number.
    half_sets
        How many particles have each value of rlnRandomSubset; empty without that column.
    sample
        Some particles, spread over the file.
    """

    particles: int
    optics: Mapping[str, Mapping[str, str]]
    half_sets: Mapping[str, int] = field(default_factory=dict)
    sample: tuple[SampledImage, ...] = ()


def read_particle_file(path: Path, told_as: str) -> ParticleFile:
    """Read a particle file.

    Raises
    ------
    BadParticleFile
        If it is not there, or has no particles.
    """
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            return _scan(file, told_as)
    except FileNotFoundError:
        raise BadParticleFile(f"{told_as}: does not exist.") from None
    except OSError as error:
        raise BadParticleFile(f"{told_as}: cannot be read ({error.strerror}).") from None


def _scan(lines: Iterator[str], told_as: str) -> ParticleFile:
    optics: dict[str, dict[str, str]] = {}
    half_sets: dict[str, int] = {}
    images: list[tuple[str, str, str]] = []
    for table, columns, words in _rows(lines):
        if table == _OPTICS:
            values = dict(zip(columns, words, strict=False))
            optics[values.get("rlnOpticsGroup", "")] = values
        elif table == _PARTICLES:
            images.append(_image(columns, words, told_as))
            place = columns.get("rlnRandomSubset")
            if place is not None:
                half_sets[words[place]] = half_sets.get(words[place], 0) + 1
    if not images:
        raise BadParticleFile(f"{told_as}: has no particles.")
    step = max(1, len(images) // _SAMPLE)
    sample = tuple(SampledImage(file, group, _visible(frames)) for file, group, frames in images[::step][:_SAMPLE])
    return ParticleFile(len(images), optics, half_sets, sample)


def _rows(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, int], list[str]]]:
    """Give the rows of all loops: table, place of each label, words."""
    table, columns = "", dict[str, int]()
    for line in lines:
        if line.startswith("data_"):
            table, columns = line.strip(), {}
        elif line.startswith("_"):
            columns[line.split(maxsplit=1)[0][1:]] = len(columns)
        elif columns and table in (_OPTICS, _PARTICLES) and not line.startswith(("#", "loop_")):
            words = line.split()
            if len(words) == len(columns):
                yield table, columns, words


def _image(columns: Mapping[str, int], words: list[str], told_as: str) -> tuple[str, str, str]:
    if "rlnImageName" not in columns:
        raise BadParticleFile(f"{told_as}: has no column rlnImageName; extract the particles first.")
    group, frames = columns.get("rlnOpticsGroup"), columns.get("rlnTomoVisibleFrames")
    return (
        words[columns["rlnImageName"]],
        "1" if group is None else words[group],
        "" if frames is None else words[frames],
    )


def _visible(frames: str) -> int | None:
    return frames.count("1") if frames.startswith("[") else None
