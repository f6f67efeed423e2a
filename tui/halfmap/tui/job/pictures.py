"""Asking the daemon for all that a job's screen shows: a picture, made anew from the parts that may have changed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from halfmap.daemon.client import CardSample, JobDetail, JobFiles, OptionRow, Refused, Service
from halfmap.tui.job.course import Course, Iteration, iterations_from
from halfmap.tui.job.picture import JobPicture, OtherJob
from halfmap.tui.text.names import short_name
from halfmap.tui.text.parameters import parents

_Answer = TypeVar("_Answer")


@dataclass
class PictureTaker:
    """Asks about one job.

    Parameters
    ----------
    service
        The daemon.
    job
        Its number of the job.

    Attributes
    ----------
    overlays
        Numbers of the jobs whose curves are laid over.
    """

    service: Service
    job: int
    overlays: tuple[int, ...] = ()
    _form: tuple[OptionRow, ...] = ()
    _others: dict[int, tuple[Course, OtherJob]] = field(default_factory=dict)
    _parent: int | None = None
    _knows_parent: bool = False
    _seen: tuple[object, ...] = ()

    async def take(self, before: JobPicture) -> JobPicture:
        """Ask; what cannot have changed since the picture before is kept.

        Raises
        ------
        Refused
            If the job is not known any more.
        DaemonAway
            If the daemon does not answer.
        """
        detail = await self.service.job(self.job)
        if not self._form:
            self._form = tuple(await self.service.options(detail.row.kind))
        row = detail.row
        seen = (row.rev, row.iteration, row.state, row.attempt)
        picture = replace(before, detail=detail, form=self._form, trouble="")
        if seen != self._seen or not before.course.iterations:
            picture = await self._with_iterations(picture)
            self._seen = () if picture.trouble else seen
        picture = await self._with_others(picture, detail)
        return await self._with_samples(picture, detail)

    async def _with_iterations(self, picture: JobPicture) -> JobPicture:
        files, told = await self._or_words(lambda: self.service.files(self.job), picture.files)
        iterations, also = await self._or_words(lambda: self._iterations(self.job), picture.course.iterations)
        name = short_name(picture.detail.row) if picture.detail else ""
        course = Course(name, iterations, files.box_px, files.pixel_size_angstrom)
        return replace(picture, files=files, course=course, trouble=told or also)

    async def _with_others(self, picture: JobPicture, detail: JobDetail) -> JobPicture:
        if not self._knows_parent:
            self._parent, self._knows_parent = await self._find_parent(detail), True
        asked = [job for job in (self._parent, *self.overlays) if job is not None]
        for job in asked:
            if job not in self._others:
                self._others[job] = await self._other(job)
        known = [self._others[job][1] for job in dict.fromkeys(asked)]
        return replace(picture, others=tuple(known), overlays=tuple(self._others[job][0] for job in self.overlays))

    async def _with_samples(self, picture: JobPicture, detail: JobDetail) -> JobPicture:
        row = detail.row
        cards = row.cards or (detail.attempts[0].cards if detail.attempts else ())
        if not cards or row.started is None:
            return replace(picture, samples=())
        started = row.started
        last = max((one.time for one in picture.samples), default=started - 1)
        nothing: list[CardSample] = []
        new, _ = await self._or_words(lambda: self.service.card_samples(max(started, last + 0.001)), nothing)
        ended = row.ended if row.ended is not None else float("inf")
        ours = [one for one in new if one.uuid in cards and one.time <= ended]
        return replace(picture, samples=(*picture.samples, *ours)) if ours else picture

    async def _other(self, job: int) -> tuple[Course, OtherJob]:
        """Read another job's course and options; files that cannot be read leave the course empty."""
        detail = await self.service.job(job)
        files, _ = await self._or_words(lambda: self.service.files(job), JobFiles())
        nothing: tuple[Iteration, ...] = ()
        iterations, _ = await self._or_words(lambda: self._iterations(job), nothing)
        name = short_name(detail.row)
        return Course(name, iterations, files.box_px, files.pixel_size_angstrom), OtherJob(name, detail.options)

    async def _find_parent(self, detail: JobDetail) -> int | None:
        for name in parents(detail.options):
            try:
                found = await self.service.find(name, detail.row.project)
            except Refused:
                continue
            if found.job != self.job:
                return found.job
        return None

    async def _iterations(self, job: int) -> tuple[Iteration, ...]:
        return iterations_from(await self.service.iterations(job))

    @staticmethod
    async def _or_words(question: Callable[[], Awaitable[_Answer]], kept: _Answer) -> tuple[_Answer, str]:
        """Ask; what is refused leaves what was known, with the daemon's words for it."""
        try:
            return await question(), ""
        except Refused as error:
            return kept, f"{error}"
