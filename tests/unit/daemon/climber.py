"""A ladder in a daemon in memory, and what a test lets happen to it."""

import asyncio

from halfmap.daemon.fake import FakeService
from halfmap.daemon.ladder_records import LadderDetail, LadderDraft, LadderName, LadderOrder, LadderStep
from halfmap.daemon.records import JobQuery, JobRow
from halfmap.daemon.state import JobState

TEXT = (
    'particles = "p.star"\ntomograms = "t.star"\nreference = "ref.mrc"\nmask = "m.mrc"\nmask_diameter = 230\n'
    "box_px = 96\npixel_size = 2.0\n"
)
WHICH = LadderName(project="/p", name="first")


class Climber:
    """A ladder in a daemon in memory, and what a test lets happen to it."""

    def __init__(self, service: FakeService | None = None) -> None:
        self.service = service or FakeService()
        self.service.add_project("/p")
        self.begin()

    def begin(self, text: str = TEXT) -> LadderDetail:
        return asyncio.run(self.service.begin_ladder(LadderDraft(project="/p", name="first", text=text), "k"))

    def show(self) -> LadderDetail:
        return asyncio.run(self.service.ladder(WHICH))

    def go_on(self) -> LadderDetail:
        return asyncio.run(self.service.continue_ladder(WHICH, "c"))

    def stop(self) -> LadderDetail:
        return asyncio.run(self.service.stop_ladder(WHICH, "s"))

    def set(self, step: str, **options: str | None) -> LadderDetail:
        return asyncio.run(self.service.set_ladder_options(LadderOrder(**dict(WHICH), step=step, options=options), "o"))

    def step(self, which: str) -> LadderStep:
        return next(step for step in self.show().steps if step.step == which)

    def value(self, which: str, key: str) -> str | None:
        return next(option.value for option in self.step(which).options if option.key == key)

    def jobs(self) -> list[JobRow]:
        page = asyncio.run(self.service.jobs(JobQuery(sort="oldest", refinements_only=False, limit=500)))
        return list(page.jobs)

    def run(self, which: str, state: JobState = JobState.FINISHED, reason: str = "", **figures: float) -> None:
        number = self.step(which).job
        assert number is not None
        self.service.start(number)
        self.service.progress(number, **figures)
        self.service.finish(number, state, reason)

    def climb(self, binning: int, resolution: float, accuracy: float = 1.0) -> LadderDetail:
        figures = {"resolution_angstrom": resolution, "accuracy_translation_angstrom": accuracy}
        while queued := self.queued(binning):
            self.run(f"bin{binning}.{queued[0]}", **(figures if queued[0] == "refine" else {}))
        return self.show()

    def queued(self, binning: int) -> list[str]:
        return [step.does for step in self.show().steps if step.binning == binning and step.state == "queued"]
