"""However its terminal goes, the interface goes too, at once and quietly; and a terminal that stalls does no harm."""

import os
import signal
import subprocess
import time
from random import Random

import pytest

from tests.terminal import process
from tests.terminal.keys import NAMES
from tests.terminal.places import environ_for, halfmap
from tests.terminal.pty import NotShown, Terminal

SOON_S = 6.0
"""The guard looks every two seconds, and gives the interface two more to end."""


def left_of(terminal) -> list[int]:
    """Wait for the end, and tell what of the interface's session still runs."""
    leader = terminal.process.pid
    terminal.wait(SOON_S + 2)
    return process.in_session(leader)


@pytest.mark.parametrize("is_told", [True, False], ids=["with a hang-up signal", "without any signal"])
def test_a_terminal_that_is_closed_ends_it_with_nothing_left(daemon, started, is_told):
    terminal = started(is_controlling=is_told)
    spent, began = process.processor_s(terminal.process.pid), time.monotonic()
    terminal.hang_up()
    while terminal.process.poll() is None and time.monotonic() < began + SOON_S + 2:
        if process.is_alive(terminal.process.pid):
            spent_now = process.processor_s(terminal.process.pid)
        time.sleep(0.05)
    assert terminal.process.poll() is not None
    assert time.monotonic() - began < SOON_S
    # Textual's input reads the end of a terminal again and again: a core's whole time, were nobody to notice
    assert spent_now - spent < 0.7 * SOON_S
    assert process.in_session(terminal.process.pid) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(daemon, started, number):
    terminal = started()
    os.kill(terminal.process.pid, number)
    assert left_of(terminal) == []
    tail = bytes(terminal.stream[-400:])
    # the normal screen, the cursor, no mouse, no brackets around what is pasted
    for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
        assert sequence in tail
    assert b"Traceback" not in terminal.stream


def test_killing_it_leaves_nothing_and_the_daemon_as_it_was(daemon, started):
    terminal = started()
    before = daemon.do(lambda service: service._rows())
    os.kill(terminal.process.pid, signal.SIGKILL)
    assert left_of(terminal) == []
    assert daemon.do(lambda service: service._rows()) == before


def test_q_leaves_and_restores_the_terminal(daemon, started):
    terminal = started()
    terminal.press("q")
    assert terminal.wait() == 0
    assert b"\x1b[?1049l" in terminal.stream[-400:]


def stall(daemon, terminal) -> None:
    """Have much more written than the kernel keeps for a terminal, and read nothing of it."""
    for number in range(25):
        terminal.press("C-l")
        daemon.do(lambda service, number=number: service.add_job("/data/hiv", alias=f"Refine3D/a{number}/"))
        time.sleep(0.05)


def test_a_terminal_that_takes_nothing_for_a_while_is_served_afterwards_and_nothing_has_piled_up(daemon, started):
    terminal = started()
    memory, spent = process.memory_mb(terminal.process.pid), process.processor_s(terminal.process.pid)
    stall(daemon, terminal)
    assert process.memory_mb(terminal.process.pid) - memory < 15
    assert process.processor_s(terminal.process.pid) - spent < 2
    terminal.until("of 56", 10)
    terminal.settle()
    terminal.press("g", "j")
    terminal.until("2 of 56", 10)


def test_a_terminal_that_goes_while_it_takes_nothing_ends_it_too(daemon, started):
    terminal = started()
    stall(daemon, terminal)
    began = time.monotonic()
    terminal.hang_up()
    assert left_of(terminal) == []
    assert time.monotonic() - began < SOON_S


def test_a_terminal_that_cannot_place_text_is_refused_in_words(daemon, started):
    terminal = started(term="dumb", listed="")
    assert terminal.wait() == 2
    assert "TERM is dumb" in terminal.text
    assert "`halfmap show`" in terminal.text
    assert b"\x1b" not in terminal.stream


def test_without_a_terminal_it_says_what_can_be_used_instead(where):
    done = subprocess.run(
        halfmap(), env=environ_for(where), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


def test_what_is_pasted_into_the_list_does_nothing(daemon, started):
    # times do not go on any more
    daemon.do(lambda service: service.finish(31))
    terminal = started()
    before, text = daemon.do(lambda service: service._rows()), terminal.text
    for verbs in ("hlX+-C\rqa", "q", "XXXX\r\ry"):
        terminal.paste(verbs)
        terminal.look(0.4)
    assert terminal.process.poll() is None
    assert terminal.text == text
    assert daemon.do(lambda service: service._rows()) == before
    # but it goes into a line that is open
    terminal.press("/")
    terminal.settle()
    terminal.paste("job007")
    terminal.until(lambda text: "job007" in text and "job008" not in text)


def test_what_is_never_shown_is_told_with_the_screen(where):
    with Terminal(["echo", "hello"], environ_for(where)) as terminal, pytest.raises(NotShown, match="hello"):
        terminal.until("no such text", 1.0)


def test_whatever_is_typed_nothing_breaks(started):
    """A child at the keyboard, and a window that changes its size, over the demonstration's jobs."""
    random = Random(11)
    terminal = started("--demo", listed="job01", size=(80, 24))
    keys = [*NAMES, *"abcdefghijklmnoprstuvwxyzABCEFGHIJKLMNOPRSTUVWXYZ123456789/?:*+-<>[]()=!0.,"]
    end = time.monotonic() + 6
    while time.monotonic() < end and terminal.process.poll() is None:
        terminal.press(random.choice(keys))
        terminal.look(random.choice((0.001, 0.01, 0.05)))
        if random.random() < 0.02:
            terminal.resize(*random.choice(((80, 24), (160, 48), (20, 5), (1, 1))))
    assert b"Traceback" not in terminal.stream
    assert terminal.process.poll() is None
