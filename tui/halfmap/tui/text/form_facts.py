"""What a form's job would work on and take, in words; and what stands beside single fields because of it."""

import math
from collections.abc import Iterator, Mapping

from halfmap.daemon.client import FormCheck
from halfmap.tui.form.form import Form
from halfmap.tui.text.figures import megabytes, rough_duration

COARSE_STEP_KEY = "sampling"
_OF_SET: Mapping[str, str] = {
    "in_particles": "rlnTomoParticlesFile",
    "fn_img": "rlnTomoParticlesFile",
    "in_tomograms": "rlnTomoTomogramsFile",
    "in_trajectories": "rlnTomoTrajectoriesFile",
}
"""Fields that overrule what the optimisation set names, and the label it names it by."""
_BESIDE_SET: Mapping[str, str] = {"fn_ref": "rlnTomoReferenceMap1File", "fn_mask": "rlnTomoReferenceMaskFile"}
"""Fields whose file a set may name too, which a refinement does not take by itself."""


def from_set(key: str, check: FormCheck) -> str:
    """Tell what the optimisation set holds in place of an empty field."""
    if named := _named(_OF_SET.get(key, ""), check):
        return f"from the set: {named}"
    beside = _named(_BESIDE_SET.get(key, ""), check)
    return f"the set names {beside}" if beside else ""


def _named(label: str, check: FormCheck) -> str:
    name = check.set_names.get(label, "")
    return name if _is_file(name) else ""


def _is_file(name: str) -> bool:
    """Whether a set's cell names a file; RELION writes None or two quotation marks for none."""
    return name not in ("", "None", '""')


def _word(label: str) -> str:
    """Call a label of a set as people do: ``rlnTomoParticlesFile`` is particles."""
    return label.removeprefix("rlnTomo").removesuffix("File").lower()


def work(check: FormCheck) -> str:
    """Tell what the job works on, in a line; empty if it is not known."""
    box = f"{check.box_px} px" if check.box_px else ""
    pixel = f"{check.pixel_size_angstrom:g} Å/px" if check.pixel_size_angstrom else ""
    count = "" if check.particles is None else f"{check.particles:,} particle{'s' * (check.particles != 1)}"
    return " · ".join(part for part in (count, box, pixel) if part)


def cost(check: FormCheck) -> str:
    """Tell what the job would take, in a line; empty if it is not known."""
    memory = f"memory {megabytes(check.memory_mb)}" if check.memory_mb else ""
    disk = f"disk {megabytes(check.disk_mb)}" if check.disk_mb else ""
    lasts = f"~ {rough_duration(check.seconds)}" if check.seconds is not None else ""
    return " · ".join(part for part in (memory, disk, lasts) if part)


def duration(check: FormCheck) -> str:
    """Tell how long the job may take, and what that rests on."""
    if check.seconds is None:
        return check.seconds_are_from
    told = f"about {rough_duration(check.seconds)}"
    return f"{told} ({check.seconds_are_from})" if check.seconds_are_from else told


def coarse_step(form: Form, check: FormCheck) -> str:
    """Tell which angular step is fine enough to begin with; empty if that is not known."""
    step = check.coarse_step_deg
    resolution, diameter = _positive(form.value("ini_high")), _positive(form.value("particle_diameter"))
    if step is None or not resolution or not diameter:
        return ""
    fine = _coarsest(form, step)
    told = f": sampling of {fine:g}° or finer" if fine else ""
    return f"arctan(2·{resolution:g} Å/{diameter:g} Å) = {step:.1f}°{told}"


def step_advice(form: Form, check: FormCheck) -> str:
    """Tell the same in a few words, for beside the choice."""
    fine = _coarsest(form, check.coarse_step_deg or 0.0)
    return f"{fine:g}° or finer" if fine else ""


def _coarsest(form: Form, step: float) -> float:
    """Give the coarsest choice (°) that is no coarser than a step; 0 for none."""
    row = form.row(COARSE_STEP_KEY)
    offered = (_positive(text.partition(" ")[0]) for text in (row.choices if row else ()))
    return max((one for one in offered if one <= step), default=0.0)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0


def in_full(form: Form, check: FormCheck, has_looked: bool) -> Iterator[str]:
    """Tell all facts, a line each."""
    if not has_looked:
        yield "The files have not been looked at yet."
    yield from (line for line in (work(check), _cost_of("memory", check.memory_mb)) if line)
    yield from (line for line in (_cost_of("disk", check.disk_mb), duration(check)) if line)
    if told := coarse_step(form, check):
        yield told
    for label, name in check.set_names.items():
        yield f"{_word(label)} of the set: {name if _is_file(name) else 'none'}"


def _cost_of(what: str, amount: float | None) -> str:
    return f"{what} {megabytes(amount)}" if amount else ""


def command_lines(command: tuple[str, ...]) -> Iterator[str]:
    """Write a command with each option on a line of its own."""
    line = ""
    for word in command:
        if word.startswith("--") and line:
            yield line
            line = "  "
        line += f"{' ' if line.strip() else ''}{quoted(word)}"
    if line.strip():
        yield line


def quoted(word: str) -> str:
    """Quote a word as a shell would need it."""
    is_plain = word and all(one.isalnum() or one in "-_./:,=+@%" for one in word)
    return word if is_plain else "'" + word.replace("'", "'\\''") + "'"
