"""The types of job that can be queued, one declaration each: what each is called, what it takes, runs and makes.

Labels, folders and node types are those that RELION 5 writes into its list of jobs.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from halfmap.contract import (
    conversion,
    external_form,
    extract_form,
    postprocess_form,
    reconstruct_form,
    refine3d,
)
from halfmap.contract.command_line import ArgumentError, to_argv
from halfmap.contract.job_form import JobForm, Problem, form_from_values, options_of, problem_about
from halfmap.contract.option import Declared, Option, is_enabled, value_text
from halfmap.contract.refine3d import Refine3D

GO_ON = "--only_do_unfinished"
"""The option by which a program goes on with what an earlier start of it left."""


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a job makes: its name in the job's folder, its node type, and how deep RELION's browser sorts it."""

    file: str
    node_type: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class JobType:
    """A type of job.

    Attributes
    ----------
    label, word
        RELION's, as in ``rlnJobTypeLabel``, and what ``halfmap submit --kind`` calls it.
    folder
        Where its jobs lie in the project.
    form
        Its options.
    is_tomo
        What RELION writes as ``rlnJobIsTomo``.
    last_settings
        RELION's file of the options used last; "" where it is not written.
    problems
        Everything that keeps a job from running, as far as the options alone show it.
    refusals
        What halfmap's program refuses although RELION's may not; asked for jobs without problems.
    module
        What ``python -m`` is to run for it.
    relion_program
        RELION's; with several ranks the one with ``_mpi`` at its end. "" where there is none.
    words
        The program's options for a job in a folder such as ``Extract/job012/``.
    outputs
        Files that it will make; those of refinements are in `halfmap.daemon.job_nodes`.
    redo
        The option by which a second start of an engine's program takes over what the first one left; "" for none.
    takes_control
        Whether the program takes ``--pipeline_control`` and leaves RELION's markers.
    """

    label: str
    word: str
    folder: str
    form: type[JobForm]
    problems: Callable[[Any], list[Problem]]
    refusals: Callable[[Any], list[str]]
    module: Callable[[Any], tuple[str, ...]]
    words: Callable[[Any, str], list[str]]
    relion_program: str = ""
    is_tomo: bool = False
    last_settings: str = ""
    outputs: tuple[Output, ...] = ()
    redo: Callable[[Any, str], str] = lambda _job, _engine: ""
    takes_control: Callable[[Any], bool] = lambda _job: True

    @property
    def options(self) -> dict[str, Declared[Option]]:
        """Every option of its form by its key."""
        return options_of(self.form)


def _overwrite(_job: JobForm, engine: str) -> str:
    # RELION's programs always replace what is there
    return "--overwrite" if engine == "halfmap" else ""


def _refine_words(job: Refine3D, folder: str) -> list[str]:
    return to_argv(conversion.arguments_from_job(job, f"{folder}run", folder))


def _command(verb: str) -> Callable[[JobForm], tuple[str, ...]]:
    return lambda _job: ("halfmap.commands", verb)


def _external_command(job: external_form.External) -> tuple[str, ...]:
    return ("halfmap.commands", *external_form.verb_of(job).split())


REFINE3D = JobType(
    label="relion.refine3d.tomo",
    word="refine",
    folder="Refine3D",
    form=Refine3D,
    problems=refine3d.problems,
    refusals=conversion.launch_problems,
    module=lambda _job: ("mpi4py", "-m", "halfmap.engine"),
    words=_refine_words,
    relion_program="relion_refine",
    is_tomo=True,
    last_settings=".gui_auto3djob.star",
    redo=_overwrite,
)
EXTRACT = JobType(
    label="relion.pseudosubtomo",
    word="extract",
    folder="Extract",
    form=extract_form.Extract,
    problems=extract_form.problems,
    refusals=extract_form.refusals,
    module=_command("extract"),
    words=extract_form.words,
    relion_program="relion_tomo_subtomo",
    outputs=(
        Output("optimisation_set.star", "TomoOptimisationSet.star.relion.tomo.extract"),
        Output("particles.star", "ParticleGroupMetadata.star.relion.tomo.extract"),
    ),
    redo=lambda _job, _engine: GO_ON,
)
RECONSTRUCT = JobType(
    label="relion.reconstructparticletomo",
    word="reconstruct",
    folder="Reconstruct",
    form=reconstruct_form.Reconstruct,
    problems=reconstruct_form.problems,
    refusals=reconstruct_form.refusals,
    module=_command("reconstruct"),
    words=reconstruct_form.words,
    relion_program="relion_tomo_reconstruct_particle",
    last_settings=".gui_tomo_reconstruct_particlejob.star",
    outputs=(
        Output("merged.mrc", "DensityMap.mrc.relion.tomo.map.reconstruct"),
        Output("half1.mrc", "DensityMap.mrc.relion.tomo.halfmap.reconstruct", depth=99),
        Output("optimisation_set.star", "TomoOptimisationSet.star.relion.tomo.reconstruct"),
    ),
    redo=lambda _job, _engine: GO_ON,
)
POSTPROCESS = JobType(
    label="relion.postprocess",
    word="postprocess",
    folder="PostProcess",
    form=postprocess_form.PostProcess,
    problems=postprocess_form.problems,
    refusals=postprocess_form.refusals,
    module=_command("postprocess"),
    words=postprocess_form.words,
    relion_program="relion_postprocess",
    is_tomo=True,
    outputs=(
        Output("postprocess.mrc", "DensityMap.mrc.relion.postprocess"),
        Output("postprocess_masked.mrc", "DensityMap.mrc.relion.postprocess.masked"),
        Output("postprocess.star", "ProcessData.star.relion.postprocess"),
    ),
    redo=_overwrite,
)
EXTERNAL = JobType(
    label="relion.external",
    word="center",
    folder="External",
    form=external_form.External,
    problems=external_form.problems,
    refusals=external_form.refusals,
    module=_external_command,
    words=external_form.words,
    outputs=(
        Output("optimisation_set.star", "TomoOptimisationSet.star.relion"),
        Output("particles.star", "ParticleGroupMetadata.star.relion"),
        Output("particles_optimisation_set.star", "TomoOptimisationSet.star.relion"),
    ),
    redo=lambda job, _engine: external_form.VERBS[external_form.verb_of(job)].redo,
    takes_control=lambda job: external_form.VERBS[external_form.verb_of(job)].takes_control,
)

