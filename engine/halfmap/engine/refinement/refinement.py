"""A refinement: everything that stays the same from its first iteration to its last."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from halfmap.engine.arrays import Array, on_host
from halfmap.engine.backend.interface import Backend
from halfmap.engine.fourier.shells import round_half_away
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.particle_images import ParticleImages, load_images, noise_images, noise_multiplicity
from halfmap.engine.imaging.volumes import ParticleVolume, load_volume, whole_voxels
from halfmap.engine.particles.particle import Assignments, ParticleSet
from halfmap.engine.ranks.communicator import Communicator
from halfmap.engine.refinement.observer import Observer
from halfmap.engine.refinement.settings import Settings
from halfmap.engine.sampling.symmetry import PointGroup


class ImageSource(ABC):
    """Where the stacks of tilt images come from."""

    @abstractmethod
    def read(self, particle: int) -> Float[np.ndarray, "tilts n n"] | ParticleVolume:
        """Read the stack of a particle, in the precision in which it is stored, or its volume and CTF."""


@dataclass(frozen=True)
class WhereItComputes(ImageSource):
    """Stacks where a backend computes.

    Parameters
    ----------
    source
        Where they are read from.
    backend
        What keeps them, if there is room.
    """

    source: ImageSource
    backend: Backend

    def read(self, particle: int) -> Float[Array, "tilts n n"]:
        """Give the stack of a particle."""
        return self.backend.stack(particle, self._stack)

    def _stack(self, particle: int) -> Float[np.ndarray, "tilts n n"]:
        read = self.source.read(particle)
        assert not isinstance(read, ParticleVolume)
        return read


class SumsExchange(ABC):
    """How the sums of a half's workers are added up."""

    @abstractmethod
    def add_up(self, communicator: Communicator, half: int, arrays: Sequence[np.ndarray]) -> None:
        """Add up arrays over the workers of a half, in place; the captain holds the total afterwards."""


@dataclass(frozen=True)
class Refinement:
    """What a refinement works with.

    Parameters
    ----------
    particles
        All particles, half sets assigned.
    grid
        Model grid.
    group
        Point group.
    settings
        All settings.
    backend, communicator, source, exchange, observer
        What computes, who works together, where images come from, how sums are combined, who is told.
    solvent_mask
        Multiplies the reference; also the mask of the solvent-corrected FSC.
    has_user_mask
        The solvent mask was given, not made from the particle diameter.
    """

    particles: ParticleSet
    grid: ModelGrid
    group: PointGroup
    settings: Settings
    backend: Backend
    communicator: Communicator
    source: ImageSource
    exchange: SumsExchange
    observer: Observer
    solvent_mask: Float32[np.ndarray, "n n n"]
    has_user_mask: bool

    @cached_property
    def members(self) -> dict[int, Int64[np.ndarray, " members"]]:
        """Particles of each half set."""
        return {half: self.particles.members(half) for half in (1, 2)}

    def particles_per_group(self, half: int) -> Float64[np.ndarray, " groups"]:
        """Particles of a half by scale group."""
        index = self.particles.scale_group_index[self.members[half]]
        return np.bincount(index, minlength=len(self.particles.scale_groups)).astype(np.float64)

    def aligned(self, done: int, total: int) -> None:
        """Tell the observer how many particles the expectation has done."""
        self.observer.phase("expectation", done, total)

    def load(
        self,
        particle: int,
        sigma2: Float64[np.ndarray, "optics shells"] | None,
        assignments: Assignments | None = None,
    ) -> ParticleImages:
        """Read, mask and transform a particle's images.

        Parameters
        ----------
        particle
            Which one.
        sigma2
            Noise spectra, needed where images fade into noise.
        assignments
            Current poses, by which volumes are moved to the centre of the mask; by default those at the start.
        """
        settings, optics = self.settings.images, self.particles.optics_of(particle)
        read = self.source.read(particle)
        if isinstance(read, ParticleVolume):
            origin = (assignments or self.particles.start).origin_angstrom[particle]
            return load_volume(read, whole_voxels(origin, optics), optics, self.grid, settings)
        stack = read.astype(np.float32, copy=False)
        rotations, ctf = self.particles.tilt_rotations(particle), self.particles.ctf_of(particle)
        multiplicity, noise = noise_multiplicity(stack, optics, ctf, settings), None
        if not settings.zero_mask and sigma2 is not None:
            spectrum = sigma2[self.particles.optics_index[particle]]
            known = None if multiplicity is None else on_host(multiplicity)
            noise = noise_images(spectrum, optics, self.grid, len(stack), self.settings.seed + particle, known)
        return load_images(stack, optics, self.grid, rotations, ctf, settings, noise, multiplicity)

    def search_centre_angstrom(self, assignments: Assignments, particle: int) -> Float64[np.ndarray, "3"]:
        """Offset around which a particle is searched.

        Differs from RELION: its vectorised and GPU code rounds it to whole pixels, which loses the best offset once the
        search range is shorter than a pixel; the quirk does the same. Volumes are searched as RELION does: around where
        they have been moved to.
        """
        origin = assignments.origin_angstrom[particle]
        if not (self.settings.quirks.rounded_origins or self.particles.are_volumes):
            return origin
        pixel = self.particles.optics_of(particle).pixel_size_angstrom
        return round_half_away(origin / pixel) * pixel
