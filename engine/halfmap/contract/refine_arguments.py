"""What the engine program is started with: RELION's options of ``relion_refine_mpi``, and what can be wrong with them.

Defaults are those of RELION's command line (5.0.1), which differ from the job form's.
"""

from collections.abc import Iterator

from halfmap.contract.option import Declared, Flag, declared_flags, number_problem
from halfmap.contract.refine_computing_flags import ComputingFlags
from halfmap.contract.refine_data_flags import DataFlags
from halfmap.contract.refine_helix_flags import GradientFlags, HelixFlags
from halfmap.contract.refine_other_flags import HarmlessFlags, OtherMethodFlags
from halfmap.contract.refine_search_flags import SearchFlags
from halfmap.contract.refine_volume_flags import VolumeFlags
from halfmap.contract.spelling import NOISE_MODELS, PRECISIONS, RELION_NOISE, SYMMETRIES, is_gpu_list, is_symmetry


class RefineArguments(
    DataFlags, VolumeFlags, SearchFlags, ComputingFlags, HarmlessFlags, GradientFlags, HelixFlags, OtherMethodFlags
):
    """All options of the engine program.

    Notes
    -----
    ``model_fields_set`` holds the options that were really given (see `given`). A continued run needs to know, because
    there an option that is left out keeps the value of the optimiser file, whatever its default. So hand arguments on
    with ``model_dump(exclude_unset=True)`` or as an argument list.
    """


FLAGS: tuple[Declared[Flag], ...] = declared_flags(RefineArguments)
"""Every option of the program, group by group."""


_READ_WHEN_CONTINUING = frozenset(option.name for option in FLAGS if option.declaration.with_continue)


def given(arguments: RefineArguments) -> frozenset[str]:
    """Names of the options that were given, whether or not their value is the default."""
    return frozenset(arguments.model_fields_set)


def with_implied(arguments: RefineArguments) -> RefineArguments:
    """Fill in what other options imply: who asks for RELION's slips asks for its model of the noise, too."""
    if arguments.relion_quirks and "noise_model" not in given(arguments):
        return arguments.model_copy(update={"noise_model": RELION_NOISE})
    return arguments


def is_default(option: Declared[Flag], arguments: RefineArguments) -> bool:
    """Whether an option has its default, so that asking for it changes nothing."""
    return bool(getattr(arguments, option.name) == option.default)


def refusals(arguments: RefineArguments) -> list[str]:
    """Tell which options ask for something that this version does not do.

    Returns
    -------
    list of str
        One sentence for each; empty if all can be done.
    """
    return [
        f"{option.declaration.flag}: {option.declaration.not_yet} is not offered by this version; leave the option out."
        for option in FLAGS
        if option.declaration.not_yet and not is_default(option, arguments)
    ]


def unread_when_continuing(arguments: RefineArguments) -> list[str]:
    """Tell which of the given options a continued run does not read, because it keeps its own values.

    Returns
    -------
    list of str
        One sentence for each; empty for a new run.
    """
    if not arguments.continue_from:
        return []
    return [
        f"{option.declaration.flag} is not read with --continue: the run keeps its own value."
        for option in FLAGS
        if option.name in given(arguments)
        and not is_read_when_continuing(option.name)
        and not (option.declaration.not_yet or option.declaration.no_effect)
    ]


def is_read_when_continuing(name: str) -> bool:
    """Whether a continued run reads an option (by the name of its field) rather than keep its own value."""
    return name in _READ_WHEN_CONTINUING


def argument_problems(arguments: RefineArguments) -> list[str]:
    """Tell everything that is wrong with the options by themselves; no file is looked at.

    Returns
    -------
    list of str
        One sentence for each: missing inputs, values out of range, misspellings, options that exclude each other.
        Empty for options that the engine can start with. What it does not offer is told by `refusals`.
    """
    course = _problems_of_continuing if arguments.continue_from else _problems_of_starting
    return [
        *course(arguments),
        *_problems_of_values(arguments),
        *_problems_between_options(arguments),
    ]


