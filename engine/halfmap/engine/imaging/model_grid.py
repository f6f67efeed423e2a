"""The grid on which references and spectra live."""

from dataclasses import dataclass

from halfmap.engine.particles.optics import OpticsGroup


@dataclass(frozen=True)
class ModelGrid:
    """The grid of the reference and of all spectra.

    Parameters
    ----------
    box_px
        Box size.
    pixel_size_angstrom
        Pixel size.
    """

    box_px: int
    pixel_size_angstrom: float

    @property
    def extent_angstrom(self) -> float:
        """Edge of the box in Å; shell s is the frequency s/extent."""
        return self.box_px * self.pixel_size_angstrom

    @property
    def shells(self) -> int:
        """Number of shells 0 … n/2."""
        return self.box_px // 2 + 1

    def shells_per_image_shell(self, optics: OpticsGroup) -> float:
        """Model shells per shell of an optics group's images (RELION: remap_image_sizes)."""
        return self.extent_angstrom / optics.extent_angstrom
