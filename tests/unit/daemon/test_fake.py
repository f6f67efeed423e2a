"""The daemon in memory keeps to the rules of the real one."""

import asyncio

import pytest

from halfmap.daemon.client import DaemonAway
from halfmap.daemon.fake import FakeService
from halfmap.daemon.inspection import CardSample, FormCheck, FormDraft, FormProblem, JobFiles, PathRow
from halfmap.daemon.ladder_records import LadderDraft, LadderName, LadderOrder
from halfmap.daemon.records import CardRow, JobQuery, Launch, Submission
from halfmap.daemon.service import Refused, Service
from halfmap.daemon.state import IllegalTransition, JobState

OPTIONS = {"in_optimisation": "o.star", "fn_ref": "r.mrc"}
LADDER = LadderName(project="/p", name="l")
SUBMISSION = Submission(project="/p", options=OPTIONS)


def run(story):
    return asyncio.run(story)


def refusal(story) -> str:
    """Do what is to be refused, and give the refusal's code."""
    with pytest.raises(Refused) as caught:
        run(story)
    return caught.value.refusal.code


@pytest.fixture
def service() -> FakeService:
    made = FakeService()
    made.add_project("/p")
    return made


def heard(service, since=0, job=None):
    async def listen():
        return [event async for event in service.events(since, job, False)]

    return run(listen())


def test_a_job_goes_its_way_from_submission_to_end_with_an_event_at_each_step(service):
    row = run(service.submit(SUBMISSION, "k"))
    assert (row.job, row.name, row.state) == (1, "Refine3D/job001/", JobState.QUEUED)
    service.advance(60)
    assert service.start(1, ("GPU-1",)).started == row.submitted + 60
    service.iterate(1, resolution_angstrom=12.0)
    row = service.iterate(1, resolution_angstrom=8.0, accuracy_rotation_deg=1.2, fsc=(1.0, 0.5))
    assert (row.iteration, row.resolution_angstrom, row.resolution_before_angstrom) == (2, 8.0, 12.0)
    assert service.finish(1).cards == ()
    detail = run(service.job(1))
    assert [attempt.state for attempt in detail.attempts] == ["finished"]
    assert detail.options == OPTIONS
    assert [one["iteration"] for one in run(service.iterations(1))] == [1, 2]
    events = heard(service)
    assert [event.kind for event in events] == [
        "accepted", "queued", "starting", "running", "iteration", "iteration", "finished",
    ]  # fmt: skip
    assert [event.rev for event in events] == list(range(1, 8))
    assert run(service.status()).jobs_by_state == {"finished": 1}


def test_it_goes_no_way_that_the_table_of_states_does_not_know(service):
    run(service.submit(SUBMISSION, "k"))
    with pytest.raises(IllegalTransition):
        service.finish(1)
    service.start(1)
    with pytest.raises(IllegalTransition):
        service.start(1)


def test_a_field_that_no_row_has_is_a_mistake_of_the_test(service):
    run(service.submit(SUBMISSION, "k"))
    with pytest.raises(TypeError, match="resolution"):
        service.progress(1, resolution=8.0)


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("change", ["hold", "release", "prioritise", "stop", "resume"])
def test_a_change_is_done_in_the_states_that_allow_it_and_is_a_conflict_in_all_others(service, state, change):
    allowed = {
        "hold": {"queued"},
        "release": {"held"},
        "prioritise": {"preparing", "queued", "held"},
        "stop": {"queued", "held", "starting", "running", "stopping"},
        "resume": {"failed", "aborted", "lost"},
    }
    more = {"prioritise": (3,), "stop": ("abort",)}.get(change, ())
    service.add_job("/p", state=state)
    if state in allowed[change]:
        run(getattr(service, change)(1, *more, "k"))
    else:
        assert refusal(getattr(service, change)(1, *more, "k")) == "conflict"


@pytest.mark.parametrize("change", ["hold", "release", "stop", "resume"])
def test_followed_jobs_are_never_touched(service, change):
    service.add_job("/p", state="queued", followed=True)
    assert refusal(getattr(service, change)(1, *(("kill",) if change == "stop" else ()), "k")) == "conflict"


