"""The tilt images of one particle, or its volume, ready to be compared with slices of a reference."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Complex64, Float32, Float64, Int64

from halfmap.engine.arrays import Array
from halfmap.engine.fourier.shells import PixelList


@dataclass(frozen=True)
class TiltImages:
    """Pixels of a particle's tilt images within a Fourier window, and how the model predicts them.

    The model of image f at pixel k is ``scale · ctf · slice``, the slice being read at ``geometry · (kx, ky)``. The
    volume of a pseudo-subtomogram stands here as a single image, whose pixels have a kz too.

    Parameters
    ----------
    pixels
        The pixels.
    rotations
        Rotation from the subtomogram frame to each image.
    geometry
        Rotation times padding and the ratio of the grids: pixel indices to voxels of the padded reference.
    masked, unmasked
        Transforms of the masked and unmasked images; pose comparisons see the first, reconstructions the second.
    ctf
        CTF, or its square where the images are premultiplied.
    inverse_sigma2
         1/σ² of the noise per component, the origin included.
    shells
        Shell of each pixel on the model's grid.
    first_shell
        Shells below this one play no part in comparisons.
    back_projects
        Pixels that a reconstruction receives.
    scale
        Intensity scale of the particle's group.
    premultiplied
        The images carry their CTF already.
    inverse_multiplicity
        1/m, where the variance of a pixel is m·σ² and not σ²; 0 for pixels that say nothing. None if m is 1 everywhere.
        Comparisons are weighted with it; a reconstruction, a sum over Y = C·X with weights C², has it in Y and C².
    """

    pixels: PixelList
    rotations: Float64[np.ndarray, "tilts 3 3"]
    geometry: Float64[np.ndarray, "tilts axes 3"]
    masked: Complex64[Array, "tilts pixels"]
    unmasked: Complex64[Array, "tilts pixels"]
    ctf: Float32[Array, "tilts pixels"]
    inverse_sigma2: Float32[Array, " pixels"]
    shells: Int64[Array, " pixels"]
    first_shell: int
    back_projects: Bool[Array, " pixels"]
    scale: float
    premultiplied: bool
    inverse_multiplicity: Float32[Array, "tilts pixels"] | None = None

    @property
    def scoring_weight(self) -> Float32[Array, "*tilts pixels"]:
        """Inverse variance of the pixels that play a part in comparisons; the origin does not."""
        weight = np.where(self.shells < max(self.first_shell, 1), np.float32(0), self.inverse_sigma2)
        return weight if self.inverse_multiplicity is None else weight * self.inverse_multiplicity

    @property
    def weighted(self) -> Complex64[Array, "tilts pixels"]:
        """Images times what the cross term of the log-likelihood multiplies them by."""
        factor = np.float32(self.scale) * self.ctf * self.scoring_weight
        return factor * self.masked

    @property
    def half_power_weight(self) -> Float32[Array, "tilts pixels"]:
        """Half of what the log-likelihood multiplies the power of a slice by."""
        return np.float32(0.5 * self.scale**2) * self.ctf**2 * self.scoring_weight

    @property
    def back_projected(self) -> Complex64[Array, "tilts pixels"]:
        """Images times their weight in a reconstruction; premultiplied ones carry their CTF already."""
        if self.premultiplied:
            return self.inverse_sigma2 * self.unmasked
        return np.float32(self.scale) * self.ctf * self.inverse_sigma2 * self.unmasked

    @property
    def back_projected_weight(self) -> Float32[Array, "tilts pixels"]:
        """Weight in a reconstruction."""
        weight = np.where(self.back_projects, self.inverse_sigma2, np.float32(0))
        if self.premultiplied:
            return np.float32(self.scale) * self.ctf * weight
        return np.float32(self.scale**2) * self.ctf**2 * weight

    def on(self, put: Callable[[np.ndarray], Array]) -> "TiltImages":
        """Copy what there is by pixel to a device."""
        by_pixel = ["masked", "unmasked", "ctf", "inverse_sigma2", "shells", "back_projects"]
        if self.inverse_multiplicity is not None:
            by_pixel.append("inverse_multiplicity")
        return replace(self, **{name: put(getattr(self, name)) for name in by_pixel})

    def some(self, tilts: Bool[np.ndarray, " tilts"]) -> "TiltImages":
        """Keep some of the tilt images."""
        inverse = self.inverse_multiplicity
        return replace(
            self,
            rotations=self.rotations[tilts],
            geometry=self.geometry[tilts],
            masked=self.masked[tilts],
            unmasked=self.unmasked[tilts],
            ctf=self.ctf[tilts],
            inverse_multiplicity=None if inverse is None else inverse[tilts],
        )

    def shifts(self, offsets_px: Float64[np.ndarray, "offsets 3"]) -> Float64[np.ndarray, "offsets tilts axes"]:
        """Shift of each image for offsets in the subtomogram frame, in pixels over the box size."""
        axes = self.rotations[:, : self.pixels.dimensions]
        return np.einsum("fij,tj->tfi", axes, offsets_px) / self.pixels.box_px
