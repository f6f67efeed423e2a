"""Where stacks of tilt images are read from: their files, memory, or copies on a scratch disc."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from halfmap.engine.formats.mrc import read_stack
from halfmap.engine.refinement.refinement import ImageSource


class FromFiles(ImageSource):
    """Reads each stack whenever it is needed.

    Parameters
    ----------
    files
        Stack of each particle.
    copies
        Copies that are read instead, by particle.
    """

    def __init__(self, files: Sequence[Path], copies: Mapping[int, Path] | None = None) -> None:
        self._files = files
        self._copies = copies or {}

    def read(self, particle: int) -> Float[np.ndarray, "tilts n n"]:
        """Read the stack of a particle."""
        return read_stack(self._copies.get(particle, self._files[particle]))


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

    def read(self, particle: int) -> Float[np.ndarray, "tilts n n"]:
        """Return the stack of a particle."""
        stack = self._stacks.get(particle)
        return self._source.read(particle) if stack is None else stack
