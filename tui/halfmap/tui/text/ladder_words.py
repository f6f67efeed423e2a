"""A ladder of binnings in words: a step's most telling options, its job, and what its options depend on."""

from halfmap.daemon.client import LadderRow, LadderStep
from halfmap.tui.text.figures import figure
from halfmap.tui.text.plain import plain


def called(step: LadderStep) -> str:
    """Name a step in its rung: ``bin 2 refine``."""
    return f"bin {step.binning} {step.does}"


def job_of(step: LadderStep) -> str:
    """Name a step's job; "" while it is not queued."""
    return plain(step.job_name.rstrip("/"))


def most_telling(step: LadderStep) -> str:
    """Tell what of a step's options differs most from rung to rung."""
    values = {option.key: option.value for option in step.options}
    if step.does in ("extract", "reconstruct"):
        box = values.get("crop_size")
        return f"box {box} px" if box else ""
    if step.does == "refine":
        return _about_search(values)
    return ""


def _about_search(values: dict[str, str | None]) -> str:
    low_pass, sampling, reach = (values.get(key) for key in ("ini_high", "sampling", "offset_range"))
    if low_pass is None or sampling is None or reach is None:
        return "follows from the rung before"
    is_local = sampling == values.get("auto_local_sampling")
    angle = sampling.removesuffix(" degrees")
    return f"from {low_pass} Å, {angle}°{' local' if is_local else ''}, {reach} px"


def resolution_of(step: LadderStep) -> str:
    """Tell what a refinement came to."""
    return figure(step.resolution_angstrom, "Å")


def sentence(row: LadderRow) -> str:
    """Tell in a line how a ladder is."""
    place = f"bin {row.binning}" if row.binning else "nothing queued yet"
    return plain(
        f"{row.name} is {_STATES[row.state]} ({place}, {row.steps_done} of {row.steps} steps done): {row.reason}"
    )


_STATES = {"running": "under way", "stopped": "stopped", "trouble": "in trouble", "finished": "finished"}
