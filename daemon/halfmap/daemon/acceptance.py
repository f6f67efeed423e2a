"""From a submission to a job that waits in the queue: checked, written down, then given its number and its folder."""

import json
import uuid as uuids
from pathlib import Path

from halfmap.contract.job_form import JobForm
from halfmap.contract.job_types import type_of
from halfmap.daemon import project as relion_project
from halfmap.daemon.command import launch_refusals
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.job_folder import checked_alias
from halfmap.daemon.lanes import Hung
from halfmap.daemon.options import job_of, texts_of
from halfmap.daemon.parts import Parts
from halfmap.daemon.project_lock import ProjectLocked
from halfmap.daemon.records import Launch, Refusal, Submission
from halfmap.daemon.service import Refused
from halfmap.daemon.state import JobState
from halfmap.daemon.store import Job
from halfmap.daemon.submitted import job_submitted, type_submitted


def refused(code: str, message: str, *problems: str) -> Refused:
    """Make a refusal."""
    return Refused(Refusal.model_validate({"code": code, "message": message, "problems": problems}))


class Acceptance:
    """Takes submissions.

    Parameters
    ----------
    parts
        What the daemon is made of.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def accept(self, submission: Submission, key: str) -> int:
        """Take a job, and return its number; the same key gives the same job.

        Raises
        ------
        Refused
            If the options cannot be run, the project is not watched, or the folder holds no job to queue.
        """
        store = self._parts.store
        if store.request(key) is not None:
            return await self._accepted_earlier(key)
        project = self._watched(submission.project)
        form, name = await self._read(project, submission)
        self._check(form, submission.launch, submission.alias or "")
        # from here to the store's answer nothing is awaited: two requests with one key make one job
        if store.request(key) is not None:
            return await self._accepted_earlier(key)
        self._check_name(project, name)
        columns = {"alias": submission.alias or "", "name": name, "kind": type_of(form).label}
        job = self._parts.written(
            lambda: store.add_job(f"{uuids.uuid4()}", project, submission.launch, texts_of(form), key, **columns)
        )
        await self.prepare(job)
        return job

    async def _accepted_earlier(self, key: str) -> int:
        what, job = self._parts.store.request(key) or ("", None)
        if what != "submit" or job is None:
            raise refused("conflict", f"the key {key!r} was used for something else ({what}); choose a new one.")
        await self.prepare(job)
        return job

    def _watched(self, text: str) -> Path:
        project = Path(text)
        if project not in self._parts.store.projects():
            raise refused("not_found", f"{text} is not a watched project; say `halfmap watch {text}` first.")
        return project

    async def _read(self, project: Path, submission: Submission) -> tuple[JobForm, str]:
        """The job, and the name of the folder that has them already ("" for a job that gets its number)."""
        if (submission.options is None) == (submission.job_folder is None):
            raise refused("bad_request", "give either options or a job folder.")
        if submission.options is not None:
            return job_submitted(submission.kind, submission.options), ""
        try:
            name, star = await self._parts.in_project(project, relion_project.adopt_job, project, submission.job_folder)
        except relion_project.CannotAdopt as error:
            raise refused("refused", str(error)) from None
        except (Hung, OSError) as error:
            raise refused("unavailable", str(error)) from None
        if found := star.problems():
            raise refused("refused", f"{name}job.star cannot be run:", *(problem.message for problem in found))
        if submission.kind is not None and type_submitted(submission.kind) is not type_of(star.job):
            raise refused("refused", f"{name}job.star is of a {star.label} job, not {submission.kind}.")
        return star.job, name

    def _check(self, form: JobForm, launch: Launch, alias: str) -> None:
        try:
            checked_alias(alias, type_of(form).folder)
        except relion_project.BadProject as error:
            raise refused("refused", str(error)) from None
        if found := launch_refusals(form, launch, self._parts.settings, self._parts.environ):
            raise refused("refused", "the job cannot be started:", *found)

    def _check_name(self, project: Path, name: str) -> None:
        known = self._parts.store.named(project, name) if name else None
        if known is not None and (not known.followed or not known.state.is_waiting):
            raise refused("conflict", f"{name} is {known.state}; only a job that has not been run can be queued.")

    async def prepare(self, number: int) -> None:
        """Give an accepted job its folder and its row in RELION's pipeline, and queue it; safe to repeat.

        What is in the way (a lock, a file system that hangs) is told as the job's reason, and tried again later.
        """
        async with self._parts.live_of(number).lock:
            await self._prepare(number)

    async def _prepare(self, number: int) -> None:
        store = self._parts.store
        job = store.job(number)
        if job is None or job.state is not JobState.PREPARING:
            return
        try:
            name = await self._parts.in_project(job.project, self._make_folder, job)
        except (ProjectLocked, Hung, OSError, StoreUnavailable) as error:
            store.change_job(number, reason=f"its folder cannot be made yet: {error}")
            return
        except relion_project.BadProject as error:
            store.change_job(number, JobState.FAILED, "failed", str(error), reason=str(error))
            return
        crash_point("submit.folder_made")
        state = JobState.HELD if job.launch.hold else JobState.QUEUED
        self._parts.written(lambda: store.change_job(number, state, state.value, name=name, reason=""))
        self._parts.wake.set()

    def _make_folder(self, job: Job) -> str:
        """In the project's thread: make the folder. The number is written down before it is taken."""
        return relion_project.create_job(
            job.project,
            uuid=job.uuid,
            job=job_of(job.kind, job.options),
            alias=job.alias,
            record=job_record(job),
            name=job.name,
            claimed=lambda name: self._parts.in_loop(lambda: self._parts.store.name_job(job.job, name)),
            step=crash_point,
        )

    async def prepare_all(self, project: Path) -> None:
        """Go on with all jobs of a project whose folders were not made yet."""
        for job in self._parts.store.own_jobs(JobState.PREPARING):
            if job.project == project:
                await self.prepare(job.job)


def job_record(job: Job) -> str:
    """Write what the store knows of a job for its folder: the second copy, from which the store can be made again."""
    return json.dumps(
        {
            "uuid": job.uuid,
            "submitted": job.submitted,
            "alias": job.alias,
            "kind": job.kind,
            "options": dict(job.options),
            "launch": job.launch.model_dump(mode="json"),
        },
        indent=1,
    )