def test_the_same_key_does_the_same_thing_once_and_nothing_else(service):
    first = run(service.submit(SUBMISSION, "k"))
    service.start(1)
    again = run(service.submit(SUBMISSION, "k"))
    assert (again.job, again.state) == (first.job, JobState.RUNNING)
    assert run(service.jobs(JobQuery())).total == 1
    assert refusal(service.stop(1, "abort", "k")) == "conflict"
    run(service.stop(1, "abort", "s"))
    before = run(service.status()).rev
    run(service.stop(1, "kill", "s"))
    assert run(service.status()).rev == before
    run(service.submit(SUBMISSION, "k2"))
    assert refusal(service.stop(2, "abort", "s")) == "conflict"


def test_what_was_refused_may_be_asked_for_again_with_its_key(service):
    assert refusal(service.submit(Submission(project="/p", options={}), "k")) == "refused"
    assert run(service.submit(SUBMISSION, "k")).job == 1


def test_submissions_that_make_no_sense_are_refused(service):
    assert refusal(service.submit(Submission(project="/other", options=OPTIONS), "k")) == "not_found"
    assert refusal(service.submit(Submission(project="/p"), "k")) == "bad_request"
    assert refusal(service.submit(Submission(project="/p", options=OPTIONS | {"nonsense": "1"}), "k")) == "bad_request"
    assert refusal(service.submit(Submission(project="/p", job_folder="Refine3D/job007"), "k")) == "not_found"


def test_a_folder_that_was_followed_is_taken_over(service):
    service.add_job("/p", OPTIONS, state="scheduled", followed=True, kind="relion.refine3d.tomo")
    row = run(service.submit(Submission(project="/p", job_folder="Refine3D/job001"), "k"))
    assert (row.name, row.followed, row.state) == ("Refine3D/job001/", False, "queued")
    assert run(service.jobs(JobQuery())).total == 1
    assert refusal(service.submit(Submission(project="/p", job_folder="Refine3D/job001"), "k2")) == "conflict"


def test_a_job_that_is_to_be_held_is_held(service):
    launch = Launch(hold=True, priority=4, after=("Refine3D/job001/",))
    row = run(service.submit(Submission(project="/p", options=OPTIONS, launch=launch), "k"))
    assert (row.state, row.priority) == ("held", 4)
    assert run(service.job(row.job)).after == ("Refine3D/job001/",)


def test_a_stalled_job_is_resumed_and_its_alarm_is_gone(service):
    run(service.submit(SUBMISSION, "k"))
    service.start(1)
    assert refusal(service.resume(1, "r")) == "conflict"
    service.progress(1, alarm="rank 2 is silent")
    row = run(service.resume(1, "r"))
    assert (row.state, row.alarm) == ("queued", "")
    assert run(service.resume(1, "r")).state == "queued"
    assert service.start(1).attempt == 2


def test_cards_are_leased_and_given_back_and_cleaned(service):
    for uuid, state in (("GPU-1", "free"), ("GPU-2", "dirty")):
        service.add_card(
            CardRow(uuid=uuid, index=0, name="A", memory_total_mb=1, memory_used_mb=0, state=state, reason="x")
        )
    run(service.submit(SUBMISSION, "k"))
    service.start(1, ("GPU-1",))
    assert [(card.state, card.leased_to) for card in run(service.cards())] == [("leased", 1), ("dirty", None)]
    assert run(service.clean_card("GPU-2", "c")).state == "free"
    service.finish(1)
    assert {card.state for card in run(service.cards())} == {"free"}
    assert refusal(service.clean_card("GPU-9", "c2")) == "not_found"


def test_a_project_is_left_only_when_nothing_of_it_waits_or_runs_and_its_numbers_are_not_used_again(service):
    run(service.submit(SUBMISSION, "k"))
    assert refusal(service.unwatch("/p", "u")) == "conflict"
    run(service.stop(1, "abort", "s"))
    run(service.unwatch("/p", "u"))
    run(service.unwatch("/p", "u"))
    assert run(service.projects()) == []
    assert refusal(service.job(1)) == "not_found"
    run(service.watch("/p", "w"))
    assert run(service.submit(SUBMISSION, "k2")).job == 2
    assert refusal(service.watch("relative", "w2")) == "bad_request"


