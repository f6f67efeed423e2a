"""The API over a real socket: addresses, limits, refusals, who is answered, and clients that do not read."""

import asyncio
import json
import os
import resource
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from halfmap.daemon.client import Client
from halfmap.daemon.fake import FakeService
from halfmap.daemon.handlers.events import Patience
from halfmap.daemon.listening import listening, stranger_problem
from halfmap.daemon.places import BadPlace, Places
from halfmap.daemon.records import CardRow, EventRow, JobQuery
from halfmap.daemon.server import application, serving

PATIENT = Patience()
KEY = {"Idempotency-Key": "k1"}
OPTIONS = {"in_optimisation": "o.star", "fn_ref": "r.mrc"}


@pytest.fixture
def where() -> Iterator[Places]:
    """Folders whose names are short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="hm-"))
    yield Places(folder / "run", folder / "state", folder / "daemon.toml")
    shutil.rmtree(folder)


@asynccontextmanager
async def talking(service, where, patience=PATIENT) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.UnixConnector(path=str(where.socket))
    async with (
        serving(service, where, patience),
        aiohttp.ClientSession("http://halfmap", connector=connector, timeout=aiohttp.ClientTimeout(30)) as session,
    ):
        yield session


def asked(where, method, path, service=None, **request) -> tuple[int, object]:
    """Ask once, and give the status and what the JSON holds."""

    async def ask() -> tuple[int, object]:
        async with (
            talking(service or FakeService(), where) as session,
            session.request(method, path, **request) as answer,
        ):
            assert answer.content_type == "application/json"
            return answer.status, json.loads(await answer.read())

    return asyncio.run(ask())


def with_jobs(number=3) -> FakeService:
    service = FakeService()
    for _ in range(number):
        service.add_job("/data/hiv")
    return service


# --- the socket -----------------------------------------------------------------------------------------------------


def test_only_its_user_can_reach_the_socket_whatever_the_umask_and_nothing_is_left_of_it(where):
    async def look() -> None:
        async with serving(FakeService(), where):
            assert stat.S_IMODE(where.socket.stat().st_mode) == 0o600
            assert stat.S_IMODE(where.runtime.stat().st_mode) == 0o700

    before = os.umask(0)
    try:
        asyncio.run(look())
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert list(where.runtime.iterdir()) == []


def test_a_dead_daemons_socket_is_replaced_and_a_living_ones_is_not(where):
    where.runtime.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(where.socket))
    assert where.socket.is_socket()
    with (
        listening(where.socket),
        pytest.raises(BadPlace, match="another daemon, with another state folder"),
        listening(where.socket),
    ):
        pass
    assert not where.socket.exists()


def test_the_socket_of_a_later_daemon_is_left_to_it(where):
    with listening(where.socket):
        where.socket.unlink()
        where.socket.write_text("a later daemon's")
    assert where.socket.read_text() == "a later daemon's"


def test_a_name_that_no_socket_can_have_is_refused_in_words(where):
    long = where.runtime / ("d" * 100) / "daemon.sock"
    with pytest.raises(BadPlace, match="set HALFMAP_RUNTIME_DIR to a shorter folder"), listening(long):
        pass


def test_a_folder_that_is_a_link_is_refused(where, tmp_path):
    where.runtime.symlink_to(tmp_path)
    with pytest.raises(BadPlace, match="not a folder of its own"), listening(where.socket):
        pass


def test_strangers_and_root_are_told_that_they_are_not_answered():
    assert stranger_problem(1000, 1000) == ""
    assert stranger_problem(1001, 1000) == "this daemon belongs to uid 1000 and answers nobody else; you are uid 1001."
    assert "you are uid 0" in stranger_problem(0, 1000)


def test_another_user_is_refused_everything_with_403(where):
    async def story() -> None:
        runner = aiohttp.web.AppRunner(application(FakeService(), user=os.getuid() + 1))
        await runner.setup()
        where.runtime.mkdir()
        await aiohttp.web.UnixSite(runner, str(where.socket)).start()
        connector = aiohttp.UnixConnector(path=str(where.socket))
        async with aiohttp.ClientSession("http://halfmap", connector=connector) as session:
            for method, path in (("GET", "/v1/status"), ("POST", "/v1/shutdown"), ("GET", "/nowhere")):
                async with session.request(method, path, headers=KEY) as answer:
                    assert answer.status == 403
                    assert (await answer.json())["code"] == "forbidden"
        await runner.cleanup()

    asyncio.run(story())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_process_of_another_user_is_refused_even_where_the_socket_lets_it_in(where):
    service = FakeService()
    words = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX); "
        "s.connect(sys.argv[1]); "
        "s.sendall(b'POST /v1/shutdown HTTP/1.1\\r\\nHost: h\\r\\nIdempotency-Key: k\\r\\n\\r\\n'); "
        "print(s.recv(4096).decode())"
    )

    async def story() -> str:
        async with serving(service, where):
            for path, mode in ((where.runtime.parent, 0o755), (where.runtime, 0o755), (where.socket, 0o666)):
                path.chmod(mode)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", words, str(where.socket), stdout=subprocess.PIPE
            )
            return (await process.communicate())[0].decode()

    assert "403 Forbidden" in asyncio.run(story())
    assert not service.has_ended


# --- requests -------------------------------------------------------------------------------------------------------


def test_each_look_is_answered_in_json(where):
    service = with_jobs()

    async def story() -> None:
        async with talking(service, where) as session:
            for path in ("status", "jobs", "jobs/2", "jobs/2/iterations", "jobs/2/files", "projects", "cards", "host",
                         "options", "cards/samples?since=0", "paths?project=/data/hiv&text=Ex&pattern=*.star",
                         "jobs/find?name=job002&project=/data/hiv"):  # fmt: skip
                async with session.get(f"/v1/{path}") as answer:
                    assert (answer.status, answer.content_type) == (200, "application/json"), path
                    assert await answer.json() is not None

    asyncio.run(story())


def test_metrics_are_text_for_prometheus(where):
    async def story() -> None:
        async with talking(with_jobs(), where) as session, session.get("/v1/metrics") as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert "halfmap_rev 3" in await answer.text()

    asyncio.run(story())


def test_the_query_of_jobs_has_the_fields_of_its_record(where):
    service = with_jobs(5)
    service.start(4)
    path = "/v1/jobs?states=running,failed&states=queued&sort=oldest&offset=1&limit=3&problems_only=0"
    status, page = asked(where, "GET", path, service)
    assert status == 200
    assert [row["job"] for row in page["jobs"]] == [2, 3, 4]
    assert page["total"] == 5


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("jobs?stats=failed", "unknown parameters: stats"),
        ("jobs?limit=501", "limit"),
        ("jobs?limit=1&limit=2", "given 2 times"),
        ("jobs?states=sleeping", "states"),
        ("jobs?match=(", "is no regular expression"),
        ("jobs?match=" + "a" * 201, "match"),
        ("jobs/find", "name"),
        ("events?since=-1", "since"),
        ("cards/samples?since=nan", "since"),
        ("paths?text=a", "project"),
        ("paths?project=/data/hiv&pattern=" + "*" * 201, "pattern"),
        ("events?since=99999999999999999999", "since"),
    ],
)
def test_a_query_that_does_not_fit_is_refused_by_name(where, path, what):
    status, refusal = asked(where, "GET", f"/v1/{path}")
    assert (status, refusal["code"]) == (400, "bad_request")
    assert what in " ".join((refusal["message"], *refusal["problems"]))


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/status", "/v1/jobs/x", "/v1/jobs/-1", "/v1/jobs/7", f"/v1/jobs/{'9' * 400}",
             f"/v1/jobs/find?name={'9' * 400}", "/v1/../etc/passwd"]
)  # fmt: skip
def test_what_is_not_there_is_404(where, path):
    status, refusal = asked(where, "GET", path)
    assert (status, refusal["code"]) == (404, "not_found")


def test_a_wrong_method_is_405_and_names_the_right_ones(where):
    status, refusal = asked(where, "PUT", "/v1/jobs")
    assert status == 405
    assert "GET, HEAD, POST" in refusal["message"]


def test_each_code_has_its_status(where):
    service = with_jobs(1)
    service.add_job("/data/hiv", followed=True, state="running")
    assert asked(where, "POST", "/v1/jobs/9/hold", service, headers=KEY)[0] == 404
    assert asked(where, "POST", "/v1/jobs/2/hold", service, headers=KEY)[0] == 409
    body = {"project": "/data/hiv", "options": {}}
    status, refusal = asked(where, "POST", "/v1/jobs", service, headers=KEY, json=body)
    assert (status, refusal["code"]) == (422, "refused")
    assert any("in_optimisation" in problem for problem in refusal["problems"])


CHANGES = [
    ("POST", "jobs", {"project": "/data/hiv", "options": OPTIONS}),
    ("POST", "jobs/1/hold", None),
    ("POST", "jobs/2/release", None),
    ("POST", "jobs/1/priority", {"priority": 5}),
    ("POST", "jobs/1/stop", {"mode": "abort"}),
    ("POST", "jobs/3/resume", None),
    ("POST", "projects", {"project": "/data/new"}),
    ("DELETE", "projects?project=/data/other", None),
    ("POST", "shutdown", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_every_change_needs_a_key_and_is_done_with_one(where, method, path, body):
    service = with_jobs(1)
    service.add_job("/data/hiv", state="held")
    service.add_job("/data/hiv", state="failed")
    service.add_project("/data/other")
    status, refusal = asked(where, method, f"/v1/{path}", service, json=body)
    assert status == 400
    assert "Idempotency-Key" in refusal["message"]
    assert asked(where, method, f"/v1/{path}", service, json=body, headers=KEY)[0] == 200


def test_a_form_is_checked_written_and_read_without_a_key_and_changes_nothing(where):
    service = with_jobs(1)
    _, before = asked(where, "GET", "/v1/status", service)
    draft = {"project": "/data/hiv", "options": {"ini_high": "abc"}}
    status, found = asked(where, "POST", "/v1/options/check", service, json=draft)
    assert (status, found["problems"][0]["key"]) == (200, "ini_high")
    status, written = asked(where, "POST", "/v1/options/write", service, json={"options": OPTIONS})
    assert (status, written["options"]) == (200, OPTIONS)
    status, read = asked(where, "POST", "/v1/options/read", service, json={"text": written["text"]})
    assert (status, read["options"]) == (200, OPTIONS)
    assert asked(where, "GET", "/v1/status", service) == (200, before)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("check", {"project": "/data/hiv", "option": {}}, 400),
        ("check", {"project": "/data/hiv", "options": {f"x{number}": "" for number in range(501)}}, 400),
        ("check", {"project": "/data/other", "looks_at_files": True}, 404),
        ("write", {}, 400),
        ("write", {"options": {"ini_high": 60}}, 400),
        ("write", {"options": {"other_args": "x" * (2**19 + 1)}}, 413),
        ("read", {"text": "\x1b[2J no star"}, 400),
        ("read", {"text": "x" * (2**19 + 1)}, 400),
    ],
)
def test_a_form_that_cannot_be_understood_is_refused(where, path, body, status):
    found, refusal = asked(where, "POST", f"/v1/options/{path}", with_jobs(1), json=body)
    assert found == status
    assert len(json.dumps(refusal)) < 6000


@pytest.mark.parametrize("key", ["", "k" * 129, "schlüssel", "tab\tbed"])
def test_a_key_is_up_to_128_printable_characters(where, key):
    headers = [("Idempotency-Key", key)]
    assert asked(where, "POST", "/v1/jobs/1/hold", with_jobs(), headers=headers)[0] == 400


def test_two_keys_are_one_too_many(where):
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert asked(where, "POST", "/v1/jobs/1/hold", with_jobs(), headers=headers)[0] == 400


def test_a_card_is_named_by_its_uuid_even_with_slashes(where):
    service = FakeService()
    uuid = "MIG-GPU-1/2/0"
    service.add_card(
        CardRow(uuid=uuid, index=0, name="A", memory_total_mb=1, memory_used_mb=0, state="quarantined", reason="XID 79")
    )

    async def story() -> None:
        async with serving(service, where), Client(where.socket) as client:
            assert (await client.clean_card(uuid, "k")).state == "free"

    asyncio.run(story())


# --- hostile input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"project":' * 50_000, 400),
        (b'{"project": "/p", "options": {}, "rank": 3}', 400),
        (b'{"project": "/p", "launch": {"place": "slurm:a;rm -rf /"}}', 400),
        (b'{"project": "/p", "launch": {"cards": 99999999999999999999999}}', 400),
        (b'{"project": "/p", "alias": "' + b"a" * 201 + b'"}', 400),
        (b'{"project": "' + b"a" * 5000 + b'"}', 400),
        (b'{"project": "\\ud800"}', 400),
        (b"{" + b",".join(b'"x%d": 1' % n for n in range(20_000)) + b"}", 400),
        (b'{"project": "' + b"a" * 2**20 + b'"}', 413),
    ],
    # not the bodies, one of which has a megabyte
    ids=range(14),
)
def test_no_body_does_more_than_being_refused_shortly(where, content, status):
    service = FakeService()
    found, refusal = asked(where, "POST", "/v1/jobs", service, headers=KEY, data=content)
    assert found == status
    assert len(json.dumps(refusal)) < 6000
    assert asked(where, "GET", "/v1/jobs", service)[1]["total"] == 0


def test_ten_megabytes_without_a_length_are_cut_off_and_the_daemon_lives(where):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b"a" * 65536

    async def story() -> None:
        async with talking(FakeService(), where) as session:
            try:
                async with session.post("/v1/jobs", data=endless(), headers=KEY) as answer:
                    assert answer.status == 413
            except aiohttp.ClientError:
                pass  # it has hung up before all was sent
            async with session.get("/v1/status") as answer:
                assert answer.status == 200

    asyncio.run(story())


def raw(where, *requests: bytes) -> list[bytes]:
    """Send bytes as they are, each over a connection of its own; gives the first line of each answer."""

    async def story() -> list[bytes]:
        lines = []
        async with talking(FakeService(), where) as session:
            for request in requests:
                reader, writer = await asyncio.open_unix_connection(str(where.socket))
                writer.write(request)
                lines.append((await asyncio.wait_for(reader.readline(), 5)).strip())
                writer.close()
            async with session.get("/v1/status") as answer:
                assert answer.status == 200
        return lines

    return asyncio.run(story())


def test_what_is_no_http_is_answered_400_and_fills_no_log(where, caplog):
    long_header = b"GET /v1/status HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"
    lines = raw(where, b"\x00\x01\x02\x03\r\n\r\n", b"GET " + b"/a" * 10_000 + b" HTTP/1.1\r\n\r\n", long_header)
    assert all(b" 400 " in line for line in lines), lines
    assert caplog.text == ""


def test_a_mistake_in_the_service_is_500_and_logged_and_the_next_request_is_answered(where, caplog):
    class Broken(FakeService):
        async def host(self):
            raise KeyError("cores")

    async def story() -> None:
        async with talking(Broken(), where) as session:
            async with session.get("/v1/host") as answer:
                assert answer.status == 500
                assert "KeyError" in (await answer.json())["message"]
            async with session.get("/v1/status") as answer:
                assert answer.status == 200

    asyncio.run(story())
    assert "GET /v1/host failed" in caplog.text


def test_names_with_control_characters_come_back_as_json(where):
    service = FakeService()
    service.add_job("/data/hiv", alias="\x1b]0;title\x07\n\x9b31m", reason="a\u2028b")
    status, page = asked(where, "GET", "/v1/jobs", service)
    assert status == 200
    assert page["jobs"][0]["alias"] == "\x1b]0;title\x07\n\x9b31m"


def test_what_is_no_number_is_null(where):
    service = with_jobs(1)
    service.iterate(1, resolution_angstrom=float("inf"), fsc=[1.0, float("nan")])
    _, iterations = asked(where, "GET", "/v1/jobs/1/iterations", service)
    assert (iterations[0]["resolution_angstrom"], iterations[0]["fsc"]) == (None, [1.0, None])
    _, detail = asked(where, "GET", "/v1/jobs/1", service)
    assert detail["row"]["resolution_angstrom"] is None


@pytest.mark.slow
def test_ten_thousand_tiny_requests_take_seconds_and_no_memory(where):
    async def story() -> tuple[float, int]:
        async with talking(with_jobs(), where) as session:

            async def some(number: int) -> None:
                for _ in range(number):
                    async with session.get("/v1/jobs/1") as answer:
                        await answer.read()
                    async with session.post("/v1/jobs/1/hold", data=b"{") as answer:
                        assert answer.status == 400

            await asyncio.gather(*(some(25) for _ in range(20)))
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            start = time.monotonic()
            await asyncio.gather(*(some(250) for _ in range(20)))
            return time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    seconds, grown_kb = asyncio.run(story())
    assert seconds < 30
    assert grown_kb < 8000


# --- events ---------------------------------------------------------------------------------------------------------


def test_events_come_as_lines_and_those_to_come_follow(where):
    service = with_jobs(2)

    async def story() -> None:
        async with (
            talking(service, where) as session,
            session.get("/v1/events?since=1&follow=1") as answer,
        ):
            assert answer.content_type == "application/x-ndjson"
            assert json.loads(await answer.content.readline())["rev"] == 2
            service.start(1)
            kinds = [json.loads(await answer.content.readline())["kind"] for _ in range(2)]
            assert kinds == ["starting", "running"]

    asyncio.run(story())


def test_without_follow_the_stream_ends(where):
    async def story() -> None:
        async with talking(with_jobs(3), where) as session, session.get("/v1/events?job=2") as answer:
            lines = (await answer.read()).splitlines()
            assert [json.loads(line)["job"] for line in lines] == [2]

    asyncio.run(story())


def test_silence_is_broken_by_empty_lines(where):
    async def story() -> None:
        patience = Patience(heartbeat_s=0.02)
        async with (
            talking(FakeService(), where, patience) as session,
            session.get("/v1/events?follow=1") as answer,
        ):
            assert await answer.content.readline() == b"\n"
            assert await answer.content.readline() == b"\n"

    asyncio.run(story())


class Torrent(FakeService):
    """Events without end, and a count of how many were taken from it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        self.was_closed = False

    async def events(self, since, job, follow):
        try:
            while True:
                self.taken += 1
                yield EventRow(rev=self.taken, time=0.0, kind="noise", text="x" * 1000)
        finally:
            self.was_closed = True


