"""Which files a refinement reads, whether they are there, and whether they agree with each other.

The rules are those of the engine (its modules under ``setup`` and ``formats``), as far as headers and tables show them
quickly; the engine itself looks at everything.
"""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from halfmap.contract.job_directory import HALVES
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.mrc_header import BadHeader, MrcHeader, read_mrc_header
from halfmap.daemon.particle_file import OpticsGroup, ParticleFile, SampledImage
from halfmap.daemon.star_head import number_from, read_whole_tables

SAME_PIXEL_ANGSTROM = 0.001
_LARGEST_RATIO = 16.0
_HEAD_BYTES = 1 << 17
_MOST_TOMOGRAMS_BYTES = 1 << 24
_TOLD_AT_ONCE = 5
_ADVICE = "Paths are relative to the project."
_SERIES = "rlnTomoTiltSeriesStarFile"


class Remark(NamedTuple):
    """A sentence about the inputs; `keeps` if the job cannot run like this."""

    text: str
    keeps: bool = True


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """Files by their names in the project; empty where none is named.

    Attributes
    ----------
    box_px
        Box of the model that a run goes on with; 0 for a new run.
    """

    particles: str = ""
    tomograms: str = ""
    box_px: int = 0
    remarks: tuple[Remark, ...] = field(default=())


def files_of_a_new_run(project: Path, job: Refine3D) -> NamedFiles:
    """Name the files that a new run reads, through the optimisation set if there is one."""
    if job.use_direct_entries or not job.in_optimisation:
        return NamedFiles(job.fn_img or job.in_particles, job.in_tomograms)
    path = project / job.in_optimisation
    if not path.is_file():
        return NamedFiles(job.fn_img, remarks=(Remark(f"{job.in_optimisation}: does not exist. {_ADVICE}"),))
    values = names_in_set(project, job.in_optimisation)
    particles = job.fn_img or values.get("rlnTomoParticlesFile", "")
    if not particles:
        unnamed = Remark(f"{job.in_optimisation}: names no particles (rlnTomoParticlesFile), or is cut off.")
        return NamedFiles(remarks=(unnamed,))
    return NamedFiles(particles, values.get("rlnTomoTomogramsFile", ""))


def names_in_set(project: Path, name: str) -> dict[str, str]:
    """Give what an optimisation set names, by label; nothing for one that is not there, or cut off."""
    tables = read_whole_tables(project / name, [""], _HEAD_BYTES) if name and (project / name).is_file() else None
    return {label: text for label, text in (tables[""].values() if tables else {}).items() if text != "None"}


def files_of_a_continued_run(project: Path, optimiser: str) -> NamedFiles:
    """Name the files that a run goes on with, and see that they are there."""
    path = project / optimiser
    if not path.is_file():
        return NamedFiles(remarks=(Remark(f"{optimiser}: there is no such optimiser file. {_ADVICE}"),))
    tables = read_whole_tables(path, ["optimiser_general"], _HEAD_BYTES)
    values = tables["optimiser_general"].values() if tables else {}
    models = [values.get(f"rlnModelStarFile{which}", "") for which in ("", "2")]
    if not all(models):
        text = f"{optimiser}: names no models of two half sets; go on from a numbered file that is whole."
        return NamedFiles(remarks=(Remark(text),))
    sampling, data = values.get("rlnOrientSamplingStarFile", ""), values.get("rlnExperimentalDataStarFile", "")
    needed = [*models, sampling, *(_map_of(project, model) for model in models)]
    missing = [name for name in needed if name and not (project / name).is_file()]
    remarks = tuple(Remark(f"{name}: does not exist; it is needed to go on from {optimiser}.") for name in missing)
    return NamedFiles(data, values.get("rlnTomoTomogramsFile", ""), _box_of(project, models[0]), remarks)


def _map_of(project: Path, model: str) -> str:
    tables = read_whole_tables(project / model, ["model_classes"], _HEAD_BYTES)
    return next(iter(tables["model_classes"].column("rlnReferenceImage")), "") if tables else ""


def _box_of(project: Path, model: str) -> int:
    tables = read_whole_tables(project / model, ["model_general"], _HEAD_BYTES)
    values = tables["model_general"].values() if tables else {}
    return round(number_from(values.get("rlnOriginalImageSize")) or 0)


