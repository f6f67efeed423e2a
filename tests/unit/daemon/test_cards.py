"""Whether a card may be leased, and if not, why: in words."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from halfmap.daemon.card_health import XIDS, Signals, defects
from halfmap.daemon.cards import Card, CardProcess, Lease, Verdict, judge

ANNA = CardProcess(4711, "anna", "cryosparc", 11.2 * 1024)
OURS = CardProcess(100, "me", "python -m halfmap.engine", 2048.0)
XORG = CardProcess(900, "root", "Xorg", 800.0, "graphics")
UNSEEN = CardProcess(31, memory_mb=4096.0)
LEASE = Lease("GPU-2", "a-b-c", 17, 1e9, ended=False)
ENDED = replace(LEASE, ended=True)


def card(*processes: CardProcess, used: float | None = None, **fields) -> Card:
    memory = sum(process.memory_mb or 0 for process in processes) if used is None else used
    return Card("GPU-2", 2, "A5000", 24576.0, memory, processes=processes, **fields)


def test_a_card_that_nobody_uses_is_free():
    assert judge(card(), None, {}, False, 20000.0) == Verdict("free")


def test_a_card_with_a_foreign_process_is_busy_and_says_whose():
    expected = Verdict("busy", "card 2 used by anna, pid 4711 cryosparc, 11.2 GB")
    assert judge(card(ANNA), None, {}, False, 0) == expected


def test_of_many_foreign_processes_three_are_named():
    many = [CardProcess(pid, "anna", "relion", 1024.0) for pid in range(1, 6)]
    assert judge(card(*many), None, {}, False, 0).reason == (
        "card 2 used by anna, pid 1 relion, 1.0 GB; anna, pid 2 relion, 1.0 GB; anna, pid 3 relion, 1.0 GB; and 2 more"
    )


def test_a_process_that_does_not_tell_its_memory_still_makes_a_card_busy():
    verdict = judge(card(replace(ANNA, memory_mb=None), used=0.0), None, {}, False, 0)
    assert verdict == Verdict("busy", "card 2 used by anna, pid 4711 cryosparc")


def test_a_screen_does_not_make_a_card_busy():
    assert judge(card(XORG), None, {}, False, 0).state == "free"
    assert judge(card(replace(XORG, memory_mb=None), used=4000.0), None, {}, False, 0).state == "free"


def test_a_process_of_another_container_makes_a_card_busy():
    assert judge(card(UNSEEN), None, {}, False, 0) == Verdict(
        "busy", "card 2 used by a process that cannot be seen from here, pid 31, 4.0 GB"
    )


def test_memory_that_no_process_accounts_for_makes_a_card_busy_above_a_tenth():
    assert judge(card(used=11.2 * 1024), None, {}, False, 0) == Verdict(
        "busy", "card 2 has 11.2 GB in use by a process that cannot be seen from here"
    )
    assert judge(card(used=0.11 * 24576), None, {}, False, 0).state == "busy"
    assert judge(card(used=0.1 * 24576), None, {}, False, 0).state == "free"
    assert judge(card(XORG, used=800.0 + 0.1 * 24576), None, {}, False, 0).state == "free"


def test_a_card_with_too_little_memory_for_a_job_is_busy_for_it():
    assert judge(card(XORG), None, {}, False, 24000.0) == Verdict("busy", "card 2 has 23.2 GB free, 23.4 GB needed")
    assert judge(card(XORG), None, {}, False, 23776.0).state == "free"


def test_a_card_that_does_not_tell_its_memory_is_not_refused_for_lack_of_it():
    assert judge(Card("GPU-9", 9), None, {}, False, 1e6).state == "free"


def test_a_leased_card_with_its_own_processes_is_leased():
    assert judge(card(OURS), LEASE, {100: 17}, True, 0) == Verdict("leased", "card 2 leased to job 17")


def test_an_intruder_on_a_leased_card_is_named_and_the_lease_stays():
    assert judge(card(OURS, ANNA), LEASE, {100: 17}, True, 0) == Verdict(
        "leased", "card 2 leased to job 17; also used by anna, pid 4711 cryosparc, 11.2 GB"
    )


def test_another_of_our_jobs_is_an_intruder_too():
    assert "also used by me, pid 100" in judge(card(OURS), LEASE, {100: 18}, True, 0).reason


def test_in_a_container_a_leased_card_s_processes_are_not_called_intruders():
    assert judge(card(UNSEEN), LEASE, {100: 17}, True, 0).reason == "card 2 leased to job 17"


def test_a_defect_of_a_leased_card_is_told_and_the_lease_stays():
    verdict = judge(card(OURS, health=("it fell off the bus (XID 79)",)), LEASE, {100: 17}, True, 0)
    assert verdict == Verdict("leased", "card 2 leased to job 17; it fell off the bus (XID 79)")


def test_a_card_with_a_process_of_a_job_that_ended_is_dirty():
    assert judge(card(OURS), ENDED, {100: 17}, True, 0) == Verdict(
        "dirty",
        "card 2 still used by me, pid 100 python -m halfmap.engine, 2.0 GB, of job 17, which has ended",
    )


def test_a_card_with_memory_of_a_job_that_ended_is_dirty():
    assert judge(card(used=6144.0), ENDED, {}, False, 0) == Verdict(
        "dirty", "card 2 has 6.0 GB in use that job 17 left behind"
    )


def test_a_card_of_a_job_that_ended_is_dirty_while_processes_of_it_live():
    verdict = judge(card(), ENDED, {}, True, 0)
    assert verdict == Verdict("dirty", "card 2 waits for the last processes of job 17, which has ended")


def test_after_the_end_a_process_that_cannot_be_seen_may_be_the_job_s_own():
    assert judge(card(UNSEEN), ENDED, {}, False, 0).state == "dirty"


@pytest.mark.parametrize("others", [(), (XORG,), (ANNA,)])
def test_the_lease_of_a_job_that_left_nothing_is_over(others):
    verdict = judge(card(*others), ENDED, {}, False, 0)
    assert verdict == Verdict("leased", "card 2 is being given back by job 17", lease_is_over=True)


def test_a_card_used_by_our_job_without_a_lease_is_dirty():
    assert judge(card(OURS), None, {100: 12}, False, 0) == Verdict(
        "dirty", "card 2 used without a lease by me, pid 100 python -m halfmap.engine, 2.0 GB, of job 12"
    )


def test_a_card_that_vanished_is_gone_with_and_without_a_lease():
    assert judge(None, LEASE, {}, True, 0) == Verdict("gone", "card GPU-2, leased to job 17, is no longer there")
    needs = "does not answer any more; it needs a reset, or the machine a restart"
    assert judge(card(is_lost=True), None, {}, False, 0) == Verdict("gone", f"card 2 {needs}")
    assert judge(card(is_lost=True), LEASE, {}, True, 0) == Verdict("gone", f"card 2, leased to job 17, {needs}")


def test_a_card_with_defects_is_quarantined_with_all_of_them():
    verdict = judge(card(health=("a double-bit memory error (XID 48)", "it is hot")), None, {}, False, 0)
    assert verdict == Verdict("quarantined", "card 2 is kept out of use: a double-bit memory error (XID 48); it is hot")


def test_a_divided_card_is_never_leased_but_its_instances_are():
    divided = judge(card(is_divided=True), None, {}, False, 0)
    assert divided == Verdict("busy", "card 2 is divided into instances, which are leased one by one")
    part = replace(card(ANNA), uuid="MIG-1", mig_parent="GPU-2", instance=1)
    assert judge(part, None, {}, False, 0).reason.startswith("card 2 instance 1 used by anna, pid 4711")
    assert judge(replace(part, processes=(), memory_used_mb=0.0), None, {}, False, 0).state == "free"


@pytest.mark.parametrize("xid", [48, 63, 64, 74, 79, 94, 95])
def test_an_xid_of_the_card_is_a_defect_with_its_number(xid):
    (words,) = defects(Signals(xids=frozenset({xid})))
    assert words == f"{XIDS[xid]} (XID {xid})"


@pytest.mark.parametrize("xid", [13, 31, 43, 45, 8, 999])
def test_an_xid_of_a_program_is_no_defect_of_the_card(xid):
    assert defects(Signals(xids=frozenset({xid}))) == ()


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        (Signals(), ()),
        (Signals(uncorrected_ecc=0, remap_pending=False, remap_failed=False, clock_reasons=0), ()),
        (Signals(uncorrected_ecc=1), ("1 uncorrected memory error",)),
        (Signals(uncorrected_ecc=12), ("12 uncorrected memory errors",)),
        (Signals(remap_pending=True), ("defective rows of its memory wait for a reset to be replaced",)),
        (Signals(remap_failed=True), ("defective rows of its memory could not be replaced",)),
        (Signals(clock_reasons=0x04), ()),  # power cap
        (Signals(clock_reasons=0x01 | 0x02 | 0x10), ()),  # idle, set clocks, sync boost
        (Signals(clock_reasons=0x08), ("its hardware slows it down",)),
        (Signals(clock_reasons=0x48), ("it is too hot and slows down (hardware)",)),
        (Signals(clock_reasons=0x88), ("its power supply makes it slow down",)),
        (Signals(clock_reasons=0x20), ("it is too hot and slows down (driver)",)),
    ],
)
def test_signals_of_the_driver_become_words(signals, words):
    assert defects(signals) == words


processes = st.builds(
    CardProcess,
    pid=st.integers(1, 6),
    user=st.sampled_from(["", "anna", "me"]),
    command=st.sampled_from(["", "relion"]),
    memory_mb=st.none() | st.floats(0, 30000),
    kind=st.sampled_from(["compute", "graphics"]),
)
any_card = st.builds(
    Card,
    uuid=st.just("GPU-2"),
    index=st.just(2),
    memory_total_mb=st.sampled_from([0.0, 24576.0]),
    memory_used_mb=st.floats(0, 24576),
    processes=st.lists(processes, max_size=4).map(tuple),
    health=st.sampled_from([(), ("it fell off the bus (XID 79)",)]),
    is_divided=st.booleans(),
    is_lost=st.booleans(),
)
leases = st.builds(
    Lease,
    card=st.just("GPU-2"),
    attempt=st.just("a-b-c"),
    job=st.integers(1, 2),
    since=st.just(0.0),
    ended=st.booleans(),
)
ours_of_jobs = st.dictionaries(st.integers(1, 6), st.integers(1, 2))


@given(st.none() | any_card, st.none() | leases, ours_of_jobs, st.booleans(), st.floats(0, 50000))
@example(card(), None, {}, False, 0.0)
@example(card(), ENDED, {}, False, 0.0)
def test_a_card_is_free_only_if_nothing_at_all_speaks_against_it(it, lease, ours, live, needed):
    verdict = judge(it, lease, ours, live, needed)
    nothing_against = (
        it is not None
        and lease is None
        and not (it.health or it.is_divided or it.is_lost)
        and all(process.kind == "graphics" for process in it.processes)
        and (not it.memory_total_mb or it.memory_total_mb - it.memory_used_mb >= needed)
    )
    if verdict.state == "free":
        assert nothing_against
    else:
        assert verdict.reason


@given(any_card, leases, ours_of_jobs, st.booleans())
def test_a_lease_is_over_only_if_nothing_of_its_job_is_left(it, lease, ours, live):
    verdict = judge(it, lease, ours, live, 0.0)
    of_the_job = [
        process for process in it.processes if process.kind == "compute" and ours.get(process.pid) == lease.job
    ]
    if verdict.lease_is_over:
        assert lease.ended
        assert not live
        assert not it.is_lost
        assert not of_the_job
    if not it.is_lost:
        assert verdict.state == ("leased" if not lease.ended or verdict.lease_is_over else "dirty")