def test_a_client_that_does_not_read_is_dropped_and_nothing_piles_up_for_it(where):
    service = Torrent()

    async def story() -> None:
        async with talking(service, where, Patience(drain_s=0.3)) as session:
            _, writer = await asyncio.open_unix_connection(str(where.socket), limit=1024)
            writer.write(b"GET /v1/events?follow=1 HTTP/1.1\r\nHost: h\r\n\r\n")
            writer.transport.pause_reading()
            until = time.monotonic() + 10
            while not service.was_closed and time.monotonic() < until:
                await asyncio.sleep(0.02)
            assert service.was_closed
            # what the kernel and aiohttp keep for a connection, about 300 kB, and no more
            assert service.taken < 1000
            async with session.get("/v1/status") as answer:
                assert answer.status == 200
            writer.close()

    asyncio.run(story())


def test_a_client_that_goes_is_noticed(where):
    service = Torrent()

    async def story() -> None:
        async with talking(service, where) as session:
            async with session.get("/v1/events?follow=1") as answer:
                await answer.content.readline()
                answer.close()
            until = time.monotonic() + 5
            while not service.was_closed and time.monotonic() < until:
                await asyncio.sleep(0.02)
            assert service.was_closed

    asyncio.run(story())


def test_the_daemon_ends_at_once_though_somebody_follows_and_answers_what_it_was_asked(where):
    class Slow(FakeService):
        async def host(self):
            await asyncio.sleep(0.3)
            return await super().host()

    async def story() -> None:
        service, connector = Slow(), aiohttp.UnixConnector(path=str(where.socket))
        async with aiohttp.ClientSession("http://halfmap", connector=connector) as session:
            async with serving(service, where):
                followed = await session.get("/v1/events?follow=1")
                asked_for = asyncio.create_task(session.get("/v1/host"))
                await asyncio.sleep(0.1)
                start = time.monotonic()
            assert time.monotonic() - start < 2
            assert (await asked_for).status == 200
            with pytest.raises(aiohttp.ClientError):
                await followed.read()

    asyncio.run(story())


