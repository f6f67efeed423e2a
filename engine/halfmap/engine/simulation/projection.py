"""Tilt images of particles: blobs are projected as formulas into a window around each particle.

Windows are computed in Fourier space, where the transform of a projection of Gaussians is a sum of plane waves times
one envelope, and where the CTF acts.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Complex64, Float32, Float64, Int64

from halfmap.engine.fourier.masks import distances
from halfmap.engine.fourier.shells import radii, round_half_away
from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.imaging.transfer import transfer_functions
from halfmap.engine.particles.tilt_series import TiltSeries
from halfmap.engine.simulation.phantom import Phantom, plane_waves


@dataclass(frozen=True)
class Window:
    """Where the window of a particle lies in each tilt image.

    Parameters
    ----------
    corner_px
        First pixel, x and y.
    rest_px
        Position of the particle's centre less the window's centre, pixel n/2; half a pixel at most.
    """

    corner_px: Int64[np.ndarray, "tilts 2"]
    rest_px: Float64[np.ndarray, "tilts 2"]

    @classmethod
    def around(cls, projected_px: Float64[np.ndarray, "tilts 2"], size_px: int) -> "Window":
        """Lay windows around projected positions."""
        nearest = round_half_away(projected_px)
        return cls(nearest - size_px // 2, projected_px - nearest)


def project(
    phantom: Phantom,
    rotations: Float64[np.ndarray, "tilts 3 3"],
    rest_px: Float64[np.ndarray, "tilts 2"],
    size_px: int,
    pixel_size_angstrom: float,
) -> Complex64[np.ndarray, "tilts n half"]:
    """Transform projections of a phantom; what is projected is the sum of density over pixels along the beam.

    Parameters
    ----------
    phantom
        The particle.
    rotations
        From its own to image coordinates.
    rest_px
        Where its centre lies, relative to pixel n/2.
    size_px
        Even size of the images.
    pixel_size_angstrom
        Pixel size.

    Returns
    -------
    Half-transforms divided by n², the origin at pixel n/2, zero from the Nyquist frequency on.
    """
    turned = np.einsum("fij,bj->fib", rotations[:, :2], phantom.positions_angstrom) / pixel_size_angstrom
    waves = plane_waves(turned + rest_px[:, :, None], size_px).astype(np.complex64)
    half = size_px // 2 + 1
    along_y = np.swapaxes(waves[:, 1] * phantom.weights.astype(np.float32)[:, None], 1, 2)
    total = along_y @ waves[:, 0, :, :half]
    radius = radii(size_px, 2)
    envelope = phantom.envelope(radius / (size_px * pixel_size_angstrom)) * (radius < size_px // 2)
    return total * (envelope / (size_px**2 * pixel_size_angstrom**3)).astype(np.float32)


@dataclass(frozen=True)
class Camera:
    """Takes tilt images of particles.

    Parameters
    ----------
    series
        Geometry and imaging conditions.
    microscope
        Constants of the CTF.
    image_size_px
        Edge of the square tilt images.
    window_px
        Even size of the window into which a particle is projected: its diameter and what the CTF spreads.
    """

    series: TiltSeries
    microscope: Microscope
    image_size_px: int
    window_px: int

    def particle(
        self, phantom: Phantom, position_px: Float64[np.ndarray, "3"], rotation: Float64[np.ndarray, "3 3"]
    ) -> tuple[Window, Float32[np.ndarray, "tilts n n"]]:
        """Image one particle, dark on bright as tilt images are; CTF and dose are those at its depth."""
        series = self.series
        projected = series.project_px(position_px, np.full(2, float(self.image_size_px)))
        window = Window.around(projected, self.window_px)
        transform = project(
            phantom, series.rotations @ rotation, window.rest_px, self.window_px, series.pixel_size_angstrom
        )
        ctf = series.ctf_at(position_px, np.ones(series.tilts, bool))
        transform *= -transfer_functions(ctf, self.microscope, self.window_px, series.pixel_size_angstrom)
        shape = (self.window_px, self.window_px)
        images = scipy.fft.irfft2(transform, s=shape, norm="forward")
        return window, scipy.fft.fftshift(images, axes=(1, 2))


def add_windows(
    images: Float32[np.ndarray, "tilts size size"], window: Window, contents: Float32[np.ndarray, "tilts n n"]
) -> None:
    """Add a particle's windows to its tilt images, in place; what lies outside of the images is lost."""
    size, width = images.shape[1], contents.shape[1]
    first, last = np.maximum(window.corner_px, 0), np.minimum(window.corner_px + width, size)
    for tilt in np.flatnonzero((last > first).all(axis=1)):
        (x0, y0), (x1, y1), (cx, cy) = first[tilt], last[tilt], window.corner_px[tilt]
        images[tilt, y0:y1, x0:x1] += contents[tilt, y0 - cy : y1 - cy, x0 - cx : x1 - cx]


def signal_variance(contents: Float32[np.ndarray, "tilts n n"], diameter_px: float) -> float:
    """Variance of a particle's images within its circle, averaged over tilts."""
    inside = contents[:, distances(contents.shape[1], 2) <= diameter_px / 2]
    return float(inside.var(axis=1).mean())
