"""Slices of particles: what each tilt image adds to an average."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex64, Float32, Float64

from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.whitening import whitening_weights
from halfmap.engine.extraction.cutting import cut_transforms, visible_frames
from halfmap.engine.extraction.insertion import pixels_left
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.imaging.transfer import TransferByDepth

_MARGIN_PX = 1

Position = Float64[np.ndarray, "3"] | Float64[np.ndarray, "tilts 3"]


@dataclass(frozen=True)
class ParticleSlices:
    """A particle's images, ready to be added up.

    Parameters
    ----------
    pixels
        Real part, imaginary part and weight; rows centred, columns ≥ 0, with a margin of zeros.
    matrices
        From the reference to each image.
    """

    pixels: Float32[np.ndarray, "visible rows columns 3"]
    matrices: Float32[np.ndarray, "visible 3 3"]


@dataclass(frozen=True)
class SliceCutter:
    """Cuts particles out of one tilt series.

    Parameters
    ----------
    recording
        The tilt series.
    images
        Its images, protein dark.
    settings
        Options of the average.
    transfer
        Transfer functions.
    shares
        What data and weights are multiplied by besides: 0 for pixels that are not used, 1 or a whitening weight else.
    """

    recording: Recording
    images: Float32[np.ndarray, "tilts height width"]
    settings: AverageSettings
    transfer: TransferByDepth
    shares: Float32[np.ndarray, "tilts n half"]

    @classmethod
    def of_recording(cls, recording: Recording, settings: AverageSettings) -> "SliceCutter":
        """Read the images of a tilt series and compute what its particles share."""
        series = recording.series
        pixel = settings.binning * series.pixel_size_angstrom
        transfer = TransferByDepth.of_series(series.ctf, recording.microscope, settings.box_px, pixel)
        used = pixels_left(series.ctf, settings.cutting, series.pixel_size_angstrom, settings.dose_cutoff)
        images = recording.images()
        shares = used.astype(np.float32)
        if settings.whiten:
            shares *= whitening_weights(images, settings.box_px, settings.binning)
        return cls(recording, images, settings, transfer, shares)

    def visible(self, path_px: Position) -> Bool[np.ndarray, " tilts"]:
        """Tell which tilt images show a position, or the positions at each tilt."""
        return visible_frames(self.recording.series, path_px, self.recording.image_size_px, self.settings.visibility)

    def slices_of(
        self, position_px: Float64[np.ndarray, "3"], path_px: Position, rotation: Float64[np.ndarray, "3 3"]
    ) -> ParticleSlices:
        """Cut a particle out of the tilt images that show it, protein white, and weigh it.

        Parameters
        ----------
        position_px
            Position in tilt-series pixels from the tomogram's corner, at which the defocus is taken.
        path_px
            The same, or the positions at each tilt if the particle moves.
        rotation
            From the reference to the tomogram.
        """
        series, visible = self.recording.series, self.visible(path_px)
        projected = series.project_px(path_px, np.array(self.recording.image_size_px, float))[visible]
        transforms = -cut_transforms(self.images, np.flatnonzero(visible), projected, self.settings.cutting)
        weights = self.shares[visible]
        if self.settings.multiply_ctf:
            underfocus = series.ctf_at(position_px, visible).defocus_u_angstrom - series.ctf.defocus_u_angstrom[visible]
            transfer = self.transfer.at(underfocus, visible)
            transforms *= transfer
            weights *= transfer**2
        transforms *= self.shares[visible]
        return ParticleSlices(_laid_out(transforms, weights), (series.rotations[visible] @ rotation).astype(np.float32))


def _laid_out(
    transforms: Complex64[np.ndarray, "visible n half"], weights: Float32[np.ndarray, "visible n half"]
) -> Float32[np.ndarray, "visible rows columns 3"]:
    """Centre the rows of half-transforms, put data and weights side by side and a margin around them.

    The one pixel of the row n/2 that lies on the Nyquist circle is the conjugate of that of the row −n/2.
    """
    count, box, half = transforms.shape
    out = np.zeros((count, box + 1 + 2 * _MARGIN_PX, half + _MARGIN_PX, 3), np.float32)
    inner = out[:, _MARGIN_PX : _MARGIN_PX + box, :half]
    centred = np.roll(np.arange(box), box // 2)
    inner[..., 0] = transforms.real[:, centred]
    inner[..., 1] = transforms.imag[:, centred]
    inner[..., 2] = weights[:, centred]
    out[:, _MARGIN_PX + box, 0] = out[:, _MARGIN_PX, 0] * np.array([1, -1, 1], np.float32)
    return out