def test_events_of_one_job_are_followed_as_they_come(service):
    async def story():
        events = service.events(0, 2, True)
        coming = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await service.submit(SUBMISSION, "k1")
        await asyncio.sleep(0)
        assert not coming.done()
        await service.submit(SUBMISSION, "k2")
        return await asyncio.wait_for(coming, 1)

    assert run(story()).job == 2


def test_a_daemon_that_is_away_answers_nothing(service):
    service.add_job("/p")
    service.away = "no daemon of yours answers"
    asked = [
        service.status(), service.jobs(JobQuery()), service.find("1", None), service.job(1), service.iterations(1),
        service.submit(SUBMISSION, "k"), service.hold(1, "k"), service.release(1, "k"), service.prioritise(1, 1, "k"),
        service.stop(1, "abort", "k"), service.resume(1, "k"), service.projects(), service.watch("/q", "k"),
        service.unwatch("/p", "k"), service.cards(), service.clean_card("x", "k"), service.host(), service.metrics(),
        service.shut_down("k"), anext(service.events(0, None, True)), service.files(1), service.card_samples(0.0),
        service.check_form(FormDraft(project="/p")), service.write_form({}), service.read_form(""),
        service.browse("/p", "", ""), service.ladders(None), service.ladder(LADDER), service.stop_ladder(LADDER, "k"),
        service.begin_ladder(LadderDraft(project="/p", name="l", text=""), "k"), service.continue_ladder(LADDER, "k"),
        service.set_ladder_options(LadderOrder(project="/p", name="l", step="bin4.refine", options={}), "k"),
    ]  # fmt: skip
    assert len(asked) == len(Service.__abstractmethods__)
    for question in asked:
        with pytest.raises(DaemonAway, match="no daemon"):
            run(question) if asyncio.iscoroutine(question) else run(awaited(question))


async def awaited(question):
    return await question


# --- forms, files, paths and cards ----------------------------------------------------------------------------------


def test_files_of_a_job_are_as_a_test_has_said(service):
    run(service.submit(SUBMISSION, "k"))
    assert run(service.files(1)) == JobFiles()
    service.job_files[1] = JobFiles(folder="/p/Refine3D/job001")
    assert run(service.files(1)).folder == "/p/Refine3D/job001"
    assert refusal(service.files(2)) == "not_found"


def test_a_form_is_checked_by_its_options_and_by_what_a_test_says_of_its_files(service):
    service.looked_at = FormCheck(box_px=64, problems=(FormProblem(key="fn_ref", message="no."),), in_effect=("x",))
    options = OPTIONS | {"ini_high": "-3"}
    by_options = run(service.check_form(FormDraft(project="/p", options=options)))
    assert ([one.key for one in by_options.problems], by_options.box_px) == (["ini_high"], None)
    looked_at = run(service.check_form(FormDraft(project="/p", options=options, looks_at_files=True)))
    assert ([one.key for one in looked_at.problems], looked_at.box_px) == (["ini_high", "fn_ref"], 64)
    assert looked_at.in_effect == by_options.in_effect
    assert refusal(service.check_form(FormDraft(project="/q", looks_at_files=True))) == "not_found"


def test_a_form_goes_through_its_text(service):
    written = run(service.write_form(OPTIONS))
    assert run(service.read_form(written.text)).options == OPTIONS
    assert refusal(service.read_form("no star")) == "bad_request"


def test_paths_are_completed_one_folder_at_a_time(service):
    service.paths["/p"] = [
        PathRow(path=path, is_folder=path.endswith("/"))
        for path in (
            "b.star",
            "a.star",
            "Extract/",
            "Extract/job10/",
            "Extract/job9/",
            "Extract/x.mrc",
            "Extract/y.star",
        )
    ]

    def offered(text: str, pattern: str = "") -> list[str]:
        return [row.path for row in run(service.browse("/p", text, pattern))]

    assert offered("") == ["Extract/", "a.star", "b.star"]
    assert offered("Ex") == ["Extract/"]
    assert offered("Extract/", "*.{spi,mrc}") == ["Extract/job9/", "Extract/job10/", "Extract/x.mrc"]
    assert refusal(service.browse("/q", "", "")) == "not_found"


def test_samples_of_cards_after_a_time_are_told(service):
    service.samples = [CardSample(time=time, uuid="GPU-1", memory_used_mb=1) for time in (10.0, 20.0)]
    assert [one.time for one in run(service.card_samples(10.0))] == [20.0]