def about_tomograms(project: Path, tomograms: str, particles: ParticleFile) -> Iterator[Remark]:
    """See that the tomogram set knows the particles' tomograms, and that their tilt series are there."""
    if not tomograms:
        if particles.are_stacks:
            yield Remark("No tomogram set is named; particles that are 2D stacks need one.")
        return
    path = project / tomograms
    if not path.is_file():
        yield Remark(f"{tomograms}: does not exist. {_ADVICE}")
        return
    tables = read_whole_tables(path, ["global"], _MOST_TOMOGRAMS_BYTES)
    if tables is None:
        yield Remark(f"{tomograms}: has no whole table data_global.", keeps=False)
        return
    names, series = tables["global"].column("rlnTomoName"), tables["global"].column(_SERIES)
    unknown = sorted(particles.tomograms - set(names))
    if unknown:
        yield Remark(f"{tomograms}: knows no tomogram {', '.join(unknown[:_TOLD_AT_ONCE])}, which particles name.")
    used = {file for name, file in zip(names, series, strict=False) if name in particles.tomograms}
    missing = sorted(file for file in used if not (project / file).is_file())
    yield from (Remark(f"{file}: does not exist; {tomograms} names it.") for file in missing[:_TOLD_AT_ONCE])


def about_volumes(job: Refine3D, particles: ParticleFile) -> Iterator[Remark]:
    """See that a refinement of 3D pseudo-subtomograms asks for nothing that halfmap has for stacks only."""
    if particles.are_stacks:
        return
    if job.use_gpu:
        yield Remark("use_gpu is Yes, but 3D pseudo-subtomograms are refined on processors only; set it to No.")
    if not job.do_zero_mask:
        yield Remark("do_zero_mask is No, which 3D pseudo-subtomograms do not allow; set it to Yes.")


def about_particles(project: Path, name: str, particles: ParticleFile) -> Iterator[Remark]:
    """See what the particle file says of itself, and whether some of its images are what it says."""
    for number, group in particles.optics.items():
        if group.box_px <= 0 or group.box_px % 2 or group.pixel_size_angstrom <= 0:
            yield Remark(
                f"{name}: optics group {number} has a box of {group.box_px} px at {group.pixel_size_angstrom:g} Å "
                f"(rlnImageSize, rlnImagePixelSize); the box must be even, and both above 0."
            )
    if not particles.optics:
        yield Remark(f"{name}: has no table data_optics; the box of its particles is not known.")
    yield from _about_half_sets(name, particles)
    images = (_about_image(project, image, particles) for image in particles.sample)
    yield from [Remark(text) for text in images if text][:_TOLD_AT_ONCE]


def _about_half_sets(name: str, particles: ParticleFile) -> Iterator[Remark]:
    found = {half: count for half, count in particles.half_sets.items() if count}
    unset = found.pop(0, 0)
    others = sorted(found.keys() - {1, 2})
    if others:
        yield Remark(f"{name}: rlnRandomSubset holds {', '.join(map(str, others[:_TOLD_AT_ONCE]))}; 1 or 2 is meant.")
    elif found and unset:
        yield Remark(f"{name}: rlnRandomSubset is 0 for {unset} particles and set for others; fill or remove it.")
    elif len(found) == 1:
        empty = 3 - next(iter(found))
        yield Remark(f"{name}: half set {empty} is empty (rlnRandomSubset); both need particles, or no such column.")
    elif particles.particles < len(HALVES):
        yield Remark(f"{name}: one particle cannot be split into two half sets.")


def _about_image(project: Path, image: SampledImage, particles: ParticleFile) -> str:
    name = image.file.rpartition("@")[2]
    group = particles.optics.get(image.optics_group or next(iter(particles.optics), ""))
    try:
        header = read_mrc_header(project / name, name)
    except BadHeader as error:
        return str(error)
    if group is None:
        return f"{name}: its particle names optics group {image.optics_group}, which the optics table does not hold."
    box = group.box_px
    if (header.columns, header.rows) != (box, box):
        size = f"{header.columns} × {header.rows}"
        return (
            f"{name}: images of {size} px, but rlnImageSize of its optics group is {box}; extract the particles anew."
        )
    if not particles.are_stacks and header.sections != box:
        return f"{name}: {header.sections} px deep, but rlnImageSize of its optics group is {box}; extract it anew."
    if particles.are_stacks and image.visible not in (None, header.sections):
        return (
            f"{name}: holds {header.sections} images, but {image.visible} are visible (rlnTomoVisibleFrames); "
            f"extract the particles anew."
        )
    return ""


