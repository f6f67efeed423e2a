"""Figures as tables for a person, and as JSON for a program."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.growth import Growth
from tests.bench.measuring import Figure, usable_cores
from tests.bench.whole import PHASES, Whole, figures

_WIDTH = 140


def make_console() -> Console:
    """Write to standard output: with colours on a terminal, else in plain wide lines."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def number(value: float) -> str:
    """Write three significant digits, and large numbers without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def figures_table(title: str, figures: Sequence[Figure]) -> Table:
    """Lay out figures, one a line."""
    table = _table(title, ("figure", "left"), ("value", "right"), ("unit", "left"), ("", "left"))
    for figure in figures:
        share = "" if figure.of_reference is None else f"{figure.of_reference:.0%} "
        table.add_row(figure.name, number(figure.value), figure.unit, share + figure.note)
    return table


def iterations_table(whole: Whole) -> Table:
    """Lay out the seconds of each phase, an iteration a line."""
    columns = (
        "iteration",
        "searches",
        "HEALPix order",
        "coarse (px)",
        "fine (px)",
        *(f"{phase} (s)" for phase in PHASES),
    )
    title = f"refinement of {whole.particles} particles in boxes of {whole.box_px} px: seconds by phase"
    table = _table(title, *((name, "right") for name in columns))
    for place, record in enumerate(whole.iterations):
        searches = "local" if record.local_searches else "global"
        sizes = (record.healpix_order, record.coarse_size_px, record.current_size_px)
        seconds = (number(whole.seconds_of(place, phase)) for phase in PHASES)
        table.add_row(f"{record.iteration}", searches, *map(str, sizes), *seconds)
    return table


def growth_table(growth: Growth) -> Table:
    """Lay out the points of an axis, and how they grow."""
    size = f"{growth.axis} ({growth.unit})" if growth.unit else growth.axis
    names = (size, "expectation (s)", "G pose-pixels", "peak memory (MB)", "above the start (MB)")
    table = _table(f"one expectation step: growth with the {growth.axis}", *((name, "right") for name in names))
    for point in growth.points:
        amounts = (point.seconds, point.pose_pixels / 1e9, point.peak_mb, point.above_start_mb)
        table.add_row(f"{point.size}", *map(number, amounts))
    slopes = [growth.slope(name) for name in ("seconds", "pose_pixels", "peak_mb", "above_start_mb")]
    if growth.doubling:
        table.add_row("exponent", *(f"{slope:.2f}" for slope in slopes))
    else:
        table.add_row("each order", *(f"× {2**slope:.2f}" for slope in slopes))
    return table


def _table(title: str, *columns: tuple[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name, justify in columns:
        table.add_column(name, justify=justify)
    return table


def machine() -> dict[str, Any]:
    """Describe what the figures were measured on."""
    return {
        "halfmap": version("halfmap"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "numba": version("numba"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": usable_cores(),
    }


def growth_record(growth: Growth) -> dict[str, Any]:
    """Put an axis into plain values."""
    slopes = {name: growth.slope(name) for name in ("seconds", "pose_pixels", "peak_mb", "above_start_mb")}
    kind = "exponent" if growth.doubling else "log2_of_factor_per_step"
    return {**asdict(growth), kind: slopes}


def whole_record(whole: Whole) -> dict[str, Any]:
    """Put refinements of one size into plain values."""
    return {
        "particles": whole.particles,
        "box_px": whole.box_px,
        "figures": [asdict(figure) for figure in figures(whole)],
        "iterations": [record.model_dump(mode="json", exclude={"fsc"}) for record in whole.iterations],
        "seconds": [
            {phase: whole.seconds_of(place, phase) for phase in PHASES} for place in range(len(whole.iterations))
        ],
    }
