"""The job form of External: one of halfmap's own programs as a job of RELION's list.

Keys, labels and defaults are those of RELION 5.0 (RELION: ``RelionJob::initialiseExternalJob``). RELION starts whatever
``fn_exe`` names, through a shell; here it is one of `VERBS`, and nothing else is started.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from halfmap.contract.job_form import JobForm, Problem, in_form_order, option_problems, problem_about, redirections
from halfmap.contract.option import Bounds, Option, Slider
from halfmap.contract.queue_options import QueueOptions

_PARAMETERS = range(1, 11)
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verb:
    """How one of halfmap's programs is told what the form says.

    Attributes
    ----------
    map, mask, particles
        The options for in_3dref, in_mask and in_part; "" for what the program does not take.
    output
        What follows the job's folder in ``--o``.
    redo
        The option by which a second start replaces what the first one left; "" where none is needed.
    takes_control
        Whether it takes ``--pipeline_control`` and leaves RELION's markers.
    """

    map: str
    mask: str
    particles: str
    output: str = ""
    redo: str = ""
    takes_control: bool = True


VERBS = {
    "center": Verb("--map", "--mask", "--i", redo="--overwrite"),
    "star center": Verb("", "", "--i", output="particles.star", redo="--overwrite", takes_control=False),
    "split": Verb("", "", "--i", output="particles.star", redo="--overwrite", takes_control=False),
    "postprocess": Verb("--i", "--mask", "", output="postprocess", redo="--overwrite"),
}
"""The programs by their words after ``halfmap``."""

_EXECUTABLES = ", ".join(f"halfmap {verb}" for verb in VERBS)
_OPTIONAL = {"in_mask"}
"""What each program that takes it can do without."""
_RESERVED = {"o", "pipeline_control", "i", "map", "mask"}


def _label(number: int) -> Option:
    return Option("Params", f"Param{number} - label:", "Name of an option of the program, without its dashes.")


def _value(number: int) -> Option:
    return Option("Params", f"Param{number} - value:", "Its value; empty for a switch.")


class External(QueueOptions, JobForm):
    """All options of an External job."""

    fn_exe: Annotated[str, Option("I/O", "External executable:", f"One of {_EXECUTABLES}.")] = "halfmap center"
    in_mov: Annotated[str, Option("I/O", "Input movies:", "Taken by none of halfmap's programs.")] = ""
    in_mic: Annotated[str, Option("I/O", "Input micrographs:", "Taken by none of halfmap's programs.")] = ""
    in_part: Annotated[
        str,
        Option(
            "I/O",
            "Input particles:",
            "STAR file of the particles, or an optimisation set that names them.",
            flags=("--i",),
            file_pattern="*.star",
            node_type="ParticleGroupMetadata.star.relion",
        ),
    ] = ""
    in_coords: Annotated[str, Option("I/O", "Input coordinates:", "Taken by none of halfmap's programs.")] = ""
    in_3dref: Annotated[
        str,
        Option("I/O", "Input 3D reference:", "A map.", file_pattern="*.mrc", node_type="DensityMap.mrc"),
    ] = ""
    in_mask: Annotated[
        str,
        Option("I/O", "Input 3D mask:", "A mask.", file_pattern="*.mrc", node_type="Mask3D.mrc"),
    ] = ""
    param1_label: Annotated[str, _label(1)] = ""
    param1_value: Annotated[str, _value(1)] = ""
    param2_label: Annotated[str, _label(2)] = ""
    param2_value: Annotated[str, _value(2)] = ""
    param3_label: Annotated[str, _label(3)] = ""
    param3_value: Annotated[str, _value(3)] = ""
    param4_label: Annotated[str, _label(4)] = ""
    param4_value: Annotated[str, _value(4)] = ""
    param5_label: Annotated[str, _label(5)] = ""
    param5_value: Annotated[str, _value(5)] = ""
    param6_label: Annotated[str, _label(6)] = ""
    param6_value: Annotated[str, _value(6)] = ""
    param7_label: Annotated[str, _label(7)] = ""
    param7_value: Annotated[str, _value(7)] = ""
    param8_label: Annotated[str, _label(8)] = ""
    param8_value: Annotated[str, _value(8)] = ""
    param9_label: Annotated[str, _label(9)] = ""
    param9_value: Annotated[str, _value(9)] = ""
    param10_label: Annotated[str, _label(10)] = ""
    param10_value: Annotated[str, _value(10)] = ""
    nr_threads: Annotated[
        int,
        Option(
            "Running",
            "Number of threads:",
            "Processor cores that are kept for the program.",
            slider=Slider(1, 16, 1),
            bounds=Bounds(at_least=1),
        ),
    ] = 1


def verb_of(job: External) -> str:
    """Name the program, by its words after ``halfmap``; "" if it is none of ours."""
    program, *words = job.fn_exe.split() or [""]
    verb = " ".join(words)
    return verb if program == "halfmap" and verb in VERBS else ""


def problems(job: External) -> list[Problem]:
    """Tell everything that keeps a job from running, as far as the options alone show it, in the form's order."""
    return in_form_order(External, [*_program(job), *_parameters(job), *redirections(job), *option_problems(job, {})])


def _program(job: External) -> Iterator[Problem]:
    for key in ("in_mov", "in_mic", "in_coords"):
        if getattr(job, key):
            yield problem_about(
                External, key, f"is {getattr(job, key)}; halfmap's programs take no such file, empty it"
            )
    verb = verb_of(job)
    if not verb:
        text = f"is {job.fn_exe!r}; only halfmap's own programs are started as such a job: {_EXECUTABLES}"
        yield problem_about(External, "fn_exe", text)
        return
    inputs = {"in_3dref": VERBS[verb].map, "in_mask": VERBS[verb].mask, "in_part": VERBS[verb].particles}
    for key, flag in inputs.items():
        if getattr(job, key) and not flag:
            yield problem_about(External, key, f"is {getattr(job, key)}, which halfmap {verb} does not take; empty it")
        if flag and key not in _OPTIONAL and not getattr(job, key):
            yield problem_about(External, key, f"is empty; halfmap {verb} needs it")


def _parameters(job: External) -> Iterator[Problem]:
    for number in _PARAMETERS:
        key = f"param{number}_label"
        label, value = getattr(job, key), getattr(job, f"param{number}_value")
        if label in _RESERVED:
            yield problem_about(External, key, f"is {label}, which the job says by itself; leave it out")
        elif label and not _LABEL.fullmatch(label):
            yield problem_about(External, key, f"is {label!r}; give the option's name without its dashes")
        elif value and not label:
            yield problem_about(External, key, f"is empty, but its value is {value}; name the option or empty both")


def refusals(_job: External) -> list[str]:
    """Tell what halfmap's program does not do: nothing, for all of them are its own."""
    return []


def words(job: External, folder: str) -> list[str]:
    """Give the program's options; `folder` is where the results go, with a slash at its end."""
    verb = VERBS[verb_of(job)]
    files = ((verb.map, job.in_3dref), (verb.mask, job.in_mask), (verb.particles, job.in_part))
    told = [word for flag, file in files if flag and file for word in (flag, file)]
    pairs = [(getattr(job, f"param{n}_label"), getattr(job, f"param{n}_value")) for n in _PARAMETERS]
    parameters = [word for label, value in pairs if label for word in (f"--{label}", value) if word]
    return [*told, "--o", f"{folder}{verb.output}", *parameters]
