"""Where stacks of tilt images, or volumes, are read from: their files, memory, or copies on a scratch disc."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from halfmap.engine.formats.ctf_volumes import read_volume
from halfmap.engine.formats.mrc import read_stack
from halfmap.engine.imaging.volumes import ParticleVolume
from halfmap.engine.refinement.refinement import ImageSource


class FromFiles(ImageSource):
    """Reads each stack, or volume with its CTF volume, whenever it is needed.

    Parameters
    ----------
    files
        Stack of each particle, or volume of each and then CTF volume of each.
    copies
        Copies that are read instead, by place in `files`.
    boxes_px
        Box size of each volume; none for stacks.
    """

    def __init__(
        self, files: Sequence[Path], copies: Mapping[int, Path] | None = None, boxes_px: Sequence[int] = ()
    ) -> None:
        self._files = files
        self._copies = copies or {}
        self._boxes_px = boxes_px

    def read(self, particle: int) -> Float[np.ndarray, "tilts n n"] | ParticleVolume:
        """Read the stack or the volume of a particle."""
        if not self._boxes_px:
            return read_stack(self._file(particle))
        ctf = self._file(len(self._boxes_px) + particle)
        return read_volume(self._file(particle), ctf, self._boxes_px[particle])

    def _file(self, place: int) -> Path:
        return self._copies.get(place, self._files[place])


class FromMemory(ImageSource):
    """Keeps the stacks of some particles in memory, in the precision of their files (`--preread_images`).

    Parameters
    ----------
    source
        Where they are read from once; others are read from there each time.
    particles
        Particles that are kept.
    """

    def __init__(self, source: ImageSource, particles: Iterable[int]) -> None:
        self._source = source
        self._stacks = {particle: source.read(particle) for particle in particles}

    def read(self, particle: int) -> Float[np.ndarray, "tilts n n"] | ParticleVolume:
        """Return the stack or the volume of a particle."""
        stack = self._stacks.get(particle)
        return self._source.read(particle) if stack is None else stack
