"""What a person does on the first day, by keys alone, in a real tmux, with a real daemon and a project of their own."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.bench import tui_program
from tests.terminal import tmux
from tests.terminal.places import environ_for, halfmap
from tests.terminal.tmux import Tmux

pytestmark = pytest.mark.skipif(tmux.WHERE is None, reason=tmux.WHY_NOT)

SET, REFERENCE = "Extract/job001/optimisation_set.star", "Reference/reference.mrc"
TERMINALS = [(80, 24, "screen"), (160, 48, "xterm-256color"), (80, 24, "linux")]
BETWEEN_KEYS_S = 0.15
"""A person who is in a hurry."""
SLOW_S = 40.0
"""As long as something may take on a machine that does other things besides."""


@dataclass
class Story:
    """A person at a terminal; the screens that were waited for are kept, to be read when a test fails."""

    terminal: Tmux
    seen: list[str] = field(default_factory=list)

    def sees(self, *texts: str, seconds: float = SLOW_S) -> str:
        return self._sees(" · ".join(texts), lambda text: all(one in text for one in texts), seconds)

    def _sees(self, what: str, happens: Callable[[str], object], seconds: float) -> str:
        text = self.terminal.until(happens, seconds)
        self.seen.append(f"{what}\n{self.terminal.framed()}")
        return text

    def sees_iteration(self, least: int) -> None:
        """See by head and log that a job has come so far."""

        def has_come(text: str) -> bool:
            told = [int(number) for number in re.findall(r"Iteration (\d+):", text)]
            logged = [int(number) for number in re.findall(r"iteration (\d+): [a-z]+, \d", text)]
            return bool(told and logged) and min(max(told), max(logged)) >= least

        self._sees(f"iteration {least}", has_come, SLOW_S)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.terminal.press(key)
            time.sleep(BETWEEN_KEYS_S)

    def type(self, text: str) -> None:
        self.terminal.type(text)


@contextmanager
def project_and_daemon(simulated: Path) -> Iterator[Path]:
    """Make a folder with a project; a daemon that is started there is ended with all its jobs."""
    where = Path(tempfile.mkdtemp(prefix="hm-"))
    shutil.copytree(simulated, where / "project")
    try:
        yield where
    finally:
        environ = dict(environ_for(where))
        listed = subprocess.run(halfmap("list", "--json"), env=environ, capture_output=True, text=True, check=False)
        for row in json.loads(listed.stdout) if listed.returncode == 0 else ():
            words = halfmap("stop", "--kill", "--wait", str(row["job"]))
            subprocess.run(words, env=environ, capture_output=True, check=False)
        subprocess.run(halfmap("daemon", "stop"), env=environ, capture_output=True, check=False)
        shutil.rmtree(where, ignore_errors=True)


def told(simulated: Path, story: Callable[[Path, Story], None], columns: int, lines: int, term: str) -> None:
    """Let a story happen in a terminal of its own; if it goes wrong, its screens are told with the error."""
    with (
        project_and_daemon(simulated) as place,
        Tmux(halfmap(), environ_for(place, term), columns, lines, place / "project") as terminal,
    ):
        person = Story(terminal)
        try:
            story(place, person)
        except Exception as error:
            error.add_note(f"{term}, {columns}x{lines}\n" + "\n".join(person.seen))
            raise


def stand_in(place: Path, iterations: int) -> None:
    """Have a program started in the place of ``mpiexec`` that works for ever after some iterations."""
    pace = place / "pace.json"
    pace.write_text(json.dumps({"iterations": iterations, "goes_on": True, "fifth_s": 0.5}))
    program = place / "program"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {tui_program.__file__} {pace} "$@"\n')
    program.chmod(0o755)
    (place / "daemon.toml").write_text(f'launcher = ["{program}"]\n')


def watches_the_project(person: Story) -> None:
    """Start the daemon, and have it watch the project that the terminal stands in."""
    person.sees("S starts it")
    person.press("S")
    person.sees("No jobs yet")
    person.press("w")
    person.sees("Watch:", "/project")
    person.press("Enter")
    person.sees("is watched")
    person.press("Escape")
    person.sees("a fills in a new refinement")


def fills_in_the_inputs(person: Story) -> None:
    person.press("a")
    person.sees("Which project?", "/project")
    person.press("Enter")
    person.sees("Input optimisation set", "2 problems (F2)")
    person.type(SET)
    person.sees("from the set: Extract/job001/particles", "1 problem (F2)")
    person.press("F2")
    person.sees("What keeps the job from running", "is empty; name a map")
    person.press("Enter")
    person.type(REFERENCE)
    person.sees("ready to submit", "12 particles")


def submits(person: Story) -> None:
    person.press("C-s")
    person.sees("Submit this job?")
    person.press("Enter")


def leaves(person: Story) -> None:
    person.press("Escape")
    person.sees("Jobs  1 of 1", "job001")
    person.press("q")
    assert person.terminal.exit_code() == 0


def charts(text: str) -> str:
    """Give the curves in a text: what is drawn in Braille."""
    return "".join(re.findall("[\u2801-\u28ff]", text))


def rows(place: Path) -> list[Mapping[str, object]]:
    environ = dict(environ_for(place))
    done = subprocess.run(halfmap("list", "--json"), env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def first_job(place: Path, person: Story) -> None:
    """Set a job up, mend what is wrong with it, submit it, watch it, stop it, let it go on, and leave."""
    stand_in(place, iterations=4)
    watches_the_project(person)
    fills_in_the_inputs(person)
    # the last tab is before the first; its first field is the number of processes
    person.press("C-p")
    person.sees("Number of MPI procs", "Additional arguments")
    person.press("C-u")
    person.type("4")
    person.sees("1 problem (F2)", "half sets")
    person.press("C-s")
    person.sees("not submitted")
    person.press("C-u")
    person.type("3")
    person.sees("ready to submit")
    submits(person)
    person.sees("Refine3D/job001  running", "1 Resolution", "FSC 0.143")
    person.sees_iteration(5)
    before = person.sees("1 Resolution")
    # head, charts and log go on
    person.sees_iteration(6)
    assert charts(person.sees("1 Resolution")) != charts(before)
    person.press("X")
    person.sees("Stop Refine3D/job001, and how?", "after this iteration")
    person.press("a")
    person.sees("Refine3D/job001  aborted")
    assert rows(place)[0]["state"] == "aborted"
    person.press("C")
    person.sees("Clean up after Refine3D/job001")
    person.press("y")
    person.sees("Refine3D/job001  running")
    leaves(person)
    # it was only looked at from there
    assert rows(place)[0]["state"] == "running"


def whole_refinement(place: Path, person: Story) -> None:
    """See a refinement to its end, look back, and have the next step filled in."""
    watches_the_project(person)
    fills_in_the_inputs(person)
    submits(person)
    person.sees("Refine3D/job001  running", "1 Resolution")
    person.sees("Refine3D/job001  finished", "Converged: both halves are joined", "joined:", seconds=3 * SLOW_S)
    # the cursor comes to the joined iteration, and then to the one before
    person.press("Left", "Left")
    person.sees("7 Map: half 1, iteration ")
    person.press(">")
    person.sees("next step after Refine3D/job001", "the joined map of both halves", "Esc back")
    person.press("Escape")
    person.sees("ready to submit", "Refine3D/job001/run_class001.mrc")
    person.press("Escape")
    person.sees("Refine3D/job001  finished")
    leaves(person)


@pytest.mark.slow
def test_a_job_is_set_up_mended_submitted_watched_stopped_and_resumed_by_keys_alone_in_any_terminal(tiny_project):
    # at once, for most of it is waiting
    with ThreadPoolExecutor(len(TERMINALS)) as people:
        stories = [people.submit(told, tiny_project, first_job, *terminal) for terminal in TERMINALS]
        errors = [error for one in stories if (error := one.exception())]
    if errors:
        raise ExceptionGroup("some terminals", errors)


@pytest.mark.slow
def test_a_refinement_is_seen_to_its_end_and_its_next_step_filled_in(tiny_project):
    told(tiny_project, whole_refinement, 160, 48, "xterm-256color")