def about_reference(project: Path, job: Refine3D, group: OpticsGroup) -> Iterator[Remark]:
    """See that the reference, or each of a pair, lies on the particles' grid or can be brought there."""
    for name in _pair(job.fn_ref):
        try:
            header = _cube(project, name)
        except BadHeader as error:
            yield Remark(str(error))
            continue
        pixel = _reference_pixel(job) or header.pixel_size_angstrom
        if pixel <= 0:
            yield Remark(f"{name}: its header gives no pixel size; set it there or give --ref_angpix.")
        elif header.columns != group.box_px or abs(pixel - group.pixel_size_angstrom) > SAME_PIXEL_ANGSTROM:
            yield _about_other_grid(name, job, header, pixel, group)


def _about_other_grid(name: str, job: Refine3D, header: MrcHeader, pixel: float, group: OpticsGroup) -> Remark:
    found = f"{name}: {header.columns} px at {pixel:g} Å, while the particles have {_grid(group)}"
    if not job.trust_ref_size:
        return Remark(f"{found}; set 'Resize reference if needed?' to Yes, or give another map.")
    ratio = pixel / group.pixel_size_angstrom if group.pixel_size_angstrom > 0 else 1.0
    if not 1 / _LARGEST_RATIO < ratio < _LARGEST_RATIO:
        return Remark(f"{found}; pixel sizes so different cannot both be right.")
    return Remark(f"{found}; it will be resized.", keeps=False)


def about_mask(project: Path, job: Refine3D, group: OpticsGroup, is_halfmap: bool) -> Iterator[Remark]:
    """See that the mask is one, and tell if it does not lie on the particles' grid, to which it is brought."""
    name = "" if job.fn_mask == "None" else job.fn_mask
    if not name:
        return
    try:
        header = _cube(project, name)
    except BadHeader as error:
        yield Remark(str(error))
        return
    pixel = header.pixel_size_angstrom or group.pixel_size_angstrom
    if header.columns != group.box_px or abs(pixel - group.pixel_size_angstrom) > SAME_PIXEL_ANGSTROM:
        found = f"{name}: {header.columns} px at {pixel:g} Å, while the particles have {_grid(group)}"
        ratio = pixel / group.pixel_size_angstrom if group.pixel_size_angstrom > 0 else 1.0
        if is_halfmap and not 1 / _LARGEST_RATIO < ratio < _LARGEST_RATIO:
            yield Remark(f"{found}; pixel sizes so different cannot both be right.")
        else:
            yield Remark(f"{found}; it will be resized.", keeps=False)


def about_diameter(job: Refine3D, group: OpticsGroup) -> Iterator[Remark]:
    """See that the particle fits into the box."""
    width = group.box_px * group.pixel_size_angstrom
    if 0 < width < job.particle_diameter:
        text = f"The particle diameter is {job.particle_diameter:g} Å, the box only {width:g} Å wide."
        yield Remark(text, keeps=False)


def _pair(name: str) -> Iterable[str]:
    """Names of the maps of both halves, if the name of one stands for a pair."""
    folder, slash, file = name.rpartition("/")
    half = next((half for half in ("half1", "half2") if half in file), None)
    if half is None:
        return (name,)
    return tuple(folder + slash + file.replace(half, other) for other in ("half1", "half2"))


def _cube(project: Path, name: str) -> MrcHeader:
    header = read_mrc_header(project / name, name)
    if not header.is_cube:
        raise BadHeader(f"{name}: {header}; a cubic map was expected.")
    if header.columns % 2:
        raise BadHeader(f"{name}: the box of {header.columns} px is odd; crop or pad the map to an even box.")
    return header


def _reference_pixel(job: Refine3D) -> float:
    """Pixel size given among the additional arguments; 0 if none is."""
    try:
        words = shlex.split(job.other_args)
    except ValueError:
        return 0.0
    place = words.index("--ref_angpix") + 1 if "--ref_angpix" in words else len(words)
    return max(number_from(words[place]) or 0.0, 0.0) if place < len(words) else 0.0


def _grid(group: OpticsGroup) -> str:
    return f"{group.box_px} px at {group.pixel_size_angstrom:g} Å"
