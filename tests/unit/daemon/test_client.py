"""The client: what it loads, what it says when no daemon is there, and how it gets over a daemon's restart."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from halfmap.daemon.client import (
    CardSample,
    Client,
    DaemonAway,
    FormCheck,
    FormDraft,
    IterationFiles,
    JobFiles,
    JobQuery,
    JobState,
    Launch,
    PathRow,
    Refused,
    Submission,
    connect,
)
from halfmap.daemon.fake import FakeService
from halfmap.daemon.handlers.events import Patience
from halfmap.daemon.ladder_records import LadderDraft, LadderName, LadderOrder
from halfmap.daemon.places import Places
from halfmap.daemon.server import serving

OPTIONS = {"in_optimisation": "o.star", "fn_ref": "r.mrc"}


@pytest.fixture
def where() -> Iterator[Places]:
    folder = Path(tempfile.mkdtemp(prefix="hm-"))
    yield Places(folder / "run", folder / "state", folder / "daemon.toml")
    shutil.rmtree(folder)


def test_importing_the_client_loads_nothing_that_is_slow_or_not_its_business():
    forbidden = ("numpy", "textual", "cupy", "mpi4py", "apscheduler", "watchdog", "sqlite3", "pynvml", "rich",
                 "aiohttp", "halfmap.daemon.server", "halfmap.daemon.fake", "halfmap.engine",
                 "halfmap.contract.refine3d")  # fmt: skip
    words = f"import sys, halfmap.daemon.client; print([name for name in {forbidden!r} if name in sys.modules])"
    # measuring coverage would load what it needs for that
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True, env=plain)
    assert done.stdout.strip() == "[]"


def test_what_is_asked_of_the_client_is_what_the_service_is_asked(where):
    service = FakeService()
    service.add_project("/data/hiv")

    async def story() -> None:
        async with serving(service, where), Client(where.socket) as client:
            launch = Launch(cards=2, after=("Refine3D/job001/",), begin=2e6, notify_at_angstrom=8.0)
            submission = Submission(project="/data/hiv", options=OPTIONS, alias="first", launch=launch)
            row = await client.submit(submission, "k1")
            assert await client.submit(submission, "k1") == row
            assert (await client.job(row.job)).launch == launch
            assert await client.find("first", "/data/hiv") == row
            assert await client.find("job001", None) == row
            assert (await client.hold(row.job, "k2")).state == "held"
            assert (await client.prioritise(row.job, -7, "k3")).priority == -7
            assert (await client.release(row.job, "k4")).state == "queued"
            service.start(row.job)
            assert (await client.stop(row.job, "after_iteration", "k5")).reason == "stopping (after iteration)"
            service.finish(row.job, JobState.ABORTED)
            assert (await client.resume(row.job, "k6")).state == "queued"
            page = await client.jobs(JobQuery(states=(JobState.QUEUED, JobState.FAILED), match="first", limit=3))
            assert [found.job for found in page.jobs] == [row.job]
            assert await client.iterations(row.job) == []
            assert (await client.watch("/data/new project & more", "k7")).project == "/data/new project & more"
            await client.unwatch("/data/new project & more", "k8")
            assert [found.project for found in await client.projects()] == ["/data/hiv"]
            assert await client.cards() == []
            assert (await client.host()).host == "fake"
            assert "halfmap_rev" in await client.metrics()
            assert (await client.status()).rev == len([event async for event in client.events(0, None, False)])
            assert {option.key for option in await client.options()} >= OPTIONS.keys()
            await client.shut_down("k9")
            assert service.has_ended

    asyncio.run(story())


def test_forms_files_paths_and_cards_come_through_the_client_as_the_service_tells_them(where):
    service = FakeService()
    job = service.add_job("/data/hiv").job
    one = IterationFiles(iteration=1, half_maps=("/a.mrc", ""))
    service.job_files[job] = JobFiles(folder="/data/hiv/Refine3D/job001", iterations=(one,), box_px=36)
    service.paths["/data/hiv"] = [PathRow(path="a & b.star", bytes=3, changed=2.5)]
    service.samples = [CardSample(time=20.5, uuid="GPU-1", memory_used_mb=1.0, power_w=None)]
    service.looked_at = FormCheck(set_names={"rlnTomoParticlesFile": "p.star"}, seconds=12.5, warnings=("w",))
    draft = FormDraft(project="/data/hiv", options=OPTIONS | {"nr_mpi": "4"}, looks_at_files=True)

    async def story() -> None:
        async with serving(service, where), Client(where.socket) as client:
            for asked in (
                lambda of: of.files(job),
                lambda of: of.check_form(draft),
                lambda of: of.write_form(OPTIONS),
                lambda of: of.browse("/data/hiv", "a & ", "*.star"),
                lambda of: of.card_samples(20.25),
                lambda of: of.options(),
            ):
                answer = await asked(client)
                assert answer == await asked(service)
                assert answer
            text = (await client.write_form(OPTIONS)).text
            assert (await client.read_form(text)).options == OPTIONS

    asyncio.run(story())


def test_ladders_come_through_the_client_as_the_service_tells_them(where):
    service = FakeService()
    service.add_project("/data/hiv")
    which = LadderName(project="/data/hiv", name="all_down")
    text = 'optimisation_set = "o.star"\nreference = "r.mrc"\nmask_diameter = 230\nbox_px = 96\n'
    draft = LadderDraft(**dict(which), text=text)
    order = LadderOrder(**dict(which), step="bin2.refine", options={"ini_high": "30", "nr_pool": None})

    async def story() -> None:
        async with serving(service, where), Client(where.socket) as client:
            begun = await client.begin_ladder(draft, "k1")
            assert begun == await service.ladder(which) == await client.ladder(which)
            assert await client.ladders("/data/hiv") == await client.ladders(None) == [begun.row]
            assert await client.ladders("/elsewhere") == []
            assert 'ini_high = "30"' in (await client.set_ladder_options(order, "k2")).text
            assert (await client.stop_ladder(which, "k3")).row.state == "stopped"
            assert (await client.continue_ladder(which, "k4")).row.state == "running"
            with pytest.raises(Refused, match="mask_diameter: is missing"):
                await client.begin_ladder(draft.model_copy(update={"text": ""}), "k5")

    asyncio.run(story())


def test_a_refusal_arrives_with_its_code_and_all_its_sentences(where):
    service = FakeService()
    service.add_project("/p")

    async def story() -> Refused:
        async with serving(service, where), Client(where.socket) as client:
            with pytest.raises(Refused) as caught:
                await client.submit(Submission(project="/p", options={}), "k")
            return caught.value

    error = asyncio.run(story())
    assert error.refusal.code == "refused"
    assert len(error.refusal.problems) >= 2
    assert "in_optimisation" in str(error)


def test_without_a_daemon_people_are_told_how_to_start_it(where):
    async def story() -> None:
        async with Client(where.socket) as client:
            with pytest.raises(DaemonAway, match="start it with `halfmap daemon start`"):
                await client.status()
            with pytest.raises(DaemonAway, match="start it with"):
                await anext(client.events(0, None, True))
        where.runtime.mkdir()
        where.socket.touch()
        async with Client(where.socket) as client:
            with pytest.raises(DaemonAway, match="start it with"):
                await client.hold(1, "k")

    asyncio.run(story())


def test_the_socket_is_found_through_the_environment(where):
    async def story() -> None:
        async with serving(FakeService(), where), connect({"HALFMAP_RUNTIME_DIR": str(where.runtime)}) as client:
            assert (await client.status()).version == "fake"

    asyncio.run(story())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to others")
def test_a_socket_that_somebody_else_has_made_is_not_talked_to(where):
    async def story() -> None:
        async with serving(FakeService(), where), Client(where.socket) as client:
            os.chown(where.socket, 65534, -1)
            with pytest.raises(DaemonAway, match="belongs to uid 65534, not to you"):
                await client.status()

    asyncio.run(story())


def test_a_daemon_that_does_not_answer_is_away_after_a_while(where):
    class Hanging(FakeService):
        async def status(self):
            await asyncio.sleep(5)

    async def story() -> None:
        async with serving(Hanging(), where), Client(where.socket, answer_s=0.1) as client:
            with pytest.raises(DaemonAway, match="does not answer"):
                await client.status()

    asyncio.run(story())


def test_a_request_whose_connection_breaks_is_sent_again_with_its_key(where):
    keys = []

    async def breaking(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            request.transport.abort()
        return web.json_response({"job": 1, "project": "/p", "name": "", "state": "held"})

    async def story() -> None:
        app = web.Application()
        app.add_routes([web.post("/v1/jobs/1/hold", breaking)])
        runner = web.AppRunner(app)
        await runner.setup()
        where.runtime.mkdir()
        await web.UnixSite(runner, str(where.socket)).start()
        async with Client(where.socket) as client:
            assert (await client.hold(1, "only once")).state == "held"
        await runner.cleanup()

    asyncio.run(story())
    assert keys == ["only once", "only once"]


def test_requests_go_on_after_a_restart_of_the_daemon(where):
    service = FakeService()

    async def story() -> None:
        async with Client(where.socket) as client:
            for _ in range(3):
                async with serving(service, where):
                    assert (await client.status()).rev == 0

    asyncio.run(story())


def test_events_go_on_after_a_restart_and_each_comes_once(where):
    service = FakeService()
    service.add_job("/p")
    away = []

    async def story() -> list[int]:
        seen, told = [], asyncio.Event()

        async def listen() -> None:
            async with Client(where.socket, on_away=away.append) as client:
                async for event in client.events(0, None, True):
                    seen.append(event.rev)
                    told.set()
                    if len(seen) == 4:
                        return

        async with serving(service, where):
            listening = asyncio.create_task(listen())
            await asyncio.wait_for(told.wait(), 5)
        service.add_job("/p")
        service.add_job("/p")
        await asyncio.sleep(0.4)
        async with serving(service, where):
            told.clear()
            await asyncio.wait_for(told.wait(), 5)
            service.add_job("/p")
            await asyncio.wait_for(listening, 5)
        return seen

    assert asyncio.run(story()) == [1, 2, 3, 4]
    assert "start it with" in str(away[0])


def test_events_are_heard_after_the_store_was_made_again_and_counts_anew(where):
    old, new = FakeService(), FakeService()
    for _ in range(10):
        old.add_job("/p")
    new.add_job("/p")

    async def story() -> int:
        async with Client(where.socket) as client:
            events = client.events(5, None, True)
            async with serving(old, where):
                assert [(await anext(events)).rev for _ in range(5)] == [6, 7, 8, 9, 10]
            async with serving(new, where):
                coming = asyncio.ensure_future(anext(events))
                await asyncio.sleep(0.6)
                new.add_job("/p")
                return (await asyncio.wait_for(coming, 5)).rev

    assert asyncio.run(story()) == 2


def test_signs_of_life_are_no_events(where):
    service = FakeService()

    async def story() -> None:
        async with serving(service, where, Patience(heartbeat_s=0.01)), Client(where.socket) as client:
            coming = asyncio.ensure_future(anext(client.events(0, None, True)))
            await asyncio.sleep(0.1)
            service.add_job("/p")
            assert (await asyncio.wait_for(coming, 5)).rev == 1

    asyncio.run(story())
