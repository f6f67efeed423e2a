"""What the store keeps, and what it refuses to do."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfmap.daemon import job_list
from halfmap.daemon.clock import FakeClock
from halfmap.daemon.database import StoreUnavailable, StoreUnreadable, open_database, version_of
from halfmap.daemon.records import JobQuery, Launch
from halfmap.daemon.schema import MIGRATIONS
from halfmap.daemon.service import Refused
from halfmap.daemon.state import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    AttemptState,
    IllegalTransition,
    JobState,
)
from halfmap.daemon.store import Stop, Store

PROJECT = Path("/project")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "store.sqlite")


def new_store(path: Path) -> Store:
    made = Store(open_database(path), FakeClock())
    made.add_project(PROJECT, "watch")
    return made


def queued(store: Store, number: int = 1) -> int:
    job = store.add_job(f"uuid-{number}", PROJECT, Launch(), {"sym_name": "C6"}, f"key-{number}")
    store.name_job(job, f"Refine3D/job{number:03d}/")
    store.change_job(job, JobState.QUEUED, "queued")
    return job


def test_a_request_is_remembered_by_its_key(store):
    job = queued(store)
    assert store.request("key-1") == ("submit", job)
    assert store.request("another") is None


def test_a_job_survives_closing_and_opening(tmp_path):
    job = queued(new_store(tmp_path / "store.sqlite"))
    found = Store(open_database(tmp_path / "store.sqlite"), FakeClock()).job(job)
    assert found is not None
    assert (found.state, found.options, found.folder) == (
        JobState.QUEUED,
        {"sym_name": "C6"},
        PROJECT / "Refine3D/job001",
    )


@pytest.mark.parametrize("before", JobState)
@pytest.mark.parametrize("after", JobState)
def test_the_tables_know_the_same_transitions_of_jobs_as_the_code(store, before, after):
    job = queued(store)
    store.connection.execute("UPDATE job SET followed = 1 WHERE job = ?", (job,))
    store.connection.execute("UPDATE job SET state = ? WHERE job = ?", (before.value, job))
    store.connection.execute("UPDATE job SET followed = 0 WHERE job = ?", (job,))
    if after == before or after in JOB_TRANSITIONS[before]:
        store.change_job(job, after, "test")
    else:
        with pytest.raises(IllegalTransition):
            store.change_job(job, after, "test")
        with pytest.raises(sqlite3.IntegrityError, match="illegal transition of job"):
            store.connection.execute("UPDATE job SET state = ? WHERE job = ?", (after.value, job))


def test_the_tables_refuse_what_no_attempt_can_do(store):
    store.begin_attempt(queued(store), "a", "{}", [], slurm=False)
    store.change_attempt("a", AttemptState.FAILED, JobState.FAILED)
    assert AttemptState.RUNNING not in ATTEMPT_TRANSITIONS[AttemptState.FAILED]
    with pytest.raises(sqlite3.IntegrityError, match="illegal transition of attempt"):
        store.connection.execute("UPDATE attempt SET state = 'running'")


def test_a_card_is_leased_once(store):
    store.begin_attempt(queued(store, 1), "a", "{}", ["GPU-1"], slurm=False)
    other = queued(store, 2)
    with pytest.raises(sqlite3.IntegrityError, match=r"lease\.card"):
        store.begin_attempt(other, "b", "{}", ["GPU-0", "GPU-1"], slurm=False)
    assert [lease["card"] for lease in store.leases()] == ["GPU-1"]
    assert store.job(other).state is JobState.QUEUED


def test_a_job_has_one_live_attempt(store):
    job = queued(store)
    store.begin_attempt(job, "a", "{}", [], slurm=False)
    with pytest.raises(sqlite3.IntegrityError, match=r"attempt\.job"):
        store.begin_attempt(job, "b", "{}", [], slurm=False)


def test_an_attempt_that_never_ran_gives_its_cards_back(store):
    job = queued(store)
    store.begin_attempt(job, "a", "{}", ["GPU-1"], slurm=False)
    store.change_attempt("a", AttemptState.NOT_STARTED, JobState.QUEUED, "never ran")
    assert store.leases() == []
    assert store.begin_attempt(job, "b", "{}", ["GPU-1"], slurm=False) == 2


def test_an_ended_attempt_keeps_its_cards_until_they_are_given_back(store):
    store.begin_attempt(queued(store), "a", "{}", ["GPU-1"], slurm=False)
    store.change_attempt("a", AttemptState.FAILED, JobState.FAILED, "exit code 1", ended=1.0)
    assert [lease["live"] for lease in store.leases()] == [0]
    store.give_back("GPU-1")
    assert store.leases() == []


def test_a_stop_is_remembered(store):
    store.begin_attempt(queued(store), "a", "{}", [], slurm=False)
    store.request_stop("a", Stop("abort", 3), "stop-key")
    assert store.attempt("a").stop == Stop("abort", 3)
    assert store.attempt("a").state is AttemptState.STOPPING


def test_events_only_grow_and_their_numbers_with_them(store):
    queued(store)
    revs = [event.rev for event in store.events(0, None, 100)]
    assert revs == sorted(set(revs))
    assert store.rev() == revs[-1]
    for statement in ("DELETE FROM event", "UPDATE event SET text = ''"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            store.connection.execute(statement)


def test_a_change_is_made_as_a_whole_or_not_at_all(store):
    job = queued(store)
    before = store.rev()
    with pytest.raises(sqlite3.IntegrityError):
        store.change_job(job, JobState.HELD, "held", alarm=None)
    with pytest.raises(StoreUnavailable):
        store.change_job(job, JobState.HELD, "held", no_such_column=1)
    assert store.job(job).state is JobState.QUEUED
    assert store.rev() == before


def test_followed_jobs_are_updated_and_own_ones_left_alone(store):
    job = queued(store)
    store.follow_jobs(PROJECT, [{"name": "Refine3D/job001/", "state": "running"}])
    assert store.job(job).state is JobState.QUEUED
    for state in ("running", "finished"):
        store.follow_jobs(PROJECT, [{"name": "Refine3D/job002/", "state": state, "kind": "relion.refine3d.tomo"}])
    followed = store.named(PROJECT, "Refine3D/job002/")
    assert (followed.state, followed.followed) == (JobState.FINISHED, True)
    rev = store.rev()
    store.follow_jobs(PROJECT, [{"name": "Refine3D/job002/", "state": "finished"}])
    assert store.rev() == rev


def test_a_damaged_store_is_left_as_it_is(tmp_path):
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"this is no database, and it is long enough to be one" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreUnreadable):
        open_database(path)
    assert path.read_bytes() == before


def test_a_store_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "store.sqlite"
    open_database(path).execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreUnreadable, match="later halfmap"):
        open_database(path)


def test_migrations_are_applied_once_and_in_order(tmp_path):
    path = tmp_path / "store.sqlite"
    new_store(path).connection.close()
    steps = (*MIGRATIONS, "ALTER TABLE project ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';")
    for _ in range(2):
        connection = open_database(path, steps)
        assert version_of(connection) == len(steps)
        assert connection.execute("SELECT colour FROM project").fetchone()[0] == "grey"
        connection.close()


def test_a_migration_that_fails_leaves_the_version_before(tmp_path):
    path = tmp_path / "store.sqlite"
    new_store(path).connection.close()
    with pytest.raises(StoreUnavailable):
        open_database(path, (*MIGRATIONS, "CREATE TABLE half (a TEXT);\nCREATE TABLE half (a TEXT);"))
    connection = open_database(path)
    assert version_of(connection) == len(MIGRATIONS)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone()[0] == 0


def test_a_copy_is_a_whole_store(store, tmp_path):
    job = queued(store)
    store.back_up(tmp_path / "copy.sqlite")
    assert Store(open_database(tmp_path / "copy.sqlite"), FakeClock()).job(job) is not None


def test_lists_are_filtered_sorted_and_cut(store):
    for number in range(1, 6):
        queued(store, number)
    found = job_list.page(store.connection, JobQuery(match="job00[2-4]", sort="oldest", limit=2), store.rev())
    assert [row.name for row in found.jobs] == ["Refine3D/job002/", "Refine3D/job003/"]
    assert found.total == 3
    others = job_list.page(store.connection, JobQuery(match="!job00[2-4]"), store.rev())
    assert {row.name for row in others.jobs} == {"Refine3D/job001/", "Refine3D/job005/"}


def test_a_pattern_that_is_none_is_refused(store):
    with pytest.raises(Refused, match="no regular expression"):
        job_list.page(store.connection, JobQuery(match="("), 0)


@pytest.mark.parametrize("name", ["job001", "Refine3D/job001", "Refine3D/job001/"])
def test_a_job_is_found_by_any_spelling_of_its_name(store, name):
    queued(store)
    assert [row.job for row in job_list.found_by_name(store.connection, name, str(PROJECT))] == [1]


names = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=50)
@given(name=names, value=names)
def test_hostile_texts_are_only_texts(tmp_path_factory, name, value):
    store = new_store(tmp_path_factory.mktemp("store") / "store.sqlite")
    job = store.add_job("u", PROJECT, Launch(), {name: value}, name + "k")
    store.change_job(job, JobState.QUEUED, "queued", value, reason=value)
    found = store.job(job)
    assert (found.options, found.reason) == ({name: value}, value)
