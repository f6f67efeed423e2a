"""Optics groups: what the images of a set of particles share."""

from dataclasses import dataclass

from halfmap.engine.imaging.ctf import Microscope


@dataclass(frozen=True)
class OpticsGroup:
    """One optics group.

    Parameters
    ----------
    number
        `rlnOpticsGroup` in the particle file.
    name
        `rlnOpticsGroupName`.
    microscope
        Constants of the CTF.
    pixel_size_angstrom
        Pixel size of the images.
    box_px
        Box size of the images.
    premultiplied
        The images have been multiplied by their CTF.
    dimensions
        2 for stacks of tilt images, 3 for volumes.
    """

    number: int
    name: str
    microscope: Microscope
    pixel_size_angstrom: float
    box_px: int
    premultiplied: bool
    dimensions: int = 2

    @property
    def extent_angstrom(self) -> float:
        """Edge of the box in Å."""
        return self.box_px * self.pixel_size_angstrom
