"""What starts, in which order, and why the others wait."""

from hypothesis import given
from hypothesis import strategies as st

from halfmap.daemon.scheduler import CardSight, Machine, Need, Plan, Running, Start, Waiting, next_actions
from halfmap.daemon.settings import Limits
from halfmap.daemon.state import JobState

NO_LIMITS = Limits()
MACHINE = Machine(4, 8000)
FREE = CardSight("GPU-0", 0, True, "", 80_000)
ANNAS = CardSight("GPU-2", 2, False, "card 2 used by anna, pid 4711 cryosparc, 11.2 GB")


def job(number: int, cores: int = 1, **more: object) -> Waiting:
    need = more.pop("need", Need(cores))
    return Waiting(number, f"job{number:03d}", "/p", need, **more)  # type: ignore[arg-type]


def plan(*waiting: Waiting, running=(), machine=MACHINE, limits=NO_LIMITS, now=1000.0) -> Plan:
    return next_actions(waiting, running, machine, limits, now)


def test_a_job_that_fits_starts():
    assert plan(job(1)) == Plan((Start(1),), {})


def test_higher_priority_starts_first_then_the_older_job():
    found = plan(job(1, since=5), job(2, since=3), job(3, since=9, priority=1))
    assert [start.job for start in found.starts] == [3, 2, 1]


def test_a_job_that_needs_more_cores_than_are_free_says_so():
    found = plan(job(1, cores=3), running=[Running(9, "/q", Need(3))])
    assert found.reasons == {1: "needs 3 cores, 1 free"}


def test_a_job_larger_than_the_machine_runs_alone():
    large = job(1, cores=12)
    assert plan(large).starts == (Start(1),)
    assert plan(large, running=[Running(9, "/q", Need(1))]).reasons == {1: "needs 12 cores, 3 free"}
    assert plan(job(2), running=[Running(1, "/p", Need(12))]).reasons == {2: "needs 1 cores, 0 free"}


def test_memory_is_accounted():
    small = job(1, need=Need(1, memory_mb=4096))
    running = [Running(9, "/q", Need(1, memory_mb=6000))]
    assert plan(small, running=running).reasons == {1: "needs 4.0 GB of memory, 2.0 GB free"}


def test_a_busy_card_is_named_with_who_has_it():
    machine = Machine(4, 8000, (ANNAS,))
    assert plan(job(1, need=Need(1, cards=1)), machine=machine).reasons == {1: ANNAS.reason}


def test_every_busy_card_is_named_where_several_are_needed():
    machine = Machine(4, 8000, (FREE, ANNAS))
    found = plan(job(1, need=Need(1, cards=2)), machine=machine)
    assert found.reasons == {1: f"needs 2 cards, 1 free: {ANNAS.reason}"}


def test_a_machine_without_cards_says_why():
    machine = Machine(4, 8000, (), "the NVIDIA driver does not answer")
    found = plan(job(1, need=Need(1, cards=1)), machine=machine)
    assert found.reasons == {1: "needs 1 card: the NVIDIA driver does not answer"}


def test_a_card_with_too_little_free_memory_is_not_taken():
    machine = Machine(4, 8000, (CardSight("GPU-0", 0, True, "", 2048),))
    found = plan(job(1, need=Need(1, cards=1, card_memory_mb=4096)), machine=machine)
    assert found.reasons == {1: "card 0 has 2.0 GB free, 4.0 GB needed"}


def test_one_card_goes_to_one_job_only():
    machine = Machine(4, 8000, (FREE,))
    wants_card = Need(1, cards=1)
    found = plan(job(1, need=wants_card), job(2, need=wants_card), machine=machine)
    assert found == Plan((Start(1, ("GPU-0",)),), {2: "card 0 goes to a job that starts now"})


def test_a_held_job_and_a_deferred_job_wait():
    found = plan(job(1, held=True), job(2, begin=2000.0))
    assert found.reasons[1].startswith("held")
    assert found.reasons[2].startswith("not before 1970-01-01")
    assert plan(job(2, begin=2000.0), now=2000.0).starts == (Start(2),)


def test_a_failure_blocks_only_its_children():
    child = job(2, after={"job001": JobState.FAILED})
    assert plan(child, job(3)) == Plan(
        (Start(3),), {2: "waits for job001, which failed; resume that one, or stop this"}
    )
    assert plan(job(2, after={"job001": JobState.RUNNING})).reasons == {2: "waits for job001"}
    assert plan(job(2, after={"job001": JobState.FINISHED})).starts == (Start(2),)
    assert "not in this project" in plan(job(2, after={"job001": None})).reasons[2]


def test_limits_by_user_project_and_cards_are_kept():
    running = [Running(9, "/p", Need(1, cards=1))]
    assert "limit is 1" in plan(job(1), running=running, limits=Limits(jobs=1)).reasons[1]
    assert "its project" in plan(job(1), running=running, limits=Limits(jobs_per_project=1)).reasons[1]
    machine = Machine(4, 8000, (FREE,))
    wants_card = job(1, need=Need(1, cards=1))
    assert "limit is 1" in plan(wants_card, running=running, machine=machine, limits=Limits(cards=1)).reasons[1]


def test_small_jobs_pass_a_large_one_until_it_has_waited_long():
    running = [Running(9, "/q", Need(2))]
    large, small = job(1, cores=4, since=0.0), job(2, since=1.0)
    assert plan(large, small, running=running, now=60.0).starts == (Start(2),)
    late = plan(large, small, running=running, now=4000.0)
    assert late.starts == ()
    assert late.reasons[2] == "job001 has waited long and starts first"


def test_a_job_for_slurm_takes_nothing_of_this_machine():
    found = plan(job(1, cores=64, elsewhere=True), job(2, cores=4))
    assert {start.job for start in found.starts} == {1, 2}


jobs = st.builds(
    lambda number, cores, memory, cards, priority, since, held: job(
        number, need=Need(cores, memory, cards), priority=priority, since=since, held=held
    ),
    st.integers(1, 10_000),
    st.integers(1, 9),
    st.floats(0, 20_000),
    st.integers(0, 3),
    st.integers(-2, 2),
    st.floats(0, 5000),
    st.booleans(),
)
cards = st.lists(st.booleans(), max_size=4).map(
    lambda free: tuple(
        CardSight(f"GPU-{i}", i, is_free, "" if is_free else f"card {i} busy") for i, is_free in enumerate(free)
    )
)


@given(st.lists(jobs, max_size=8, unique_by=lambda one: one.job), cards)
def test_nothing_is_given_twice_and_every_waiting_job_has_its_reason(waiting, sights):
    machine = Machine(4, 8000, sights)
    found = next_actions(waiting, [], machine, NO_LIMITS, 5000.0)
    started = {start.job for start in found.starts}
    by_number = {one.job: one for one in waiting}
    given_out = [card for start in found.starts for card in start.cards]
    assert len(given_out) == len(set(given_out))
    assert set(given_out) <= {card.uuid for card in sights if card.is_free}
    assert sum(min(by_number[number].need.cores, 4) for number in started) <= 4
    assert started | set(found.reasons) == set(by_number)
    assert not started & set(found.reasons)
    assert all(found.reasons.values())
    assert all(len(start.cards) == by_number[start.job].need.cards for start in found.starts)
