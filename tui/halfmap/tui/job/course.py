"""The course of a refinement, iteration by iteration, as charts draw it and sentences tell it.

The records come from the daemon (`halfmap.daemon.client.Service.iterations`), whichever program ran the job. Values
that are not known are None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Iteration:
    """A finished iteration; the fields are those of ``iteration_finished`` in ``docs/files.md``."""

    iteration: int
    resolution_angstrom: float | None = None
    resolution_fsc_143_angstrom: float | None = None
    fsc: tuple[float | None, ...] = ()
    accuracy_rotation_deg: float | None = None
    accuracy_translation_angstrom: float | None = None
    angular_step_deg: float | None = None
    offset_step_angstrom: float | None = None
    offset_range_angstrom: float | None = None
    healpix_order: int | None = None
    local_searches: bool | None = None
    current_size_px: int | None = None
    coarse_size_px: int | None = None
    changes_orientations_deg: float | None = None
    changes_offsets_angstrom: float | None = None
    iterations_without_resolution_gain: int | None = None
    iterations_without_assignment_changes: int | None = None
    average_pmax: float | None = None
    significant_samples_mean: float | None = None
    log_likelihood: float | None = None
    sigma_offset_angstrom: float | None = None
    seconds: Mapping[str, float | None] = field(default_factory=dict)
    memory_mb: tuple[float | None, ...] = ()
    converged: bool = False


_NAMES = frozenset(one.name for one in fields(Iteration))


@dataclass(frozen=True, slots=True)
class Course:
    """The iterations of one job.

    Attributes
    ----------
    name
        What to call the job in a legend.
    iterations
        In order of their numbers.
    box_px, pixel_size_angstrom
        Of the reference; None if not known. Shell s lies at s / (box · pixel size) 1/Å.
    """

    name: str = ""
    iterations: tuple[Iteration, ...] = ()
    box_px: int | None = None
    pixel_size_angstrom: float | None = None

    @property
    def nyquist_angstrom(self) -> float | None:
        """The finest resolution that the pixel size allows (Å)."""
        return None if self.pixel_size_angstrom is None else 2 * self.pixel_size_angstrom

    def at(self, iteration: int | None) -> Iteration | None:
        """Give the iteration of a number; the last one for None."""
        if iteration is None:
            return self.iterations[-1] if self.iterations else None
        return next((one for one in self.iterations if one.iteration == iteration), None)


def iterations_from(records: Sequence[Mapping[str, Any]]) -> tuple[Iteration, ...]:
    """Read the daemon's records; fields that are not known here are passed over, records without a number too."""
    read = [_iteration(record) for record in records if isinstance(record.get("iteration"), int)]
    return tuple(sorted(read, key=lambda one: one.iteration))


def _iteration(record: Mapping[str, Any]) -> Iteration:
    values = {name: value for name, value in record.items() if name in _NAMES and value is not None}
    for name in ("fsc", "memory_mb"):
        if name in values:
            values[name] = tuple(values[name])
    return Iteration(**values)
