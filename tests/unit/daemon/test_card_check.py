"""The last look at an attempt's cards before its program starts."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from halfmap.daemon import card_check
from halfmap.daemon.card_check import foreign_use
from halfmap.daemon.card_processes import belongs_to, command_of, printable, user_of
from halfmap.daemon.cards import Card, CardProcess, CardsUnreadable
from halfmap.daemon.nvml import write_fake

ANNA = CardProcess(4711, "anna", "cryosparc", 11.2 * 1024)


def cards(*processes: CardProcess, **fields) -> list[Card]:
    used = sum(process.memory_mb or 0 for process in processes)
    second = Card("GPU-1", 1, "fake card", 24576.0, used, processes=processes)
    return [Card("GPU-0", 0, "fake card", 24576.0), replace(second, **fields)]


@pytest.fixture
def fake(tmp_path) -> Path:
    return tmp_path / "cards.json"


@pytest.fixture
def sleeper():
    """A process of attempt ``mine``."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"],
        env={"HALFMAP_ATTEMPT": "mine"},
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_free_cards_may_be_used(fake):
    write_fake(fake, 2)
    assert foreign_use(("GPU-0", "GPU-1"), str(fake), "mine") == ""


def test_a_process_that_came_since_the_daemon_looked_is_named(fake):
    write_fake(fake, cards(ANNA))
    words = "card 1 used by anna, pid 4711 cryosparc, 11.2 GB"
    assert foreign_use(("GPU-0", "GPU-1"), str(fake), "mine") == words


def test_a_process_on_another_card_does_not_matter(fake):
    write_fake(fake, cards(ANNA))
    assert foreign_use(("GPU-0",), str(fake), "mine") == ""


def test_a_screen_does_not_matter(fake):
    write_fake(fake, cards(CardProcess(900, "root", "Xorg", 4000.0, "graphics")))
    assert foreign_use(("GPU-1",), str(fake), "mine") == ""


def test_only_a_process_with_this_attempt_in_its_environment_is_its_own(fake, sleeper):
    write_fake(fake, cards(CardProcess(sleeper.pid, "me", "python", 100.0)))
    assert foreign_use(("GPU-1",), str(fake), "mine") == ""
    assert f"card 1 used by me, pid {sleeper.pid} python" in foreign_use(("GPU-1",), str(fake), "min")
    assert foreign_use(("GPU-1",), str(fake), "another")
    assert foreign_use(("GPU-1",), str(fake), "")


def test_memory_of_a_process_in_another_container_is_noticed(fake):
    write_fake(fake, cards(memory_used_mb=5000.0))
    words = "card 1 has 4.9 GB in use by a process that cannot be seen from here"
    assert foreign_use(("GPU-1",), str(fake), "mine") == words


def test_too_little_memory_is_told_with_the_numbers(fake):
    write_fake(fake, cards(memory_total_mb=8192.0))
    assert foreign_use(("GPU-1",), str(fake), "mine", 9000.0) == "card 1 has 8.0 GB free, 8.8 GB needed"
    assert foreign_use(("GPU-1",), str(fake), "mine", 8192.0) == ""


def test_cards_that_vanished_are_told_each(fake):
    write_fake(fake, cards(is_lost=True))
    words = "card GPU-1 is no longer there; card GPU-7 is no longer there"
    assert foreign_use(("GPU-1", "GPU-7"), str(fake), "mine") == words


def test_a_card_that_was_divided_since_cannot_be_used(fake):
    part = Card("MIG-1", 1, "part", 4096.0, mig_parent="GPU-1", instance=0)
    write_fake(fake, [*cards(), part])
    assert foreign_use(("GPU-1",), str(fake), "mine") == "card 1 has been divided into instances"
    assert foreign_use(("MIG-1",), str(fake), "mine") == ""


def test_cards_that_cannot_be_looked_at_are_not_taken_for_free(fake, monkeypatch):
    assert "cannot be looked at" in foreign_use(("GPU-1",), str(fake), "mine")

    def no_driver() -> None:
        raise CardsUnreadable("no driver")

    monkeypatch.setattr(card_check, "Nvml", no_driver)
    assert foreign_use(("GPU-1",), "", "mine") == "its cards cannot be looked at: no driver"


def test_an_attempt_without_cards_looks_at_none():
    assert foreign_use((), "/nowhere/cards.json", "mine") == ""


def test_the_look_loads_neither_pydantic_nor_pynvml_and_is_quick(fake):
    write_fake(fake, 8)
    paths = [str(Path(card_check.__file__).parents[2])]
    program = f"""
import sys, time
sys.path[:0] = {paths!r}
from halfmap.daemon.card_check import foreign_use
began = time.process_time()
assert foreign_use(("GPU-3",), {str(fake)!r}, "mine") == ""
print(time.process_time() - began, time.process_time(), *sys.modules)
"""
    # the best of three: the machine may be busy
    runs = [_run(program) for _ in range(3)]
    assert min(float(run[0]) for run in runs) < 0.005
    assert min(float(run[1]) for run in runs) < 0.1
    assert {"pydantic", "pynvml", "numpy", "asyncio"}.isdisjoint(runs[0])


def _run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_process_has_a_user_and_a_program(sleeper):
    assert user_of(sleeper.pid) == user_of(os.getpid()) != ""
    assert command_of(sleeper.pid).startswith("python")
    assert belongs_to(sleeper.pid, "mine")


def test_a_script_is_named_rather_than_its_interpreter(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("print('up', flush=True); import time; time.sleep(60)")
    for words, name in (([str(script)], "train.py"), (["-m", "train"], "train")):
        process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, cwd=tmp_path)
        process.stdout.readline()
        assert command_of(process.pid) == f"{Path(sys.executable).name} {name}"
        process.kill()
        process.communicate()


def test_a_process_that_is_gone_cannot_be_seen():
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    assert (user_of(gone.pid), command_of(gone.pid), belongs_to(gone.pid, "mine")) == ("", "", False)


def test_a_program_s_name_drives_no_terminal():
    assert printable("\x1b[31mred\nline\udcff") == "?[31mred?line?"
    assert len(printable("x" * 500)) == 60