JOB_TYPES = (REFINE3D, EXTRACT, RECONSTRUCT, POSTPROCESS, EXTERNAL)
_BY_FORM = {kind.form: kind for kind in JOB_TYPES}


def type_of(job: JobForm) -> JobType:
    """Give the type of a job."""
    return _BY_FORM[type(job)]


def type_labelled(label: str) -> JobType | None:
    """Find a type by RELION's label, of which the first two parts tell; None for one that cannot be queued."""
    return next((kind for kind in JOB_TYPES if kind.label.split(".")[:2] == label.split(".")[:2]), None)


def job_from_texts(kind: JobType, values: Mapping[str, str]) -> tuple[JobForm, list[Problem]]:
    """Read a job of a type from texts; see `halfmap.contract.job_form.form_from_values`."""
    return form_from_values(kind.form, values)


def texts_of(job: JobForm) -> dict[str, str]:
    """Write the options that differ from their defaults as texts."""
    options = type_of(job).options
    return {
        key: value_text(getattr(job, key)) for key, option in options.items() if getattr(job, key) != option.default
    }


def problems(job: JobForm) -> list[Problem]:
    """Tell everything that keeps a job from running, as far as the options alone show it."""
    return type_of(job).problems(job)


def launch_problems(job: JobForm) -> list[str]:
    """Tell everything that keeps a job from being started with halfmap's program, as far as the options show it."""
    return [problem.message for problem in problems(job)] or type_of(job).refusals(job)


def argument_words(job: JobForm, folder: str) -> list[str]:
    """Give the program's options for a job in a folder, additional arguments and RELION's markers among them.

    Raises
    ------
    ArgumentError
        If the additional arguments cannot be read, or contradict the form.
    """
    kind = type_of(job)
    told = kind.words(job, folder)
    if kind is REFINE3D:
        return told
    other = _other_words(job)
    if repeated := sorted({word for word in other if word.startswith("--")} & {*told, "--pipeline_control"}):
        text = f"holds {', '.join(repeated)}, which the form says by itself; leave it out here"
        raise ArgumentError([problem_about(kind.form, "other_args", text).message])
    return [*told, *other, *(("--pipeline_control", folder) if kind.takes_control(job) else ())]


def _other_words(job: JobForm) -> list[str]:
    try:
        return shlex.split(getattr(job, "other_args", ""))
    except ValueError:
        text = "has a quotation mark without its partner"
        raise ArgumentError([problem_about(type(job), "other_args", text).message]) from None


def input_files(job: JobForm) -> list[tuple[str, str, str]]:
    """Name the files that a job takes: the option's key, the file, and its node type, in the form's order."""
    return [
        (key, getattr(job, key), _node_type(getattr(job, key), option.declaration.node_type))
        for key, option in type_of(job).options.items()
        if option.declaration.node_type
        and is_enabled(option.declaration, job)
        and getattr(job, key) not in ("", "None")
    ]


def _node_type(file: str, usual: str) -> str:
    # RELION's form of External jobs has no entry for sets of its own, so that a set stands where particles do
    return "TomoOptimisationSet.star.relion" if file.endswith("optimisation_set.star") else usual
