"""Notifications arrive, once, and those that do not arrive do no harm and tell no secret."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from halfmap.daemon.messages import Message, message
from halfmap.daemon.notifications import Notifier, NotSent, mail, post, run_command, where
from halfmap.daemon.records import JobRow
from halfmap.daemon.settings import Notification
from halfmap.daemon.state import JobState

ROW = JobRow(job=17, project="/data/hiv", name="Refine3D/job012/", state=JobState.FINISHED, attempt=1)
TOLD = message("finished", ROW)
SECRET = "T0K3N"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


class Hook:
    """A web server that answers as told, and keeps what it was sent."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []

    async def take(self, request: web.Request) -> web.Response:
        self.sent.append(await request.json())
        return web.Response(status=self.answers.pop(0), headers={"Location": "/elsewhere"})

    @asynccontextmanager
    async def entry(self) -> AsyncIterator[Notification]:
        app = web.Application()
        app.router.add_post(f"/services/{SECRET}", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        try:
            yield Notification(kind="webhook", to=f"http://user:{SECRET}@127.0.0.1:{port}/services/{SECRET}")
        finally:
            await runner.cleanup()


def post_to(hook: Hook) -> None:
    async def story() -> None:
        async with hook.entry() as entry:
            await post(entry, TOLD, pause_s=0.001)

    asyncio.run(story())


def test_a_webhook_gets_the_message_as_json():
    hook = Hook(204)
    post_to(hook)
    assert hook.sent == [TOLD.data]


def test_a_webhook_that_is_busy_is_tried_again():
    hook = Hook(503, 429, 200)
    post_to(hook)
    assert len(hook.sent) == 3


def test_a_webhook_that_fails_three_times_is_given_up():
    hook = Hook(500, 500, 500)
    with pytest.raises(NotSent, match="it answered 500"):
        post_to(hook)


@pytest.mark.parametrize("status", [302, 404])
def test_a_webhook_that_refuses_is_not_asked_again(status):
    hook = Hook(status)
    with pytest.raises(NotSent, match=f"it answered {status}"):
        post_to(hook)
    assert len(hook.sent) == 1


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (f"http://user:{SECRET}@127.0.0.1:1/{SECRET}?key={SECRET}", "webhook at 127.0.0.1 "),
        (f"nonsense {SECRET}", "webhook at an address without host "),
        (f"http://[{SECRET}", "webhook at an address that is none "),
        (f"ftp://host.invalid/{SECRET}", "webhook at host.invalid "),
    ],
)
def test_secrets_of_a_webhook_are_never_reported(url, named, monkeypatch):
    monkeypatch.setattr(asyncio, "sleep", _no_sleep)
    reports = tell(Notification(kind="webhook", to=url))
    assert len(reports) == 1
    assert reports[0].startswith(f"{named}was not told that job012 finished: ")
    assert SECRET not in reports[0]


async def _no_sleep(seconds: float) -> None:
    return


class MailHost:
    """Speaks enough SMTP to take a letter."""

    def __init__(self, refuse: bool = False) -> None:
        self.heard: list[str] = []
        self.letter = ""
        self.refuse = refuse

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            word = line.split(":")[0].split(" ")[0].upper()
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                self.letter = (await reader.readuntil(b"\r\n.\r\n")).decode()
            answer = b"550 no such user\r\n" if word == "RCPT" and self.refuse else b"250 fine\r\n"
            writer.write(b"221 bye\r\n" if word == "QUIT" else answer)
            if word == "QUIT":
                break
        writer.close()

    @asynccontextmanager
    async def entry(self) -> AsyncIterator[Notification]:
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        yield Notification(
            kind="mail", to="anna@lab.example", sender="daemon@node", mail_host="127.0.0.1", mail_port=port
        )
        server.close()


def send_mail(host: MailHost, told: Message = TOLD) -> None:
    async def story() -> None:
        async with host.entry() as entry:
            await mail(entry, told)

    asyncio.run(story())


def test_a_mail_is_handed_to_its_host():
    host = MailHost()
    send_mail(host)
    assert any(line.startswith("mail FROM:<daemon@node>") for line in host.heard)
    assert "rcpt TO:<anna@lab.example>" in host.heard
    assert "Subject: halfmap: job012 finished\r\n" in host.letter
    assert "Project: /data/hiv" in host.letter


def test_a_mail_that_is_refused_says_why():
    with pytest.raises(NotSent, match=r"127\.0\.0\.1:\d+: .*550"):
        send_mail(MailHost(refuse=True))


