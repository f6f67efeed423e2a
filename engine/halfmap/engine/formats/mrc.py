"""MRC maps and stacks, through the mrcfile package, with RELION's header conventions."""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
from jaxtyping import Float, Float32

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.whole_file import written_whole

# a header holds float32: 8.1 comes back as 8.1000004
_PIXEL_SIZE_DECIMALS = 5
_SHORT = np.dtype(np.float16)

SAME_PIXEL_SIZE_ANGSTROM = 0.001


@dataclass(frozen=True)
class DensityMap:
    """A cubic map.

    Parameters
    ----------
    density
        Values; the centre is voxel n/2.
    pixel_size_angstrom
        Edge of a voxel; 0 where the header does not tell.
    """

    density: Float32[np.ndarray, "n n n"]
    pixel_size_angstrom: float

    @property
    def box_px(self) -> int:
        """Edge in voxels."""
        return int(self.density.shape[0])


def _opened(path: Path, header_only: bool = False) -> mrcfile.mrcfile.MrcFile:
    if not path.exists():
        raise BadInput(
            f"{path}: does not exist. Paths are relative to the project directory, from which the program is started."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return mrcfile.open(path, mode="r", permissive=False, header_only=header_only)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{path}: not a readable MRC file ({reason}); it may be cut short.") from error


def read_array(path: Path) -> Float32[np.ndarray, "*shape"]:
    """Read whatever a file holds in single precision."""
    with _opened(path) as mrc:
        return np.array(mrc.data, np.float32)


def read_map(path: Path) -> DensityMap:
    """Read a cubic map with an even box of finite values.

    Raises
    ------
    BadInput
        Naming the file and what is wrong with it.
    """
    with _opened(path) as mrc:
        density, pixel_size = np.array(mrc.data, np.float32), round(float(mrc.voxel_size.x), _PIXEL_SIZE_DECIMALS)
    if density.ndim != 3 or len(set(density.shape)) != 1:
        raise BadInput(f"{path}: is {' × '.join(map(str, density.shape[::-1]))}; a cubic map was expected.")
    if density.shape[0] % 2:
        raise BadInput(f"{path}: the box of {density.shape[0]} px is odd; crop or pad the map to an even box.")
    if not np.isfinite(density).all():
        raise BadInput(f"{path}: {np.count_nonzero(~np.isfinite(density))} voxels are NaN or infinite.")
    return DensityMap(density, pixel_size)


def write_map(path: Path, density: Float[np.ndarray, "n n n"], pixel_size_angstrom: float) -> None:
    """Write a map as RELION writes it: float32, ISPG 0, origin 0, one label."""
    with written_whole(path) as temporary:
        _write(temporary, density.astype(np.float32), pixel_size_angstrom, pixel_size_angstrom)


def write_stack(path: Path, images: Float[np.ndarray, "images n n"], pixel_size_angstrom: float) -> None:
    """Write a stack of images in their own precision (float16 or float32), spacing 1 along the stack."""
    with written_whole(path) as temporary:
        _write(temporary, images, pixel_size_angstrom, 1.0)


def write_volume(path: Path, values: Float[np.ndarray, "z y x"], pixel_size: float) -> None:
    """Write a volume of any shape in its own precision; `pixel_size` in the unit that its axes have."""
    with written_whole(path) as temporary:
        _write(temporary, values, pixel_size, pixel_size)


def _write(path: Path, data: np.ndarray, pixel_size: float, spacing: float) -> None:
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(data)
        mrc.header.ispg = 0
        mrc.header.mz = data.shape[0]
        mrc.voxel_size = (pixel_size, pixel_size, spacing)
        mrc.header.nlabl = 1
        mrc.header.label = b""
        mrc.header.label[0] = f"halfmap   {time.strftime('%d-%b-%y  %H:%M:%S')}".ljust(80).encode()


@dataclass(frozen=True)
class StackHeader:
    """What the header of a stack tells.

    Parameters
    ----------
    images, height_px, width_px
        Shape.
    """

    images: int
    height_px: int
    width_px: int


def read_stack_header(path: Path) -> StackHeader:
    """Read the shape of a stack and check that the file is as long as it says."""
    with _opened(path, header_only=True) as mrc:
        header = mrc.header
        shape = StackHeader(int(header.nz), int(header.ny), int(header.nx))
        dtype = mrcfile.utils.data_dtype_from_header(header)
        expected = 1024 + int(header.nsymbt) + dtype.itemsize * shape.images * shape.height_px * shape.width_px
    actual = path.stat().st_size
    if actual < expected:
        raise BadInput(f"{path}: {actual} bytes, but its header asks for {expected}; the stack is cut short.")
    return shape


def read_stack(path: Path) -> Float[np.ndarray, "images height width"]:
    """Read a whole stack; refuse values that are not finite and images that are all zero.

    Returns
    -------
    float16 where the file holds that, so that it takes no more room than in the file; float32 otherwise.
    """
    with _opened(path) as mrc:
        images = np.array(mrc.data, _SHORT if mrc.data.dtype == _SHORT else np.float32)
    images = images[None] if images.ndim == 2 else images
    if not np.isfinite(images).all():
        bad = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2)))[0]
        raise BadInput(f"{path}: image {bad + 1} holds NaN or infinite values; extract this particle again.")
    if not images.any(axis=(1, 2)).all():
        bad = np.flatnonzero(~images.any(axis=(1, 2)))[0]
        raise BadInput(
            f"{path}: image {bad + 1} is zero everywhere; extract this particle again, without the tilt image if it is "
            f"blank, or leave the particle out."
        )
    return images
