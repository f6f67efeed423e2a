"""What a simulation is made of: every choice declared once, with its unit and its help."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from halfmap.engine.errors import BadInput
from halfmap.engine.sampling.symmetry import PointGroup

_SPACING_OF_DIAMETERS = 0.75
_COVERED = 0.4


def _choice(default: Any, explanation: str, unit: str = "") -> Any:
    """Declare a setting; `unit` is that of the number, where it has one."""
    return field(default=default, metadata={"help": explanation, "unit": unit})


@dataclass(frozen=True)
class SimulationSettings:
    """A simulated project.

    The fields' metadata hold what each one means (`help`) and its unit (`unit`). Where a help text says so, 0 stands
    for a value that follows from the others.

    Raises
    ------
    BadInput
        With all problems at once, if the settings do not fit together.
    """

    particles: int = _choice(120, "particles of all tomograms together")
    tomograms: int = _choice(2, "tilt series")
    symmetry: str = _choice("C6", "point group of the particle")
    diameter_angstrom: float = _choice(180.0, "diameter of a sphere around the particle, solvent included", "Å")
    blob_sigma_angstrom: float = _choice(0.0, "width of the phantom's Gaussians (sd); 0: half a pixel", "Å")
    spacing_angstrom: float = _choice(0.0, "least distance between particles; 0: three quarters of the diameter", "Å")
    sphere_radius_angstrom: float = _choice(0.0, "of the shell that particles stand on; 0: what they need", "Å")
    box_px: int = _choice(32, "box of the extracted images", "px")
    pixel_size_angstrom: float = _choice(8.0, "of tilt images and particles", "Å")
    extraction_box_px: int = _choice(0, "box in which the CTF is applied; 0: twice the box", "px")
    image_size_px: int = _choice(0, "edge of the tilt images; 0: room for all particles in all images", "px")
    tilt_range_deg: float = _choice(54.0, "largest tilt", "°")
    tilt_step_deg: float = _choice(6.0, "between neighbouring tilts", "°")
    tilt_axis_deg: float = _choice(85.0, "rotation of the tilt axis in the images", "°")
    dose_per_tilt: float = _choice(3.0, "exposure of each image", "e/Å²")
    defocus_min_angstrom: float = _choice(25000.0, "smallest defocus of a tilt series", "Å")
    defocus_max_angstrom: float = _choice(40000.0, "largest defocus of a tilt series", "Å")
    hand: int = _choice(-1, "1 or -1: sign of the change of defocus with depth")
    optics_groups: int = _choice(1, "1 or 2: the second has another microscope and more defocus")
    snr: float = _choice(0.05, "variance of a particle's signal over that of the noise; inf: no noise")
    noise_only: bool = _choice(False, "leave the particles out of the images")
    pick_error_angstrom: float = _choice(4.0, "error of the picked positions along each axis (sd)", "Å")
    angle_error_deg: float = _choice(7.0, "error of the picked surface normals: of tilt and psi (sd)", "°")
    no_tilt_prior: bool = _choice(False, "random orientations, subtomogram angles of zero, no priors")
    half_sets: bool = _choice(False, "assign half sets (rlnRandomSubset)")
    float32: bool = _choice(False, "write particle stacks in float32 instead of float16")
    reference_resolution_angstrom: float = _choice(40.0, "low-pass filter of the start reference", "Å")
    reference_scale: float = _choice(1.0, "factor on its absolute grey scale; negative: inverted")
    seed: int = _choice(1, "all random numbers follow from it")

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise BadInput(*problems)

    @property
    def group(self) -> PointGroup:
        """Point group of the particle."""
        return PointGroup.parse(self.symmetry)

    @property
    def sigma_angstrom(self) -> float:
        """Width of the phantom's Gaussians in use."""
        return self.blob_sigma_angstrom or self.pixel_size_angstrom / 2

    @property
    def distance_angstrom(self) -> float:
        """Least distance between particles in use."""
        return self.spacing_angstrom or _SPACING_OF_DIAMETERS * self.diameter_angstrom

    @property
    def extraction_px(self) -> int:
        """Box in which the CTF is applied, in use."""
        return self.extraction_box_px or 2 * self.box_px

    @property
    def particles_per_tomogram(self) -> tuple[int, ...]:
        """Number of particles of each tomogram, as even as can be."""
        each, more = divmod(self.particles, self.tomograms)
        return tuple(each + (tomogram < more) for tomogram in range(self.tomograms))

    @property
    def radius_angstrom(self) -> float:
        """Radius in use of the shells: particles with half their spacing for a radius cover two fifths of it."""
        needed = self.distance_angstrom / 4 * math.sqrt(max(self.particles_per_tomogram) / _COVERED)
        return self.sphere_radius_angstrom or max(needed, self.distance_angstrom)