def test_a_mail_host_that_is_not_there_is_named():
    with pytest.raises(NotSent, match=r"127\.0\.0\.1:1: .*refused"):
        asyncio.run(mail(Notification(kind="mail", to="a@b", mail_host="127.0.0.1", mail_port=1), TOLD))


def program(*words: str, **more: float) -> None:
    asyncio.run(run_command(Notification(kind="command", command=words), TOLD, **more))


def python(text: str, *words: str, **more: float) -> None:
    program(sys.executable, "-c", text, *words, **more)


def test_a_command_gets_the_message_on_its_standard_input_and_its_words_untouched(tmp_path):
    out = tmp_path / "a; b $(c)"
    python("import sys; open(sys.argv[1], 'w').write(sys.stdin.read())", str(out))
    assert json.loads(out.read_text()) == TOLD.data


def test_a_command_that_reads_nothing_is_fine():
    program("true")


def test_a_command_that_fails_or_is_not_there_says_so():
    with pytest.raises(NotSent, match="it ended with code 3"):
        python("raise SystemExit(3)")
    with pytest.raises(NotSent, match="it cannot be started: No such file"):
        program("/no/such/program")
    with pytest.raises(NotSent, match="it cannot be started"):
        program()


def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path):
    note = tmp_path / "pid"
    text = (
        "import subprocess, sys; child = subprocess.Popen(['sleep', '60']); "
        "open(sys.argv[1], 'w').write(str(child.pid)); child.wait()"
    )
    with pytest.raises(NotSent, match="not done within 2 s"):
        python(text, str(note), patience_s=2.0)
    status = Path(f"/proc/{note.read_text()}/stat")
    end = time.monotonic() + 5
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < end
        time.sleep(0.01)


def tell(*entries: Notification, senders: dict | None = None, times: int = 1) -> list[str]:
    """Tell of a finished job, and give what was reported."""
    known: set[str] = set()
    reports: list[str] = []

    def remember(key: str) -> bool:
        return key not in known and not known.add(key)

    async def story() -> None:
        more = {"senders": senders} if senders else {}
        notifier = Notifier(entries, remember, reports.append, **more)
        for _ in range(times):
            await notifier.tell("finished", ROW)

    asyncio.run(story())
    return reports


class Box:
    """Takes whatever is sent."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sent: list[tuple[Notification, Message]] = []
        self.error = error

    async def take(self, entry: Notification, told: Message) -> None:
        self.sent.append((entry, told))
        if self.error:
            raise self.error


COMMAND = Notification(kind="command", command=("bell", SECRET))


def test_a_thing_is_told_once_and_to_everybody_who_wants_to_know():
    box = Box()
    other = Notification(kind="command", command=("light",))
    uninterested = Notification(kind="command", command=("siren",), on=("failed", "stalled"))
    assert tell(COMMAND, other, uninterested, senders={"command": box.take}, times=3) == []
    assert [entry for entry, _ in box.sent] == [COMMAND, other]
    assert box.sent[0][1].subject == "job012 finished"


def test_another_attempt_or_another_matter_is_told_again():
    keys: list[str] = []
    box = Box()

    async def story() -> None:
        notifier = Notifier((COMMAND,), lambda key: not keys.append(key), keys.append, {"command": box.take})
        await notifier.tell("finished", ROW)
        await notifier.tell("stalled", ROW)
        await notifier.tell("finished", ROW.model_copy(update={"attempt": 2}))

    asyncio.run(story())
    assert len(set(keys)) == len(box.sent) == 3


def test_one_that_fails_is_reported_and_the_others_are_told():
    failing, box = Box(NotSent("it broke")), Box()
    hook = Notification(kind="webhook", to=f"https://chat.example/{SECRET}")
    reports = tell(hook, COMMAND, senders={"webhook": failing.take, "command": box.take})
    assert reports == ["webhook at chat.example was not told that job012 finished: it broke"]
    assert len(box.sent) == 1


def test_a_mistake_in_sending_raises_nothing_and_tells_no_secret():
    reports = tell(COMMAND, senders={"command": Box(KeyError(SECRET)).take})
    assert reports == ["command bell was not told that job012 finished: KeyError"]


def test_where_a_notification_goes_is_named_without_its_secrets():
    assert where(Notification(kind="mail", to="anna@lab.example")) == "mail to anna@lab.example"
    assert where(Notification(kind="command")) == "command ?"
    assert where(COMMAND) == "command bell"