def _problems_of_starting(arguments: RefineArguments) -> Iterator[str]:
    needed: tuple[tuple[str, bool, str], ...] = (
        ("--o", arguments.output_root != "", "say how output names begin, such as Refine3D/job012/run"),
        (
            "--ios",
            bool(arguments.optimisation_set_file or arguments.particles_file),
            "name an optimisation set, or --i",
        ),
        (
            "--ref",
            bool(arguments.reference_file or arguments.optimisation_set_file),
            "name a map to start from",
        ),
        (
            "--auto_refine",
            arguments.auto_refine,
            "this program does nothing else, and the option says that it is meant",
        ),
        ("--split_random_halves", arguments.split_random_halves, "this program always keeps two half sets apart"),
    )
    yield from (f"{flag} is missing: {advice}." for flag, is_there, advice in needed if not is_there)
    if arguments.force_converge:
        yield "--force_converge has nothing to finish: give it together with --continue."
    if arguments.solvent_correct_fsc and not (arguments.solvent_mask_file or arguments.optimisation_set_file):
        yield "--solvent_correct_fsc needs a mask: give --solvent_mask, or leave it out."
    if arguments.ctf_intact_first_peak and not arguments.ctf_correction:
        yield "--ctf_intact_first_peak changes the CTF, which is not modelled: give --ctf too, or leave it out."


def _problems_of_continuing(arguments: RefineArguments) -> Iterator[str]:
    if not arguments.output_root:
        yield "--o is missing: say how output names begin, such as Refine3D/job012/run."


def _problems_of_values(arguments: RefineArguments) -> Iterator[str]:
    for option in FLAGS:
        wrong = number_problem(getattr(arguments, option.name), option.declaration.bounds)
        if wrong:
            yield f"{option.declaration.flag} {wrong}."
    if not is_symmetry(arguments.symmetry):
        yield f"--sym is {arguments.symmetry!r}; give one of {SYMMETRIES}."
    if not is_gpu_list(arguments.gpu or ""):
        yield f"--gpu is {arguments.gpu!r}; give numbers with colons between, such as 0:1:2."
    elif "," in (arguments.gpu or ""):
        yield f"--gpu {arguments.gpu}: a rank computes on one card; give each rank its own, as in 0:1, and more ranks."
    if arguments.gpu_precision not in PRECISIONS:
        yield f"--gpu_precision is {arguments.gpu_precision!r}; give one of {', '.join(PRECISIONS)}."
    if arguments.noise_model not in NOISE_MODELS:
        yield f"--noise_model is {arguments.noise_model!r}; give one of {', '.join(NOISE_MODELS)}."


def _problems_between_options(arguments: RefineArguments) -> Iterator[str]:
    if not arguments.parallel_disc_io:
        yield "--no_parallel_disc_io: every rank must read its own pseudo-subtomograms; leave the option out."
    if arguments.norm_correction and arguments.no_norm:
        yield "--norm and --no_norm exclude each other; leave one out."
    if arguments.scale_correction and arguments.no_scale:
        yield "--scale and --no_scale exclude each other; leave one out."
    if arguments.normalised_subtomograms and arguments.skip_subtomogram_multiplicity:
        yield "--normalised_subtomo and --skip_subtomo_multi exclude each other; leave one out."
    if arguments.gridding and arguments.skip_gridding:
        yield "--dont_skip_gridding and --skip_gridding exclude each other; leave one out."
    if arguments.cpu and arguments.gpu is not None:
        yield "--cpu and --gpu exclude each other; leave one out."
    if arguments.deterministic and arguments.gpu is not None:
        yield "--deterministic and --gpu exclude each other, because a card adds in any order; leave one out."
    if (arguments.reuse_scratch or arguments.keep_scratch) and not arguments.scratch_dir:
        yield "--reuse_scratch and --keep_scratch are about the copies in --scratch_dir; give that too."
