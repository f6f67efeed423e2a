"""A binning ladder as a file: refine at a coarse binning, extract again more finely, refine again, down to bin 1.

The file is TOML. Tables named after a step (``[refine]``) hold options of the job at every rung, ``[bin.2.refine]``
those at one rung; their keys are those of RELION's ``job.star``.
"""

import difflib
import itertools
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from halfmap.contract.job_star import can_stand_in_star
from halfmap.contract.job_types import EXTERNAL, EXTRACT, POSTPROCESS, RECONSTRUCT, REFINE3D, JobType
from halfmap.contract.option import value_text
from halfmap.contract.spelling import SYMMETRIES, is_symmetry

StepName = Literal["center", "extract", "reconstruct", "refine", "postprocess"]
STEP_NAMES: tuple[StepName, ...] = get_args(StepName)
"""The steps of a rung, in their order."""

JOB_TYPE: Mapping[StepName, JobType] = {
    "center": EXTERNAL,
    "extract": EXTRACT,
    "reconstruct": RECONSTRUCT,
    "refine": REFINE3D,
    "postprocess": POSTPROCESS,
}
"""Which job each step is."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a ladder may be called: its folder has that name."""


class BadLadder(ValueError):
    """A ladder file that cannot be used; `problems` are sentences, all of them at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def _option_text(value: Any) -> str:
    if isinstance(value, bool | int | float | str):
        text = value_text(value)
        if can_stand_in_star(text):
            return text
    raise ValueError("must be a text of one line, a number, true or false")


OptionText = Annotated[str, BeforeValidator(_option_text)]
"""An option's value as it stands in ``job.star``; numbers, true and false of TOML are written so."""

Options = dict[str, OptionText]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=4096)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepOptions(_Table):
    """Options that a person has set for the steps of a rung, by job.star's keys."""

    center: Options = Field(default_factory=dict)
    extract: Options = Field(default_factory=dict)
    reconstruct: Options = Field(default_factory=dict)
    refine: Options = Field(default_factory=dict)
    postprocess: Options = Field(default_factory=dict)

    def of(self, step: StepName) -> Options:
        """Options of one step."""
        found: Options = getattr(self, step)
        return found


class Ladder(StepOptions):
    """All of a ladder; files are named relative to the project.

    Attributes
    ----------
    optimisation_set, particles, tomograms, trajectories
        What to start from: the set, or the files one by one.
    first_step
        ``extract``: the particles are positions, cut out at the first binning; ``refine``: they were extracted there.
    reference
        Map to start from; without one the first rung reconstructs it with the particles' own poses.
    mask
        Soft mask on the reference; its centre is where particles are centred, and post-processing needs it.
    symmetry
        Point group.
    mask_diameter
        Diameter of the soft sphere around each particle (Å).
    sigma_tilt
        Width of the prior on tilt (deg) at the first rung, for particles on membranes; -1: none. Later rungs search
        around the poses that are known.
    first_low_pass
        Low-pass of the first reference (Å).
    binnings
        One rung each, coarse to fine.
    box_px, box_angstrom
        Box of the particles, in pixels of the tilt series or in Å: one of them.
    extraction_margin
        Box in which the CTF is applied, over the particles' box.
    pixel_size
        Of the tilt series (Å); None: the tomograms' file tells.
    centre, sharpen
        Whether particles are centred on the mask between two rungs, and maps post-processed after each rung; both need
        a mask.
    stop_below_nyquist
        The ladder ends at a rung whose resolution is coarser than this many times its Nyquist limit; 0: never.
    ranks, threads, gpu, gpu_ids, cards, place, engine, priority
        How the jobs run; `cards` and `gpu` are about refinements.
    bin
        Options of single rungs, by binning.
    """

    optimisation_set: OptionText = ""
    particles: OptionText = ""
    tomograms: OptionText = ""
    trajectories: OptionText = ""
    first_step: Literal["extract", "refine"] = "extract"
    reference: OptionText = ""
    mask: OptionText = ""
    symmetry: str = "C1"
    mask_diameter: Positive
    sigma_tilt: Annotated[float, Field(ge=-1, le=90, allow_inf_nan=False)] = -1
    first_low_pass: Positive = 60
    binnings: Annotated[tuple[Count, ...], Field(min_length=1, max_length=20)] = (4, 2, 1)
    box_px: Annotated[int, Field(ge=16, le=8192)] | None = None
    box_angstrom: Positive | None = None
    extraction_margin: Annotated[float, Field(ge=1, le=4)] = 2.0
    pixel_size: Positive | None = None
    centre: bool = True
    sharpen: bool = True
    stop_below_nyquist: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 1.5
    ranks: Count = 3
    threads: Count = 1
    gpu: bool = False
    gpu_ids: OptionText = ""
    cards: Annotated[int, Field(ge=0, le=1024)] | None = None
    place: Annotated[str, Field(pattern=r"^(here|slurm(:[A-Za-z0-9_.-]{1,64})?)$")] = "here"
    engine: Literal["halfmap", "relion"] = "halfmap"
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    bin: dict[int, StepOptions] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> "Ladder":
        if found := [*_inputs_problems(self), *_rung_problems(self)]:
            raise ValueError("\n".join(found))
        return self

    def set_by_hand(self, binning: int, step: StepName) -> Mapping[str, str]:
        """Options of a step that stand in the file; those of its rung win over those of all rungs."""
        return self.of(step) | self.bin.get(binning, StepOptions()).of(step)

    def box_at_bin_1_px(self, pixel_size_angstrom: float) -> float:
        """Box of the particles in pixels of the tilt series."""
        return float(self.box_px) if self.box_px is not None else (self.box_angstrom or 0.0) / pixel_size_angstrom


