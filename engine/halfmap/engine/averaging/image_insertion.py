"""What an extracted particle adds to an average: its stack's tilt images, or its volume (RELION: Reconstructor)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.on_cpu import Cores
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.ctf_volumes import read_ctf_volume
from halfmap.engine.formats.mrc import read_map, read_stack
from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.fourier.shells import PixelList
from halfmap.engine.fourier.transform import transform_images, transform_map
from halfmap.engine.imaging.ctf import ctf_values
from halfmap.engine.particles.particle import ParticleSet
from halfmap.engine.particles.pose import euler_to_matrix


@dataclass(frozen=True)
class ImageContents:
    """What is made of images and of the files of volumes.

    Parameters
    ----------
    correct_ctf
        Correct for the CTF (`--ctf`).
    normalised
        Volumes and CTF² are averages over tilt images instead of sums (`--normalised_subtomo`).
    ctf_squared
        CTF volumes of premultiplied data hold CTF²; otherwise they hold its root (`--ctf3d_not_squared`).
    """

    correct_ctf: bool
    normalised: bool = False
    ctf_squared: bool = True


@dataclass(frozen=True)
class Insertion:
    """What a particle adds to the sums.

    Parameters
    ----------
    matrices
        Pixel indices to the reference's, for each image.
    values
        What is added.
    phases
        By what values are multiplied, so that the particle comes to lie in the middle.
    weights
        What the values weigh.
    """

    matrices: Float64[np.ndarray, "images axes 3"]
    values: Complex64[np.ndarray, "images pixels"]
    phases: Complex64[np.ndarray, "images pixels"]
    weights: Float32[np.ndarray, "images pixels"]


def insertion_of(particles: ParticleSet, particle: int, pixels: PixelList, contents: ImageContents) -> Insertion:
    """Read a particle, weigh it by its CTF, and find the phases that bring it to the middle.

    Premultiplied images have been multiplied by their CTF already; their weight is its square.
    """
    optics = particles.optics_of(particle)
    frames = np.eye(3)[None] if particles.are_volumes else particles.tilt_rotations(particle)
    values, weights = (_volume if particles.are_volumes else _stack)(particles, particle, pixels, contents)
    values[:, pixels.radius == 0] = 0
    offset_px = particles.start.origin_angstrom[particle] / optics.pixel_size_angstrom
    axes = pixels.dimensions
    shifts = (frames @ offset_px)[:, :axes] / optics.box_px
    phases = np.exp(-2j * np.pi * (shifts @ pixels.frequencies.astype(np.float64))).astype(np.complex64)
    pose = euler_to_matrix(particles.start.angles_deg[particle])
    return Insertion((frames @ pose)[:, :axes], values.astype(np.complex64), phases, weights)


def _stack(
    particles: ParticleSet, particle: int, pixels: PixelList, contents: ImageContents
) -> tuple[Complex64[np.ndarray, "images pixels"], Float32[np.ndarray, "images pixels"]]:
    """Transforms of a particle's tilt images, and their weights."""
    values = pixels.take(transform_images(read_stack(particles.image_files[particle]).astype(np.float32)))
    if not contents.correct_ctf:
        return values, np.ones(values.shape, np.float32)
    optics = particles.optics_of(particle)
    fx, fy = pixels.kx / optics.extent_angstrom, pixels.ky / optics.extent_angstrom
    ctf = ctf_values(particles.ctf_of(particle), optics.microscope, fx, fy).astype(np.float32)
    return (values if optics.premultiplied else values * ctf), ctf**2


def _volume(
    particles: ParticleSet, particle: int, pixels: PixelList, contents: ImageContents
) -> tuple[Complex64[np.ndarray, "images pixels"], Float32[np.ndarray, "images pixels"]]:
    """Transform of a particle's volume, and its weights.

    Sums over tilt images are taken as they are; averages are multiplied by the multiplicity.
    """
    optics, file = particles.optics_of(particle), particles.ctf_files[particle]
    values = pixels.take(transform_map(read_map(particles.image_files[particle]).density)[None])
    weights = np.ones(values.shape, np.float32)
    if not (contents.correct_ctf or contents.normalised):
        return values, weights
    transfer = read_ctf_volume(file, optics.box_px)
    ctf = pixels.take(transfer.ctf[None])
    if contents.correct_ctf and optics.premultiplied:
        weights = np.abs(ctf) if contents.ctf_squared else ctf**2
    elif contents.correct_ctf:
        values, weights = values * ctf, ctf**2
    if contents.normalised:
        if transfer.multiplicity is None:
            raise BadInput(f"{file}: holds no multiplicity, which --normalised_subtomo needs; leave the option out.")
        multiplicity = pixels.take(transfer.multiplicity[None])
        values, weights = values * multiplicity, weights * multiplicity
    return values, weights


def insert(accumulator: Accumulator, insertion: Insertion, pixels: PixelList) -> None:
    """Spread a particle over the voxels."""
    matrices = (accumulator.geometry.padding * insertion.matrices[:, None]).astype(np.float32)
    Cores(1).insert_slices(
        accumulator,
        matrices,
        pixels,
        _as_pairs(insertion.phases)[:, None],
        np.ones(1, np.float32),
        _as_pairs(insertion.values),
        insertion.weights,
    )


def _as_pairs(values: Complex64[np.ndarray, "images pixels"]) -> Float32[np.ndarray, "images pixels 2"]:
    return np.ascontiguousarray(values).view(np.float32).reshape(*values.shape, 2)
