"""The daemon against a plain model of it: whatever is asked of it in whatever order, both come to the same."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from halfmap.daemon.preflight import Preflight
from halfmap.daemon.records import Launch, StopMode, Submission
from halfmap.daemon.service import Refused
from halfmap.daemon.state import JobState
from tests.faults.daemon.world import CARDS, World

_WAITING, _ACTIVE = ("queued", "held"), ("running", "stopping")
_NEEDS, _PRIORITIES = st.sampled_from([1, 2, 1, 0]), st.integers(-1, 1)
_HELD = st.sampled_from([False, False, True])
_SOON = st.sampled_from([0.0, 0.001, 0.004, 0.012, 0.03, 0.06])
_WHICH = st.integers(0, 30)
_CODES = st.sampled_from([0, 2, 3, None])
_BECOMES = {
    "preparing": None,
    "accepted": "preparing",
    "released": "queued",
    "resume": "queued",
    "refused": "held",
    "stop_asked_for": "stopping",
}
"""What an event makes of its job, where that is not what the event is called."""


@dataclass
class ModelJob:
    """What the model knows of a job; `cards` is how many it takes, `has` which it got."""

    job: int
    state: str
    cards: int
    priority: int
    since: float
    has: frozenset[str] = frozenset()


class QueueMachine(RuleBasedStateMachine):
    """Each rule does the same to the daemon and to the model; each invariant compares them."""

    @initialize(first=st.lists(st.tuples(_NEEDS, _PRIORITIES, _HELD), min_size=2, max_size=6))
    def begin(self, first: list[tuple[int, int, bool]]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="halfmap-world-"))
        self.patches = [
            mock.patch("halfmap.daemon.checking.check", return_value=Preflight()),
            mock.patch("halfmap.daemon.waiting_line.cores_here", return_value=100),
        ]
        for patch in self.patches:
            patch.start()
        self.world = World(self.folder)
        self.jobs: dict[int, ModelJob] = {}
        self.revs: list[int] = []
        self.keys = 0
        for cards, priority, hold in first:
            self.submit_one(cards, priority, hold, None)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
            for patch in self.patches:
                patch.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what people do --------------------------------------------------------------------------------------------

    @rule(cards=_NEEDS, priority=_PRIORITIES, hold=_HELD, dies=st.none() | _SOON)
    def submit(self, cards: int, priority: int, hold: bool, dies: float | None) -> None:
        self.submit_one(cards, priority, hold, dies)

    def submit_one(self, cards: int, priority: int, hold: bool, dies: float | None) -> None:
        launch = Launch(cards=cards, priority=priority, hold=hold)
        options = {"in_optimisation": "set.star", "fn_ref": "map.mrc", "particle_diameter": "160", "nr_mpi": "1"}
        asked, key = Submission(project=str(self.world.project), options=options, launch=launch), self.key()
        row = self.asked(lambda: self.world.desk.submit(asked, key), dies)
        assert row.job not in self.jobs
        self.jobs[row.job] = ModelJob(row.job, "held" if hold else "queued", cards, priority, row.submitted)
        self.schedule(in_order=dies is None)

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH)
    def hold(self, which: int) -> None:
        self.changed(which, ("queued",), "held", self.world.desk.hold)

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH)
    def release(self, which: int) -> None:
        self.changed(which, ("held",), "queued", self.world.desk.release)

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, priority=st.integers(-2, 2))
    def prioritise(self, which: int, priority: int) -> None:
        if job := self.one(which):
            if job.state in _WAITING:
                self.changed(which, _WAITING, job.state, lambda n, key: self.world.desk.prioritise(n, priority, key))
                job.priority = priority
            else:
                self.changed(which, _WAITING, "", lambda n, key: self.world.desk.prioritise(n, priority, key))

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH)
    def resume(self, which: int) -> None:
        self.changed(which, ("failed", "aborted", "lost"), "queued", self.world.desk.resume)

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, mode=st.sampled_from(["abort", "terminate", "kill"]), dies=st.none() | _SOON)
    def stop(self, which: int, mode: StopMode, dies: float | None) -> None:
        job = self.one(which)
        if job is None:
            return
        key = self.key()
        if job.state not in (*_WAITING, *_ACTIVE):
            self.refuses(job.job, lambda: self.world.desk.stop(job.job, mode, key))
            return
        self.asked(lambda: self.world.desk.stop(job.job, mode, key), dies)
        runs_on = job.state in _ACTIVE and mode == "abort"
        job.state = "stopping" if runs_on else "aborted"
        job.has = job.has if runs_on else frozenset()
        self.schedule(in_order=dies is None)

    # --- what happens ----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, code=_CODES)
    def a_program_ends(self, which: int, code: int | None) -> None:
        if job := self.one(which, *_ACTIVE):
            self.world.programs.end(job.job, code)
            self.world.do(self.world.settle())
            self.ends(job, code)
            self.schedule()

    @precondition(lambda self: self.jobs)
    @rule(which=_WHICH, code=st.none() | _CODES, ends=st.booleans())
    def the_daemon_dies(self, which: int, code: int | None, ends: bool) -> None:
        job = self.one(which, *_ACTIVE) if ends else None
        self.world.restart(lambda: self.world.programs.end(job.job, code) if job else None)
        if job:
            self.ends(job, code)
        self.schedule(in_order=False)

    @rule(card=st.sampled_from(CARDS), state=st.sampled_from(["free", "busy", "lost"]))
    def a_card_changes(self, card: str, state: str) -> None:
        self.world.states[card] = state
        self.world.show_cards()
        self.world.do(self.world.settle())
        self.schedule()

    @rule(hours=st.sampled_from([-24, -1, 1]))
    def the_clock_is_set(self, hours: int) -> None:
        self.world.clock.wall += 3600.0 * hours
        self.world.do(self.world.settle())

    @rule(how=st.sampled_from(["nothing runs", "it runs all the same"]))
    def the_next_start_fails(self, how: str) -> None:
        self.world.programs.failure = how

    # --- the model -------------------------------------------------------------------------------------------------

    def key(self) -> str:
        self.keys += 1
        return f"key {self.keys}"

    def one(self, which: int, *states: str) -> ModelJob | None:
        """A job in one of these states, if there is any."""
        found = [job for job in self.jobs.values() if not states or job.state in states]
        return found[which % len(found)] if found else None

    def asked(self, work, dies: float | None):
        return self.world.ask(work()) if dies is None else self.world.crash_while_asked(work, dies)

    def changed(self, which: int, allowed, state: str, ask) -> None:
        """Ask for a change that is allowed in some states, and refused in words in all others."""
        job, key = self.one(which), self.key()
        if job is None:
            return
        if job.state not in allowed:
            self.refuses(job.job, lambda: ask(job.job, key))
            return
        self.world.ask(ask(job.job, key))
        job.state = state
        self.schedule()

    def refuses(self, job: int, work) -> None:
        with pytest.raises(Refused) as refused:
            self.world.ask(work())
        assert refused.value.refusal.code == "conflict", self.jobs[job]

    def ends(self, job: ModelJob, code: int | None) -> None:
        was_stopped = job.state == "stopping"
        job.has = frozenset()
        if code == 0:
            job.state = "finished"
        elif was_stopped or code == 2:
            job.state = "aborted"
        else:
            job.state = "lost" if code is None else "failed"

    def schedule(self, in_order: bool = True) -> None:
        """Start what can start: by priority, then age. After a crash jobs are looked at anew, in any order."""
        leases = self.leases()
        waiting = sorted(
            (job for job in self.jobs.values() if job.state == "queued"),
            key=lambda job: (-job.priority, job.since, job.job),
        )
        free = self.free()
        late = bool(self.world.programs.failure) or not in_order
        for job in waiting:
            got = leases.get(job.job, frozenset())
            if late and self.state(job.job) == "queued":
                continue
            if job.cards <= len(free) or late:
                assert len(got) == job.cards, f"{job} got {got}"
                assert got <= free, f"{job} got {got}, and {free} were free"
                free -= got
                job.state, job.has = "running", got

    def free(self) -> frozenset[str]:
        taken = frozenset().union(*(job.has for job in self.jobs.values()))
        return frozenset(card for card in CARDS if self.world.states[card] == "free") - taken

    def state(self, job: int) -> str:
        found = self.world.store.job(job)
        assert found is not None, f"job {job} is lost"
        return found.state.value

    def leases(self) -> dict[int, frozenset[str]]:
        rows = self.world.store.leases()
        return {row["job"]: frozenset(one["card"] for one in rows if one["job"] == row["job"]) for row in rows}

    # --- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def the_daemon_is_where_the_model_is(self) -> None:
        if hasattr(self, "world"):
            found = {job.job: job.state.value for job in self.world.store.jobs_where("followed = 0")}
            assert found == {job.job: job.state for job in self.jobs.values()}

    @invariant()
    def no_job_waits_that_could_run(self) -> None:
        if hasattr(self, "world"):
            free = len(self.free())
            able = [job for job in self.jobs.values() if job.state == "queued" and job.cards <= free]
            assert not able, able

    @invariant()
    def every_attempt_is_started_once_and_every_active_job_has_one_program(self) -> None:
        if hasattr(self, "world"):
            uuids = [uuid for _job, uuid in self.world.programs.starts]
            assert len(uuids) == len(set(uuids))
            assert self.world.programs.alive() == sorted(job.job for job in self.jobs.values() if job.state in _ACTIVE)

    @invariant()
    def each_card_is_leased_to_one_job_and_given_back(self) -> None:
        if hasattr(self, "world"):
            rows = self.world.store.leases()
            assert len({row["card"] for row in rows}) == len(rows)
            for job in self.jobs.values():
                had = {row["card"] for row in rows if row["job"] == job.job}
                assert job.has <= had
                # a card that is away is given back when it is seen again
                assert all(self.world.states[card] == "lost" for card in had - job.has), (job, had)

    @invariant()
    def the_events_tell_what_became_of_each_job(self) -> None:
        if not hasattr(self, "world"):
            return
        events = self.world.store.events(0, None, 100_000)
        revs = [event.rev for event in events]
        assert revs[: len(self.revs)] == self.revs, "an event was changed or lost"
        assert revs == sorted(set(revs))
        self.revs = revs
        told: dict[int, str] = {}
        for event in events:
            becomes = _BECOMES.get(event.kind, event.kind)
            if event.job is not None and becomes in {state.value for state in JobState}:
                told[event.job] = str(becomes)
        assert told == {job.job: job.state for job in self.jobs.values()}