def _inputs_problems(ladder: Ladder) -> list[str]:
    one_by_one = [name for name in ("particles", "tomograms", "trajectories") if getattr(ladder, name)]
    found = []
    if ladder.optimisation_set and one_by_one:
        found.append(f"optimisation_set is given and {', '.join(one_by_one)} too; keep one way of naming the input")
    if not ladder.optimisation_set and not {"particles", "tomograms"} <= {*one_by_one}:
        found.append("name what to start from: optimisation_set, or particles and tomograms")
    if not is_symmetry(ladder.symmetry):
        found.append(f"symmetry is {ladder.symmetry!r}; give one of {SYMMETRIES}")
    if ladder.first_step == "refine" and not ladder.reference:
        found.append("first_step is refine, which needs a reference; name one, or let the ladder begin with extract")
    return found


def _rung_problems(ladder: Ladder) -> list[str]:
    bins = ladder.binnings
    told = ", ".join(f"{one}" for one in bins)
    found = []
    if any(coarse <= fine for coarse, fine in itertools.pairwise(bins)):
        found.append(f"binnings are {told}; give them from coarse to fine, each once")
    if extra := sorted(ladder.bin.keys() - {*bins}):
        found.append(f"there are options for bin {', '.join(f'{one}' for one in extra)}, but the binnings are {told}")
    if (ladder.box_px is None) == (ladder.box_angstrom is None):
        found.append("give the particles' box by one of box_px (pixels of the tilt series) and box_angstrom")
    return found


def read_ladder(text: str) -> Ladder:
    """Read a ladder file from its TOML.

    Raises
    ------
    BadLadder
        With everything that is wrong.
    """
    try:
        ladder = Ladder.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadLadder([f"this is no TOML: {error}"]) from None
    except ValidationError as error:
        raise BadLadder([line for one in error.errors() for line in _sentences(one)]) from None
    if found := _unknown_options(ladder):
        raise BadLadder(found)
    return ladder


def _unknown_options(ladder: Ladder) -> list[str]:
    tables: dict[str, StepOptions] = {"": ladder} | {f"bin.{one}.": given for one, given in ladder.bin.items()}
    return [
        f"[{prefix}{step}] {key}: this job has no such option{_meant(key, JOB_TYPE[step].options)}"
        for prefix, given in tables.items()
        for step in STEP_NAMES
        for key in given.of(step)
        if key not in JOB_TYPE[step].options
    ]


def _sentences(error: ErrorDetails) -> list[str]:
    where = [f"{part}" for part in error["loc"] if part != "[key]"]
    if not where:
        return error["msg"].removeprefix("Value error, ").splitlines()
    name = ".".join(where)
    if error["type"] == "extra_forbidden":
        return [f"{name}: there is no such entry{_meant(where[-1], [*Ladder.model_fields])}"]
    if error["type"] == "missing":
        return [f"{name}: is missing"]
    return [f"{name}: {error['msg'].removeprefix('Value error, ')}"]


def _meant(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {close[0]}?" if close else ""
