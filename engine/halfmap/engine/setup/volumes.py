"""What is different about a run on 3D pseudo-subtomograms, as RELION 4 starts it."""

from collections.abc import Mapping

from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.ctf_volumes import holds_multiplicity
from halfmap.engine.formats.mrc import read_stack_header
from halfmap.engine.particles.particle import ParticleSet


def with_maps_of_set(
    arguments: RefineArguments, optimisation_set: Mapping[str, str], are_volumes: bool
) -> tuple[RefineArguments, list[str]]:
    """Fill in the reference and the mask that an optimisation set names and the options do not, as RELION 4 does.

    Parameters
    ----------
    arguments
        Options.
    optimisation_set
        Entries of the set.
    are_volumes
        The particles are volumes. RELION 5 never takes a map from the set: of stacks, the mask is left alone where
        a reference was named, so that a command of RELION 5 means the same here.

    Returns
    -------
    The options, and sentences about what was taken.

    Raises
    ------
    BadInput
        If there is no reference.
    """
    if arguments.continue_from:
        return arguments, []
    wanted = {"reference_file": labels.REFERENCE_MAP_FILES[0]} if not arguments.reference_file else {}
    if not arguments.solvent_mask_file and (wanted or are_volumes):
        wanted["solvent_mask_file"] = labels.REFERENCE_MASK_FILE
    taken = {name: optimisation_set[label] for name, label in wanted.items() if optimisation_set.get(label)}
    if not (arguments.reference_file or taken.get("reference_file")):
        raise BadInput(
            f"--ref is missing, and {arguments.optimisation_set_file or 'no optimisation set'} names no map "
            f"({labels.REFERENCE_MAP_FILES[0]}): name a map to start from."
        )
    notes = [f"{wanted[name]} of the optimisation set is used: {file}" for name, file in taken.items()]
    return arguments.model_copy(update=taken), notes


def refuse_for_volumes(arguments: RefineArguments) -> None:
    """Refuse what is there for stacks only.

    Raises
    ------
    BadInput
        With all of it.
    """
    problems = []
    if arguments.gpu is not None:
        problems.append("--gpu: 3D pseudo-subtomograms are refined on processors only; leave the option out.")
    if not arguments.zero_mask:
        problems.append(
            "--zero_mask is missing: the surroundings of 3D pseudo-subtomograms are not filled with noise by this "
            "version, but with their own mean; give the option."
        )
    if arguments.ctf_intact_first_peak:
        problems.append("--ctf_intact_first_peak: the CTF of 3D pseudo-subtomograms is read from files; leave it out.")
    if problems:
        raise BadInput(*problems)


def check_multiplicity(arguments: RefineArguments, particles: ParticleSet) -> None:
    """Check that averages bring the multiplicity that they have to be multiplied by.

    Raises
    ------
    BadInput
        Naming the first CTF volume without it.
    """
    if not (arguments.normalised_subtomograms and particles.are_volumes):
        return
    for index, path in enumerate(particles.ctf_files):
        if not holds_multiplicity(read_stack_header(path), particles.optics_of(index).box_px):
            raise BadInput(
                f"--normalised_subtomo: {path} holds no multiplicity, which averages have to be multiplied by; leave "
                f"the option out, or extract the particles again."
            )
