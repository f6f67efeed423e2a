"""From inputs to a refinement on this rank, with its images where they are read from."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from halfmap.engine.backend.interface import Backend
from halfmap.engine.formats.image_source import FromFiles, FromMemory
from halfmap.engine.ranks.communicator import Communicator
from halfmap.engine.refinement.observer import Observer
from halfmap.engine.refinement.refinement import ImageSource, Refinement, SumsExchange
from halfmap.engine.refinement.settings import Settings
from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.setup.exchange import OverNetwork, ThroughDisc
from halfmap.engine.setup.inputs import Inputs
from halfmap.engine.setup.scratch import Guard, ScratchSettings, copy_name, copy_stacks, make_folder, name_of_volume


def assemble(
    inputs: Inputs,
    settings: Settings,
    communicator: Communicator,
    backend: Backend,
    source: ImageSource,
    observer: Observer,
) -> Refinement:
    """Put a refinement together."""
    return Refinement(
        particles=inputs.particles,
        grid=inputs.grid,
        group=PointGroup.parse(inputs.arguments.symmetry),
        settings=settings,
        backend=backend,
        communicator=communicator,
        source=source,
        exchange=_exchange(inputs, settings, communicator),
        observer=observer,
        solvent_mask=inputs.mask.values,
        has_user_mask=inputs.mask.from_user,
    )


def _exchange(inputs: Inputs, settings: Settings, communicator: Communicator) -> SumsExchange:
    if not settings.combine_through_disc or communicator.size <= 3:
        return OverNetwork()
    through_disc = ThroughDisc(inputs.arguments.output_root)
    if communicator.is_first:
        through_disc.remove_leftovers()
    return through_disc


@contextmanager
def image_source(inputs: Inputs, communicator: Communicator) -> Iterator[ImageSource]:
    """Give the source of images that the options ask for; what it leaves on a scratch disc is removed afterwards."""
    arguments = inputs.arguments
    if arguments.preread_images:
        yield FromMemory(_from_files(inputs), _of_this_rank(inputs, communicator))
    elif arguments.scratch_dir:
        with _scratch_copies(inputs, communicator) as source:
            yield source
    else:
        yield _from_files(inputs)


def _from_files(inputs: Inputs, copies: Mapping[int, Path] | None = None) -> FromFiles:
    """Read from files or their copies."""
    particles = inputs.particles
    boxes_px = [particles.optics_of(i).box_px for i in range(len(particles))] if particles.are_volumes else []
    return FromFiles(_files(inputs), copies, boxes_px)


def _files(inputs: Inputs) -> tuple[Path, ...]:
    """Stacks of all particles, or volumes of all and then CTF volumes of all."""
    return (*inputs.particles.image_files, *inputs.particles.ctf_files)


def _of_this_rank(inputs: Inputs, communicator: Communicator) -> list[int]:
    return [int(i) for half in communicator.halves for i in inputs.particles.members(half)]


@contextmanager
def _scratch_copies(inputs: Inputs, communicator: Communicator) -> Iterator[ImageSource]:
    """Let the first rank of each machine copy the stacks; the others there use its copies."""
    arguments = inputs.arguments
    hosts = communicator.gather(platform.node())
    copies_here = hosts.index(platform.node()) == communicator.rank
    settings = ScratchSettings(
        Path(arguments.scratch_dir), arguments.keep_free_scratch_gb, arguments.reuse_scratch, arguments.keep_scratch
    )
    guard, copies = None, {}
    try:
        if copies_here:
            folder = make_folder(settings)
            guard = None if settings.keep or settings.reuse else Guard(folder)
            names, files = _copy_names(inputs), _files(inputs)
            copies = copy_stacks(files, names, range(len(files)), folder, settings)
        found = communicator.gather(copies if copies_here else None)
        yield _from_files(inputs, found[hosts.index(platform.node())])
    finally:
        if guard is not None:
            guard.release()


def _copy_names(inputs: Inputs) -> Sequence[str]:
    counts: dict[int, int] = {}
    numbers = []
    for group in inputs.particles.optics_index.tolist():
        counts[group] = counts.get(group, 0) + 1
        numbers.append((group + 1, counts[group]))
    if not inputs.particles.are_volumes:
        return [copy_name(*number) for number in numbers]
    return [name_of_volume(*number, of_ctf) for of_ctf in (False, True) for number in numbers]
