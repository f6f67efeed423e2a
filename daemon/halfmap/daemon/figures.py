"""Figures of a running job: passing ones kept in memory, those of finished iterations written down, alarms raised."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.attempt_files import Spec
from halfmap.daemon.command import demand
from halfmap.daemon.following import Look
from halfmap.daemon.job_list import row_of
from halfmap.daemon.observing import Observation
from halfmap.daemon.options import job_of
from halfmap.daemon.parts import Parts
from halfmap.daemon.stall_watch import StallWatch
from halfmap.daemon.store import Job

_SHOWN = ("accuracy_rotation_deg", "accuracy_translation_angstrom", "angular_step_deg")


def progress_columns(look: Look) -> dict[str, Any]:
    """Columns of the store that follow from the last finished iteration; none if there is none."""
    if look.latest is None:
        return {}
    before = look.iterations[-2] if len(look.iterations) > 1 else None
    figures = {name: look.latest[name] for name in _SHOWN}
    if before is not None:
        figures["resolution_before_angstrom"] = before["resolution_angstrom"]
    return {
        "iteration": look.latest["iteration"],
        "resolution": look.latest["resolution_angstrom"],
        "figures": json.dumps(figures),
    }


def passing_figures(look: Look) -> dict[str, Any]:
    """Fields of `JobRow` that change too often to be written down."""
    found: dict[str, Any] = {
        "phase": look.phase,
        "fraction": look.fraction,
        "step_seconds": look.step_seconds,
        "ends_about": look.ends_about,
    }
    if look.iteration is not None:
        found["iteration"] = look.iteration
    return found


class Figures:
    """Figures of one attempt.

    Parameters
    ----------
    parts, job, spec
        What the daemon is made of, and the attempt.
    """

    def __init__(self, parts: Parts, job: Job, spec: Spec) -> None:
        self._parts = parts
        self._job = job
        self._spec = spec
        self._resolution: float | None = None
        self._stalls = StallWatch(parts, job, spec)
        wanted = demand(job_of(job.kind, job.options), job.launch)
        self._fixed = {"cores": wanted.cores, "memory_mb": job.launch.memory_mb}

    async def update(self, seen: Observation) -> None:
        """Take what was seen."""
        look = seen.look
        live = self._parts.live_of(self._job.job)
        live.figures = {**self._fixed, **passing_figures(look)}
        if look.iterations and look.latest is not None:
            live.iteration = look.latest["iteration"]
            self._write_down(look)
            self._learn(look)
            await self._tell_resolution(look.latest)
        if seen.end is None:
            await self._stalls.look(seen)

    def tell_reason(self, words: str) -> None:
        """Show why an attempt that Slurm has does not run yet."""
        store, job = self._parts.store, self._job.job
        found = store.job(job)
        if found is not None and found.reason != words:
            self._parts.written(lambda: store.change_job(job, event="waits", text=words, reason=words))

    def _write_down(self, look: Look) -> None:
        columns = progress_columns(look)
        if "resolution_before_angstrom" not in columns["figures"] and self._resolution is not None:
            figures = json.loads(columns["figures"]) | {"resolution_before_angstrom": self._resolution}
            columns["figures"] = json.dumps(figures)
        self._resolution = columns["resolution"]
        resolution = "" if columns["resolution"] is None else f", {columns['resolution']:.2f} Å"
        text = f"iteration {columns['iteration']}{resolution}"
        store, job = self._parts.store, self._job.job
        self._parts.written(lambda: store.change_job(job, event="iteration", text=text, **columns))

    def _learn(self, look: Look) -> None:
        """Remember how much memory a rank took: the next prediction for this box is better.

        Only the joined last iteration counts, which takes the most.
        """
        if not (look.latest or {}).get("converged"):
            return
        memory = [value for value in (look.latest or {}).get("memory_mb", ()) if value]
        run = look.run
        job = job_of(self._job.kind, self._job.options)
        if run is not None and run.box_size_px and memory and isinstance(job, Refine3D):
            padding = 1 if job.do_pad1 else 2
            version, box, peak = run.version, run.box_size_px, max(memory)
            self._parts.written(lambda: self._parts.store.note_peak(version, box, padding, peak))

    async def _tell_resolution(self, latest: Mapping[str, Any]) -> None:
        wanted, reached = self._job.launch.notify_at_angstrom, latest["resolution_angstrom"]
        if wanted is None or reached is None or reached > wanted:
            return
        row = row_of(self._parts.store.connection, self._job.job)
        if row is not None:
            with contextlib.suppress(Exception):
                await self._parts.notifier.tell("resolution", row)
