"""Checking the stacks or volumes of all particles against what the particle file says of them."""

from concurrent.futures import ThreadPoolExecutor

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.ctf_volumes import layout_problem
from halfmap.engine.formats.mrc import read_stack_header
from halfmap.engine.particles.particle import ParticleSet

_READERS = 8
_TOLD_AT_ONCE = 10


def check_stacks(particles: ParticleSet) -> None:
    """Check that each stack, or volume and CTF volume, exists and has the shape that belongs to its particle.

    Raises
    ------
    BadInput
        With the first problems found, each naming the file.
    """
    with ThreadPoolExecutor(_READERS) as executor:
        one = _problem_of_volume if particles.are_volumes else _problem
        found = executor.map(lambda index: one(particles, index), range(len(particles)))
        problems = [problem for problem in found if problem]
    if problems:
        more = len(problems) - _TOLD_AT_ONCE
        rest = (
            [f"… and {more} more {'volumes' if particles.are_volumes else 'stacks'} with problems."] if more > 0 else []
        )
        raise BadInput(*problems[:_TOLD_AT_ONCE], *rest)


def _problem(particles: ParticleSet, index: int) -> str:
    path, box = particles.image_files[index], particles.optics_of(index).box_px
    try:
        header = read_stack_header(path)
    except BadInput as error:
        return str(error)
    visible = int(particles.visible[index].sum())
    if header.images != visible:
        return (
            f"{path}: holds {header.images} images, but {visible} tilt images of {particles.names[index]} are visible "
            f"(rlnTomoVisibleFrames); extract the particles again."
        )
    if (header.height_px, header.width_px) != (box, box):
        return (
            f"{path}: images of {header.width_px} × {header.height_px} px, but rlnImageSize of its optics group is "
            f"{box}; extract the particles again or correct the optics table."
        )
    return ""


def _problem_of_volume(particles: ParticleSet, index: int) -> str:
    path, ctf_path, box = particles.image_files[index], particles.ctf_files[index], particles.optics_of(index).box_px
    try:
        header, ctf = read_stack_header(path), read_stack_header(ctf_path)
    except BadInput as error:
        return str(error)
    if (header.images, header.height_px, header.width_px) != (box, box, box):
        return (
            f"{path}: is {header.width_px} × {header.height_px} × {header.images}, but rlnImageSize of its optics "
            f"group is {box}; extract the particles again or correct the optics table."
        )
    problem = layout_problem(ctf, box)
    return f"{ctf_path}: {problem}; extract the particles again." if problem else ""
