"""Shells and pixel lists of half-transforms.

A half-transform of an n² image (n³ volume) has shape (n, n/2+1) ((n, n, n/2+1)): last axis kx ≥ 0, the others in FFT
order with the Nyquist frequency at +n/2. The shell of a pixel is its radius rounded half away from zero.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64, Num

from halfmap.engine.arrays import Array, beside


def round_half_away(value: Num[np.ndarray, "*n"]) -> Int64[np.ndarray, "*n"]:
    """Round to the nearest integer, halves away from zero (RELION: ROUND; NumPy rounds halves to even)."""
    return np.where(value > 0, np.floor(value + 0.5), np.ceil(value - 0.5)).astype(np.int64)


def round_scalar(value: float) -> int:
    """Round one number half away from zero (RELION: ROUND)."""
    return int(round_half_away(np.array(value, np.float64)))


@cache
def frequencies(box_px: int) -> Int64[np.ndarray, " n"]:
    """Frequency index of each row of an FFT of an even length, Nyquist at +n/2."""
    rows = np.arange(box_px)
    rows[box_px // 2 + 1 :] -= box_px
    rows.setflags(write=False)
    return rows


@cache
def radii(box_px: int, dimensions: int) -> Float64[np.ndarray, "*half"]:
    """Radius of each pixel of a half-transform, in shells."""
    full = frequencies(box_px).astype(np.float64)
    axes = [full] * (dimensions - 1) + [np.arange(box_px // 2 + 1, dtype=np.float64)]
    squares = np.meshgrid(*(a**2 for a in axes), indexing="ij", sparse=True)
    radius = np.sqrt(sum(squares[1:], squares[0]))
    radius.setflags(write=False)
    return radius


@cache
def shell_indices(box_px: int, dimensions: int) -> Int64[np.ndarray, "*half"]:
    """Shell of each pixel of a half-transform."""
    shells = round_half_away(radii(box_px, dimensions))
    shells.setflags(write=False)
    return shells


@cache
def counted_once(box_px: int, dimensions: int) -> Bool[np.ndarray, "*half"]:
    """Mark one pixel of each Hermitian pair: at kx = 0 only ky ≥ 0 and, in a volume, at kx = ky = 0 only kz ≥ 0.

    In a volume's plane kx = 0 pairs at the Nyquist frequency of y, beyond the largest shell, are marked twice.
    """
    once = np.ones((box_px,) * (dimensions - 1) + (box_px // 2 + 1,), bool)
    below = frequencies(box_px) < 0
    once[..., below, 0] = False
    if dimensions == 3:
        once[below, 0, 0] = False
    once.setflags(write=False)
    return once


def shell_sums(
    values: Num[np.ndarray, " n"], shells: Int64[np.ndarray, " n"], shell_count: int
) -> Float64[np.ndarray, " shells"]:
    """Add up values by shell; shells beyond the last are left out."""
    inside = (shells >= 0) & (shells < shell_count)
    return np.bincount(shells[inside], weights=values[inside], minlength=shell_count)[:shell_count]


def shell_means(
    values: Num[np.ndarray, " n"], shells: Int64[np.ndarray, " n"], shell_count: int
) -> Float64[np.ndarray, " shells"]:
    """Average values by shell; 0 where a shell is empty."""
    counts = shell_sums(np.ones(len(shells)), shells, shell_count)
    return shell_sums(values, shells, shell_count) / np.maximum(counts, 1)


@dataclass(frozen=True)
class PixelList:
    """Pixels of the half-transform of an image, or of a volume, that a computation visits.

    Parameters
    ----------
    box_px
        Box size.
    kx, ky, kz
        Frequency indices; images have no kz.
    """

    box_px: int
    kx: Int32[np.ndarray, " pixels"]
    ky: Int32[np.ndarray, " pixels"]
    kz: Int32[np.ndarray, " pixels"] | None = None

    @property
    def dimensions(self) -> int:
        """2 for images, 3 for volumes."""
        return 2 if self.kz is None else 3

    @property
    def frequencies(self) -> Int32[np.ndarray, "axes pixels"]:
        """Frequency indices along x, y and, in volumes, z."""
        return np.stack([self.kx, self.ky] if self.kz is None else [self.kx, self.ky, self.kz])

    @property
    def index(self) -> Int64[np.ndarray, " pixels"]:
        """Positions in the flattened half-transform."""
        row = self.ky.astype(np.int64) % self.box_px
        if self.kz is not None:
            row += self.kz.astype(np.int64) % self.box_px * self.box_px
        return row * (self.box_px // 2 + 1) + self.kx

    @property
    def radius(self) -> Float64[np.ndarray, " pixels"]:
        """Radii in shells of the image or volume."""
        flat = np.hypot(self.kx, self.ky)
        return flat if self.kz is None else np.hypot(flat, self.kz)

    def part(self, which: slice) -> "PixelList":
        """Give a stretch of the list."""
        if which == slice(None):
            return self
        kz = None if self.kz is None else self.kz[which]
        return PixelList(self.box_px, self.kx[which], self.ky[which], kz)

    def take(self, half_transforms: Num[Array, "images *half"]) -> Num[Array, "images pixels"]:
        """Pick the list's pixels out of half-transforms."""
        return half_transforms.reshape(len(half_transforms), -1)[:, beside(self.index, half_transforms)]


@cache
def disc(box_px: int, image_size_px: int, reach: float, dimensions: int = 2) -> PixelList:
    """List each Hermitian pair once within a radius of `reach` shells, the origin first.

    Parameters
    ----------
    box_px
        Box size.
    image_size_px
        Size of the Fourier window; rows beyond it are left out.
    reach
        Largest radius in shells of the image.
    dimensions
        3 for a volume, whose list is a ball.
    """
    inside = radii(box_px, dimensions) <= reach
    keep = counted_once(box_px, dimensions) & inside & _in_window(box_px, image_size_px, dimensions)
    return _pixel_list(box_px, keep)


def inside_rows(pixels: PixelList, image_size_px: int) -> Bool[np.ndarray, " pixels"]:
    """Mark the pixels of a disc that a reconstruction receives: those before the last one of each row.

    Notes
    -----
    This is where RELION's program for cores ends its rows (backprojectRef3D); its program for cards takes them whole.
    The two outermost shells of a half map, and so their FSC, depend on it. Volumes are taken whole.
    """
    if pixels.dimensions == 3:
        return np.ones(len(pixels.kx), bool)
    last = np.floor(np.sqrt(np.maximum((image_size_px // 2) ** 2 - pixels.ky.astype(np.float64) ** 2, 0)))
    return pixels.kx < last


@cache
def window(box_px: int, image_size_px: int, dimensions: int = 2) -> PixelList:
    """List every pixel of the half-transform windowed to a size, corners and redundant rows included."""
    return _pixel_list(box_px, _in_window(box_px, image_size_px, dimensions))


def _in_window(box_px: int, image_size_px: int, dimensions: int) -> Bool[np.ndarray, "*half"]:
    half = image_size_px // 2
    rows = (frequencies(box_px) > -half) & (frequencies(box_px) <= half)
    inside = rows[:, None] & (np.arange(box_px // 2 + 1) <= half)
    return inside if dimensions == 2 else rows[:, None, None] & inside


def _pixel_list(box_px: int, keep: Bool[np.ndarray, "*half"]) -> PixelList:
    *rows, column = np.nonzero(keep)
    *kz, ky = (frequencies(box_px)[row].astype(np.int32) for row in rows)
    return PixelList(box_px, column.astype(np.int32), ky, *kz)
