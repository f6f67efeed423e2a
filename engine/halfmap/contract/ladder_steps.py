"""The jobs of a ladder: which there are, what each takes from which, and every option with its reason.

Pure: from the file and from what earlier rungs came to. An input that another step makes is written with that step's
folder once it is known, and with its name before that, as ``(bin4.refine)/run_data.star``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfmap.contract.ladder_file import Ladder, StepName
from halfmap.contract.ladder_sampling import (
    Chosen,
    Reached,
    boxes_at,
    first_low_pass,
    first_offsets,
    first_sampling,
    local_from,
    sharpening,
)
from halfmap.contract.option import value_text

_LATER = "as soon as bin {} has been refined"


@dataclass(frozen=True, slots=True)
class Step:
    """One job of a ladder.

    Attributes
    ----------
    binning, name
        Its rung, and what it does there.
    options
        By job.star's keys, those that the ladder chooses and those that were set by hand.
    after
        Identities of the steps whose results it takes.
    why
        What it is for, or where it is not obvious, why it is there.
    """

    binning: int
    name: StepName
    options: Mapping[str, Chosen]
    after: tuple[str, ...] = ()
    why: str = ""

    @property
    def identity(self) -> str:
        """Such as ``bin2.refine``."""
        return identity(self.binning, self.name)

    @property
    def is_known(self) -> bool:
        """Whether all options have values."""
        return all(one.value is not None for one in self.options.values())


@dataclass(frozen=True, slots=True)
class Known:
    """What is known while a ladder is climbed.

    Attributes
    ----------
    pixel_size_angstrom
        Of the tilt series; None while the tomograms' file has not been read.
    jobs
        Folder of each step that was queued, by its identity.
    reached
        What the refinements that have finished came to, by binning.
    """

    pixel_size_angstrom: float | None
    jobs: Mapping[str, str] = field(default_factory=dict)
    reached: Mapping[int, Reached] = field(default_factory=dict)

    def output(self, step: str, file: str) -> str:
        """Name a file that a step makes."""
        return f"{self.jobs.get(step, f'({step})/')}{file}"


def identity(binning: int, name: StepName) -> str:
    """Name a step of a ladder."""
    return f"bin{binning}.{name}"


def all_steps(ladder: Ladder, known: Known) -> list[list[Step]]:
    """Give the steps of every rung, whether or not the ladder gets there."""
    return [rung_steps(ladder, place, known) for place in range(len(ladder.binnings))]


def rung_steps(ladder: Ladder, place: int, known: Known) -> list[Step]:
    """Give the steps of one rung in their order.

    Parameters
    ----------
    ladder
        All of it.
    place
        Of the rung, from 0.
    known
        What is known so far; options that depend on more have no value yet.
    """
    rung = _Rung(ladder, place, known)
    wanted = {
        "center": rung.is_centred,
        "extract": rung.is_extracted,
        "reconstruct": rung.is_reconstructed,
        "refine": True,
        "postprocess": ladder.sharpen and bool(ladder.mask),
    }
    makers = {
        "center": rung.center,
        "extract": rung.extract,
        "reconstruct": rung.reconstruct,
        "refine": rung.refine,
        "postprocess": rung.postprocess,
    }
    return [rung.with_hand_set(makers[name]()) for name in makers if wanted[name]]


class _Rung:
    """The steps of one rung; each method makes one."""

    def __init__(self, ladder: Ladder, place: int, known: Known) -> None:
        self.ladder, self.known = ladder, known
        self.binning = ladder.binnings[place]
        self.before = ladder.binnings[place - 1] if place else None
        # other groups have several axes, which meet in the centre
        has_free_axis = ladder.symmetry[:1] in "Cc"
        self.is_centred = self.before is not None and ladder.centre and bool(ladder.mask) and has_free_axis
        self.is_extracted = self.before is not None or ladder.first_step == "extract"
        self.is_reconstructed = self.before is not None or not ladder.reference

    def id(self, name: StepName) -> str:
        return identity(self.binning, name)

    def with_hand_set(self, step: Step) -> Step:
        by_hand = self.ladder.set_by_hand(step.binning, step.name)
        where = f"set in ladder.toml, [{step.name}]"
        own = f"set in ladder.toml, [bin.{step.binning}.{step.name}]"
        of_rung = self.ladder.bin[step.binning].of(step.name) if step.binning in self.ladder.bin else {}
        given = {key: Chosen(value, own if key in of_rung else where) for key, value in by_hand.items()}
        return Step(step.binning, step.name, {**step.options, **given}, step.after, step.why)

    # --- where particles come from ---------------------------------------------------------------------------------

    def particles_before(self) -> tuple[dict[str, Chosen], tuple[str, ...]]:
        """Input options of the rung's first step, and which step makes them."""
        if self.before is None:
            return self.given_particles(), ()
        step = identity(self.before, "refine")
        why = f"particles with their poses of bin {self.before}"
        return {"in_optimisation": Chosen(self.known.output(step, "run_optimisation_set.star"), why)}, (step,)

    def given_particles(self) -> dict[str, Chosen]:
        ladder, why = self.ladder, "what the ladder starts from"
        if ladder.optimisation_set:
            return {"in_optimisation": Chosen(ladder.optimisation_set, why)}
        given = {
            "use_direct_entries": "Yes",
            "in_particles": ladder.particles,
            "in_tomograms": ladder.tomograms,
            "in_trajectories": ladder.trajectories,
        }
        return {key: Chosen(value, why) for key, value in given.items() if value}

    def particles_here(self) -> tuple[dict[str, Chosen], tuple[str, ...]]:
        """Input options of a step that takes the rung's extracted particles."""
        if not self.is_extracted:
            return self.given_particles(), ()
        step = self.id("extract")
        why = f"particles extracted at bin {self.binning}"
        return {"in_optimisation": Chosen(self.known.output(step, "optimisation_set.star"), why)}, (step,)

    # --- the steps -------------------------------------------------------------------------------------------------

    def center(self) -> Step:
        before = identity(self.before or self.binning, "refine")
        poses = self.known.output(before, "run_optimisation_set.star")
        options = {
            "fn_exe": Chosen("halfmap center", "one of halfmap's own programs"),
            "in_part": Chosen(poses, f"particles with their poses of bin {self.before}"),
            "in_3dref": Chosen(self.known.output(before, "run_class001.mrc"), f"map refined at bin {self.before}"),
            "in_mask": Chosen(
                self.ladder.mask, "made for the structure in the centre: particles move to where it fits"
            ),
            "param1_label": Chosen("sym", "an option of the program"),
            "param1_value": Chosen(self.ladder.symmetry, "symmetry: particles move along what it leaves free"),
        }
        return Step(self.binning, "center", options, (before,), "so that the structure lies where the mask has it")

    def extract(self) -> Step:
        given, after = self.particles_before()
        if self.is_centred:
            step = self.id("center")
            centred = Chosen(self.known.output(step, "optimisation_set.star"), "particles centred on the mask")
            given, after = {"in_optimisation": centred}, (step,)
        return Step(self.binning, "extract", given | self.boxes() | self.running(), after)

    def reconstruct(self) -> Step:
        given, after = self.particles_here()
        options = given | self.boxes() | self.symmetry() | self.running()
        return Step(self.binning, "reconstruct", options, after, "reference at this pixel size")

    def refine(self) -> Step:
        given, after = self.particles_here()
        ladder = self.ladder
        reference, made_by = self.reference()
        options = given | reference | self.symmetry() | self.search()
        options["particle_diameter"] = Chosen(value_text(ladder.mask_diameter), "mask_diameter")
        if ladder.mask:
            options["fn_mask"] = Chosen(ladder.mask, "brought to this pixel size and box by the refinement")
        options |= {"nr_mpi": Chosen(f"{ladder.ranks}", "ranks"), "nr_threads": Chosen(f"{ladder.threads}", "threads")}
        if ladder.gpu:
            options |= {"use_gpu": Chosen("Yes", "gpu"), "gpu_ids": Chosen(ladder.gpu_ids, "gpu_ids")}
        return Step(self.binning, "refine", options, (*after, *made_by))

    def postprocess(self) -> Step:
        step = self.id("refine")
        half_map = self.known.output(step, "run_half1_class001_unfil.mrc")
        options = {
            "fn_in": Chosen(half_map, f"half maps refined at bin {self.binning}"),
            "fn_mask": Chosen(self.ladder.mask, "brought to this pixel size and box by the program"),
            "do_auto_bfac": self.sharpening(),
        }
        return Step(self.binning, "postprocess", options, (step,))

    def sharpening(self) -> Chosen:
        reached, pixel_size = self.known.reached.get(self.binning), self.known.pixel_size_angstrom
        if reached is None or pixel_size is None:
            return Chosen(None, _LATER.format(self.binning))
        set_by_hand = self.ladder.set_by_hand(self.binning, "postprocess").get("autob_lowres", "")
        return sharpening(reached, self.ladder.box_at_bin_1_px(pixel_size) * pixel_size, set_by_hand)

    # --- groups of options -----------------------------------------------------------------------------------------

    def symmetry(self) -> dict[str, Chosen]:
        return {"sym_name": Chosen(self.ladder.symmetry, "symmetry")}

    def running(self) -> dict[str, Chosen]:
        return {"nr_threads": Chosen(f"{self.ladder.ranks * self.ladder.threads}", "ranks × threads")}

    def boxes(self) -> dict[str, Chosen]:
        binning = {"binning": Chosen(f"{self.binning}", "the rung")}
        pixel_size = self.known.pixel_size_angstrom
        if pixel_size is None and self.ladder.box_px is None:
            unknown = Chosen(None, "as soon as the pixel size of the tilt series has been read")
            return binning | {"box_size": unknown, "crop_size": unknown}
        boxes = boxes_at(self.binning, self.ladder.box_at_bin_1_px(pixel_size or 1.0), self.ladder.extraction_margin)
        margin = f"extraction_margin = {value_text(self.ladder.extraction_margin)}: signal that the CTF spreads"
        return binning | {
            "box_size": Chosen(f"{boxes.extraction_px}", margin),
            "crop_size": Chosen(f"{boxes.particle_px}", boxes.why),
        }

    def reference(self) -> tuple[dict[str, Chosen], tuple[str, ...]]:
        if not self.is_reconstructed:
            why = "a map from elsewhere, whose grey scale is not that of these particles"
            return {
                "fn_ref": Chosen(self.ladder.reference, "reference"),
                "ref_correct_greyscale": Chosen("No", why),
                "ini_high": self.first_low_pass(),
            }, ()
        step = self.id("reconstruct")
        scale = Chosen("No", "maps of Reconstruct are the square root of their box times the particles' grey scale")
        if self.before is None:
            merged = self.known.output(step, "merged.mrc")
            return {
                "fn_ref": Chosen(merged, "reconstructed with the poses that the particles came with"),
                "ref_correct_greyscale": scale,
                "ini_high": self.first_low_pass(),
            }, (step,)
        half = Chosen(self.known.output(step, "half1.mrc"), "each half set starts from its own half map")
        reached = self.known.reached.get(self.before)
        low_pass = first_low_pass(reached) if reached else self.later()
        return {"fn_ref": half, "ref_correct_greyscale": scale, "ini_high": low_pass}, (step,)

    def first_low_pass(self) -> Chosen:
        return Chosen(value_text(self.ladder.first_low_pass), "first_low_pass: both halves find their details alone")

    def search(self) -> dict[str, Chosen]:
        keys = ("sampling", "auto_local_sampling", "offset_range", "offset_step")
        if self.before is None:
            values = ("7.5 degrees", "1.8 degrees", "5", "1")
            why = "RELION's default: orientations are searched everywhere"
            prior = Chosen(value_text(self.ladder.sigma_tilt), "sigma_tilt: at the first rung only")
            given = {"sigma_tilt": prior} if self.ladder.sigma_tilt > 0 else {}
            return {key: Chosen(value, why) for key, value in zip(keys, values, strict=True)} | given
        reached, pixel_size = self.known.reached.get(self.before), self.known.pixel_size_angstrom
        if reached is None or pixel_size is None:
            return dict.fromkeys(keys, self.later())
        sampling = first_sampling(reached, self.ladder.mask_diameter)
        offsets = first_offsets(reached, pixel_size * self.binning)
        return dict(zip(keys, (sampling, local_from(sampling), *offsets), strict=True))

    def later(self) -> Chosen:
        return Chosen(None, _LATER.format(self.before))
