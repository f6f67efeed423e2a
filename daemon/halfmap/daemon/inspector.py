"""Looking at files for whoever asks: a job's, those that a form names, and those that complete a path."""

import asyncio
import logging
from pathlib import Path

from halfmap.contract.refine3d import job_from_values
from halfmap.daemon.acceptance import refused
from halfmap.daemon.browsing import completions, is_outside
from halfmap.daemon.command import demand
from halfmap.daemon.form_check import check_options
from halfmap.daemon.form_look import about_machine, with_files
from halfmap.daemon.inspection import FormCheck, FormDraft, FormProblem, JobFiles, PathRow
from halfmap.daemon.job_files import job_files
from halfmap.daemon.lanes import Hung
from halfmap.daemon.options import job_of, texts_of
from halfmap.daemon.parts import Parts
from halfmap.daemon.past_runs import ended_jobs, past_runs
from halfmap.daemon.recorded_command import options_of_folder
from halfmap.daemon.scheduler import Machine
from halfmap.daemon.state import JobState
from halfmap.daemon.store import Job

_ELSEWHERE = Path("/")
"""Name of the thread for places outside of projects: what hangs there keeps no project waiting."""
_OPTIONS_S = 2.0

_log = logging.getLogger(__name__)


class Inspector:
    """Looks, in the threads of the projects; changes nothing.

    Parameters
    ----------
    parts
        What the daemon is made of.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def files(self, job: Job) -> JobFiles:
        """Tell where a job's files are; raises `Refused` if they cannot be looked for."""
        if not job.name or job.state is JobState.PREPARING:
            return JobFiles()
        options = None if job.followed else job_of(job.kind, job.options)
        try:
            return await self._parts.in_project(
                job.project, job_files, job.project, job.name, options, job.state.is_active
            )
        except Hung as error:
            raise refused("unavailable", str(error)) from None

    async def options_of_followed(self, job: Job) -> tuple[dict[str, str], str]:
        """Give the options of a job that somebody else made, and what a person should know of them ("" for nothing)."""
        try:
            look = self._parts.in_project(job.project, options_of_folder, job.folder)
            found, remark = await asyncio.wait_for(look, _OPTIONS_S)
        except (Hung, TimeoutError):
            return {}, f"{job.name} does not answer just now; its file system may hang."
        # JSON holds no bytes of another encoding
        texts = texts_of(found) if found else {}
        return {key: text.encode(errors="replace").decode() for key, text in texts.items()}, remark

    async def check_form(self, draft: FormDraft, machine: Machine) -> FormCheck:
        """Tell everything that is wrong with a form, and what the job would take."""
        project = Path(draft.project)
        if draft.looks_at_files:
            self._check_watched(project)
        checked = check_options(draft, self._parts.settings, self._parts.environ)
        job, _ = job_from_values(draft.options)
        if draft.launch.place == "here":
            warnings = tuple(about_machine(demand(job, draft.launch), machine))
            checked = checked.model_copy(update={"warnings": warnings})
        return await self._looked_at(checked, draft) if draft.looks_at_files else checked

    async def _looked_at(self, checked: FormCheck, draft: FormDraft) -> FormCheck:
        project, store = Path(draft.project), self._parts.store
        job, _ = job_from_values(draft.options)
        peaks, ended = store.peaks(), ended_jobs(store.connection, project)

        def look_at_files() -> FormCheck:
            return with_files(checked, project, job, draft.launch, peaks, past_runs(project, ended))

        try:
            return await self._parts.in_project(project, look_at_files)
        except Hung as error:
            raise refused("unavailable", str(error)) from None
        except OSError as error:  # the project has vanished
            problem = FormProblem(message=f"{project} cannot be read ({error.strerror}).")
            return checked.model_copy(update={"problems": (*checked.problems, problem)})
        except Exception as error:  # a mistake of the look: the engine looks at its inputs itself
            _log.exception("the inputs of a form could not be looked at")
            words = f"The inputs could not be looked at: {type(error).__name__}: {error}"
            return checked.model_copy(update={"warnings": (*checked.warnings, words)})

    async def browse(self, project: Path, text: str, pattern: str) -> list[PathRow]:
        """Complete a path in a project."""
        self._check_watched(project)
        lane = _ELSEWHERE if text.startswith("/") and is_outside(project, text) else project
        try:
            return await self._parts.in_project(lane, completions, project, text, pattern)
        except Hung as error:
            words = f"{text} is not answered for; its file system may hang." if lane == _ELSEWHERE else str(error)
            raise refused("unavailable", words) from None

    def _check_watched(self, project: Path) -> None:
        if project not in self._parts.store.projects():
            raise refused("not_found", f"{project} is not a watched project.")