def given(settings: SimulationSettings) -> Mapping[str, Any]:
    """Settings that differ from their defaults, by name."""
    return {f.name: getattr(settings, f.name) for f in fields(settings) if getattr(settings, f.name) != default(f)}


def default(declared: Field[Any]) -> Any:
    """Return the default of a setting."""
    assert declared.default is not MISSING
    return declared.default


_POSITIVE = ("diameter_angstrom", "pixel_size_angstrom", "tilt_step_deg", "snr", "reference_resolution_angstrom")
_NOT_NEGATIVE = (
    "blob_sigma_angstrom",
    "spacing_angstrom",
    "sphere_radius_angstrom",
    "extraction_box_px",
    "image_size_px",
    "tilt_range_deg",
    "dose_per_tilt",
    "defocus_min_angstrom",
    "pick_error_angstrom",
    "angle_error_deg",
    "seed",
)


def _problems(settings: SimulationSettings) -> list[str]:
    signs = [
        f"{name} is {getattr(settings, name):g}; it must be above 0."
        for name in _POSITIVE
        if _is_not_positive(settings, name)
    ]
    signs += [
        f"{name} is {getattr(settings, name):g}; it must not be negative."
        for name in _NOT_NEGATIVE
        if not getattr(settings, name) >= 0
    ]
    return signs + _counting_problems(settings) + ([] if signs else _size_problems(settings))


def _is_not_positive(settings: SimulationSettings, name: str) -> bool:
    """Whether a setting is not above 0; NaN is not either."""
    return not getattr(settings, name) > 0


def _counting_problems(settings: SimulationSettings) -> list[str]:
    problems = []
    if not 1 <= settings.tomograms <= settings.particles:
        problems.append(f"{settings.particles} particles in {settings.tomograms} tomograms; each needs one at least.")
    if not 1 <= settings.optics_groups <= min(2, settings.tomograms):
        problems.append(f"optics_groups is {settings.optics_groups}; 1, or 2 where there are two tomograms or more.")
    if settings.hand not in (-1, 1):
        problems.append(f"hand is {settings.hand}; it must be 1 or -1.")
    if settings.defocus_max_angstrom < settings.defocus_min_angstrom:
        problems.append("defocus_max_angstrom is below defocus_min_angstrom.")
    try:
        PointGroup.parse(settings.symmetry)
    except ValueError as error:
        problems.append(f"{error}.")
    return problems


def _size_problems(settings: SimulationSettings) -> list[str]:
    problems = []
    box, whole = settings.box_px, settings.extraction_px
    if box <= 0 or box % 2 or whole % 2 or whole < box:
        problems.append(f"boxes of {box} px, cut out of {whole} px; both must be even, the second no smaller.")
    if settings.diameter_angstrom > box * settings.pixel_size_angstrom:
        problems.append(
            f"a particle of {settings.diameter_angstrom:g} Å does not fit into {box} px of "
            f"{settings.pixel_size_angstrom:g} Å."
        )
    if settings.tilt_range_deg >= 90:
        problems.append(f"tilt_range_deg is {settings.tilt_range_deg:g}; it must be below 90°.")
    if settings.image_size_px % 2:
        problems.append(f"image_size_px is {settings.image_size_px}; it must be even.")
    return problems
