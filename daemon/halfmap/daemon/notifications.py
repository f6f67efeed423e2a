"""Telling people what became of their jobs: by webhook, mail or a command of their own.

A notification that cannot be sent is reported and forgotten; it never stops anything. What is reported names a
webhook's host only, since the rest of its address is as good as a password.
"""

import asyncio
import contextlib
import getpass
import json
import os
import signal
import smtplib
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from email.message import EmailMessage
from urllib.parse import urlsplit

import aiohttp

from halfmap.daemon.messages import Message, What, message, one_line
from halfmap.daemon.records import JobRow
from halfmap.daemon.settings import Notification

WEBHOOK_S = 10.0
WEBHOOK_TRIES = 3
MAIL_S = 30.0
COMMAND_S = 30.0


class NotSent(Exception):
    """A notification was not delivered; the message says why, without secrets."""


Send = Callable[[Notification, Message], Awaitable[None]]


def where(entry: Notification) -> str:
    """Name where a notification goes, without what is secret of it."""
    if entry.kind == "webhook":
        return f"webhook at {_host(entry.to)}"
    return f"mail to {entry.to}" if entry.kind == "mail" else f"command {entry.command[0] if entry.command else '?'}"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "an address without host"
    except ValueError:
        return "an address that is none"


async def post(entry: Notification, message: Message, pause_s: float = 1.0) -> None:
    """Post a message as JSON to an URL; tried again if the other side may be better later.

    Raises
    ------
    NotSent
        If it is refused, or not taken in three tries.
    """
    for number in range(1, WEBHOOK_TRIES + 1):
        try:
            status = await _post_once(entry.to, message)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            problem = _reason(error)  # never its text: that may hold the whole address
        else:
            if status < 300:
                return
            problem = f"it answered {status}"
            if status < 500 and status not in (408, 429):
                break
        if number < WEBHOOK_TRIES:
            await asyncio.sleep(pause_s * 4 ** (number - 1))
    raise NotSent(problem)


async def _post_once(url: str, message: Message) -> int:
    timeout = aiohttp.ClientTimeout(total=WEBHOOK_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
        session.post(url, json=message.data, allow_redirects=False) as answer,
    ):
        return answer.status


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {WEBHOOK_S:g} s"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno and cause.errno > 0:
        return os.strerror(cause.errno)
    return type(error).__name__


async def mail(entry: Notification, message: Message) -> None:
    """Send a message by mail, through the host of the entry.

    Raises
    ------
    NotSent
        If the host does not take it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def work() -> None:
        problem = None
        try:
            _send_mail(entry, message)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            problem = NotSent(f"{entry.mail_host}:{entry.mail_port}: {one_line(str(error)) or type(error).__name__}")
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, problem)

    # a thread that a mail host which does not answer cannot make the daemon wait for at its end
    threading.Thread(target=work, name="mail", daemon=True).start()
    try:
        await asyncio.wait_for(done, MAIL_S)
    except TimeoutError:
        raise NotSent(f"{entry.mail_host}:{entry.mail_port}: not done within {MAIL_S:g} s") from None


def _send_mail(entry: Notification, message: Message) -> None:
    letter = EmailMessage()
    letter["From"] = entry.sender or f"{getpass.getuser()}@{socket.getfqdn()}"
    letter["To"] = entry.to
    letter["Subject"] = f"halfmap: {message.subject}"
    letter.set_content(message.body + "\n")
    with smtplib.SMTP(entry.mail_host, entry.mail_port, timeout=WEBHOOK_S) as host:
        host.send_message(letter)


async def run_command(entry: Notification, message: Message, patience_s: float = COMMAND_S) -> None:
    """Run a program with a message as JSON on its standard input; no shell.

    Raises
    ------
    NotSent
        If it cannot be started, ends with another code than 0, or takes too long (it is killed then).
    """
    nothing = asyncio.subprocess.DEVNULL
    try:
        program = await asyncio.create_subprocess_exec(
            *entry.command, stdin=asyncio.subprocess.PIPE, stdout=nothing, stderr=nothing, start_new_session=True
        )
    except (OSError, ValueError, TypeError) as error:
        raise NotSent(f"it cannot be started: {getattr(error, 'strerror', None) or error}") from None
    try:
        await asyncio.wait_for(program.communicate(json.dumps(message.data).encode()), patience_s)
    except TimeoutError:
        raise NotSent(f"not done within {patience_s:g} s") from None
    finally:
        if program.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            await program.wait()
    if program.returncode:
        raise NotSent(f"it ended with code {program.returncode}")


SENDERS: Mapping[str, Send] = {"webhook": post, "mail": mail, "command": run_command}


class Notifier:
    """Tells everybody who wants to know, each thing once.

    Parameters
    ----------
    entries
        Who wants to know what.
    remember
        Given a key, tells whether it is new, and keeps it.
    report
        Told, in words, of what could not be sent.
    senders
        How each kind is sent.
    """

    def __init__(
        self,
        entries: tuple[Notification, ...],
        remember: Callable[[str], bool],
        report: Callable[[str], None],
        senders: Mapping[str, Send] = SENDERS,
    ) -> None:
        self._entries, self._remember, self._report, self._senders = entries, remember, report, senders

    async def tell(self, what: What, row: JobRow) -> None:
        """Tell what became of a job's present attempt, unless that was told before; never raises."""
        entries = [entry for entry in self._entries if what in entry.on]
        if entries and self._remember(f"{row.job}/{row.attempt}/{what}"):
            told = message(what, row, socket.gethostname())
            await asyncio.gather(*(self._send(entry, told) for entry in entries))

    async def _send(self, entry: Notification, told: Message) -> None:
        try:
            await self._senders[entry.kind](entry, told)
        except NotSent as problem:
            self._report(f"{where(entry)} was not told that {told.subject}: {problem}")
        except Exception as mistake:  # its text may hold a secret
            self._report(f"{where(entry)} was not told that {told.subject}: {type(mistake).__name__}")
