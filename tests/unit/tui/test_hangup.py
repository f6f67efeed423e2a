import os
import pty
import subprocess
import sys
import textwrap

from halfmap.tui.terminal import hangup

PROGRAM = textwrap.dedent(
    """
    import sys, time
    from halfmap.tui.terminal import hangup
    hangup.LOOK_S = hangup.GRACE_S = 0.05
    hangup.guard(lambda: {end})
    print("ready", flush=True)
    time.sleep(20)
    """
)


def test_a_terminal_whose_other_end_is_closed_has_hung_up():
    ours, theirs = pty.openpty()
    assert not hangup.has_hung_up(theirs)
    os.close(ours)
    assert hangup.has_hung_up(theirs)
    os.close(theirs)


def test_a_closed_descriptor_has_hung_up():
    reading, writing = os.pipe()
    os.close(writing)
    os.close(reading)
    assert hangup.has_hung_up(reading)


def test_a_process_whose_terminal_goes_ends_even_if_its_end_waits_for_ever():
    ours, theirs = pty.openpty()
    program = PROGRAM.format(end="time.sleep(100)")
    started = subprocess.Popen([sys.executable, "-c", program], stdin=theirs, stdout=subprocess.PIPE, text=True)
    os.close(theirs)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    os.close(ours)
    assert started.wait(10) == 129
    started.stdout.close()