# --- speed, and curl ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("undisturbed")
def test_a_small_request_takes_a_millisecond_or_two_and_a_page_less_than_ten(where):
    service = with_jobs(200)

    async def best(session, path: str) -> float:
        times = []
        for _ in range(60):
            start = time.perf_counter()
            async with session.get(path) as answer:
                await answer.read()
            times.append(time.perf_counter() - start)
        return sorted(times)[len(times) // 4]

    async def story() -> tuple[float, float]:
        async with talking(service, where) as session:
            return await best(session, "/v1/host"), await best(session, "/v1/jobs?limit=100")

    small_s, page_s = asyncio.run(story())
    # both ends run in this one process, on a machine that does other things besides
    assert small_s < 0.004
    assert page_s < 0.012


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_can_do_it_all(where):
    service = FakeService()
    service.add_project("/data/hiv")

    async def curl(*words: str) -> object:
        command = ["curl", "--silent", "--max-time", "10", "--unix-socket", str(where.socket), *words]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        return json.loads((await process.communicate())[0])

    async def story() -> None:
        async with serving(service, where):
            body = json.dumps({"project": "/data/hiv", "options": OPTIONS})
            address, key = "http://halfmap/v1/jobs", ("-H", "Idempotency-Key: 1")
            first = await curl(*key, "-d", body, address)
            assert await curl(*key, "-d", body, address) == first
            assert (first["name"], first["state"]) == ("Refine3D/job001/", "queued")
            assert (await curl("-X", "POST", "-H", "Idempotency-Key: 2", f"{address}/1/hold"))["state"] == "held"
            assert (await curl(f"{address}?states=held"))["total"] == 1

    asyncio.run(story())


def test_rows_read_from_json_are_the_rows_that_were_written(where):
    service = with_jobs(3)
    service.start(2, ("GPU-1",), iteration=4, resolution_angstrom=8.25, phase="expectation", fraction=0.5)

    async def story() -> None:
        async with serving(service, where), Client(where.socket) as client:
            assert await client.jobs(JobQuery()) == await service.jobs(JobQuery())
            assert await client.job(2) == await service.job(2)
            assert await client.options() == await service.options()

    asyncio.run(story())
