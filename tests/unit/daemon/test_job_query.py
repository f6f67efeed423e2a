"""What a query means is the same in the store's SQL and as a function."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halfmap.daemon import job_list
from halfmap.daemon.clock import FakeClock
from halfmap.daemon.database import open_database
from halfmap.daemon.job_query import named, select
from halfmap.daemon.records import JobQuery, JobRow
from halfmap.daemon.service import Refused
from halfmap.daemon.state import JobState
from halfmap.daemon.store import Store

PROJECTS = ("/a", "/b")
SORTS = ("newest", "oldest", "name", "state", "priority", "resolution")


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    """A store with sixty jobs of all kinds."""
    pick = random.Random(7)
    store = Store(open_database(tmp_path_factory.mktemp("store") / "store.sqlite"), FakeClock())
    for project in PROJECTS:
        store.add_project(Path(project), "")
    for number in range(60):
        kind = pick.choice(["relion.refine3d.tomo", "relion.refine3d", "relion.ctffind"])
        folder = "CtfFind" if kind == "relion.ctffind" else "Refine3D"
        columns = {
            "name": f"{folder}/job{pick.choice([number, number + 980]):03d}/",
            "alias": pick.choice(["", "", "apo", "Refine3D/apo/", "été"]),
            "kind": kind,
            "state": pick.choice(list(JobState)).value,
            "reason": pick.choice(["", "card 2 used by anna", "exit code 3 (Bad.Input)", "ÉTÉ"]),
            "alarm": pick.choice(["", "", "", "rank 2 is silent"]),
            "priority": pick.randint(-2, 2),
            "resolution": pick.choice([None, 8.0, 12.5, 30.0]),
        }
        store.follow_jobs(Path(pick.choice(PROJECTS)), [columns])
    return store.connection


def all_rows(connection) -> list[JobRow]:
    return [job_list.job_row(connection, row) for row in connection.execute("SELECT * FROM job")]


QUERIES = st.builds(
    JobQuery,
    project=st.sampled_from([None, *PROJECTS, "/c"]),
    states=st.lists(st.sampled_from(JobState), max_size=4).map(tuple),
    match=st.sampled_from(["", "apo", "!apo", "ANNA", "job0.[13]", "^Refine", "b.*failed", "!", ".", "été", "(x)|a "]),
    problems_only=st.booleans(),
    refinements_only=st.booleans(),
    sort=st.sampled_from(SORTS),
    offset=st.integers(0, 20),
    limit=st.integers(1, 70),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERIES)
def test_the_store_and_the_function_find_the_same_jobs_in_the_same_order(connection, query):
    rows, total = select(all_rows(connection), query)
    page = job_list.page(connection, query, rev=0)
    assert (page.jobs, page.total) == (tuple(rows), total)


@pytest.mark.parametrize("name", ["job001", "job001/", "Refine3D/job001", "apo", "Refine3D/apo", "CtfFind/job003", "x"])
@pytest.mark.parametrize("project", [None, *PROJECTS])
def test_the_store_and_the_function_mean_the_same_jobs_by_a_name(connection, name, project):
    assert named(all_rows(connection), name, project) == job_list.found_by_name(connection, name, project)


def test_both_refuse_what_is_no_regular_expression(connection):
    query = JobQuery(match="!(")
    messages = set()
    for ask in (lambda: select([], query), lambda: job_list.page(connection, query, 0)):
        with pytest.raises(Refused) as caught:
            ask()
        messages.add(str(caught.value))
    assert len(messages) == 1
