"""The files of an attempt: whole or not there, and one identity however many claim it."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfmap.daemon import shim_files
from halfmap.daemon.attempt_files import (
    EXIT,
    IDENTITY,
    Exit,
    Identity,
    Spec,
    attempt_folder,
    claim,
    fence,
    read_exit,
    read_identity,
    read_spec,
    write_exit,
    write_spec,
)
from halfmap.daemon.processes import is_alive

SPEC = Spec(
    uuid="u", job=3, number=2, project="/p", job_folder="Refine3D/job012/", output_root="Refine3D/job012/run",
    argv=("/bin/echo", "a b", "$(id)", "ü\n"), environment={"PATH": "/bin"},
    standard_output="Refine3D/job012/run.out", standard_error="Refine3D/job012/run.err",
)  # fmt: skip


def test_an_attempts_folder_sorts_by_its_number(tmp_path):
    assert attempt_folder(tmp_path, 7) == tmp_path / "halfmap/attempt-007"


def test_a_specification_is_read_as_it_was_written(tmp_path):
    write_spec(tmp_path / "new/attempt-001", SPEC)
    assert read_spec(tmp_path / "new/attempt-001") == SPEC


def test_the_shim_reads_the_specification_as_the_daemon_wrote_it(tmp_path):
    write_spec(tmp_path, SPEC)
    found = shim_files.read(f"{tmp_path}/spec.json")
    assert Spec.model_validate(found) == SPEC
    assert set(found) == set(Spec.model_fields)  # the shim fills no default in


def test_the_daemon_reads_what_the_shim_wrote(tmp_path):
    assert shim_files.claim(str(tmp_path), "u", 0)
    found = read_identity(tmp_path)
    assert found is not None
    assert (found.uuid, found.fenced, found.restart) == ("u", False, 0)
    assert found.start_time > 0
    shim_files.write_exit(str(tmp_path), {"code": None, "signal": 9, "left": ["pid 1 x (state D)"], "ended": 5.0})
    assert read_exit(tmp_path) == Exit(code=None, signal=9, left=("pid 1 x (state D)",), ended=5.0)


def test_what_was_fenced_is_not_started_and_what_was_claimed_is_not_fenced(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert fence(first, "u")
    assert not shim_files.may_start(str(first), 0)
    assert not shim_files.claim(str(first), "u", 0)
    assert read_identity(first).fenced
    assert shim_files.claim(str(second), "u", 0)
    assert not fence(second, "u")
    assert not read_identity(second).fenced


def test_a_fence_holds_against_slurms_restarts_too(tmp_path):
    assert fence(tmp_path, "u")
    assert not shim_files.may_start(str(tmp_path), 1)
    assert not shim_files.claim(str(tmp_path), "u", 1)


def test_after_slurms_restart_the_latest_identity_counts_and_the_earlier_end_does_not(tmp_path):
    assert shim_files.claim(str(tmp_path), "u", 0)
    shim_files.write_exit(str(tmp_path), {"code": None, "signal": 15, "ended": 1.0})
    for restart in (1, 2, 10):
        assert shim_files.claim(str(tmp_path), "u", restart)
        assert read_identity(tmp_path).restart == restart
        assert not shim_files.claim(str(tmp_path), "u", restart)
    assert read_exit(tmp_path) is None
    assert (tmp_path / "exit-0.json").exists()


def test_what_has_finished_is_not_started_again_by_slurm(tmp_path):
    assert shim_files.claim(str(tmp_path), "u", 0)
    shim_files.write_exit(str(tmp_path), {"code": 0, "signal": None, "ended": 1.0})
    assert not shim_files.may_start(str(tmp_path), 1)


@settings(max_examples=20, deadline=None)
@given(fences=st.lists(st.booleans(), min_size=2, max_size=12))
def test_of_all_who_claim_at_once_one_succeeds(tmp_path_factory, fences):
    folder = tmp_path_factory.mktemp("attempt")
    barrier = threading.Barrier(len(fences))

    def try_it(number: int, is_fence: bool) -> bool:
        barrier.wait()
        return fence(folder, f"{number}") if is_fence else claim(folder, Identity(uuid=f"{number}"))

    with ThreadPoolExecutor(len(fences)) as pool:
        won = list(pool.map(try_it, range(len(fences)), fences))
    assert won.count(True) == 1
    winner = won.index(True)
    assert read_identity(folder).uuid == f"{winner}"
    assert read_identity(folder).fenced is fences[winner]
    assert [path.name for path in folder.iterdir()] == [IDENTITY]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"process_id": 1}', '{"uuid": 3}', "null"])
def test_a_damaged_identity_is_somebodys_who_is_not_alive(tmp_path, content):
    (tmp_path / IDENTITY).write_text(content)
    found = read_identity(tmp_path)
    assert found is not None
    assert not found.fenced  # it may have been started
    assert not is_alive(found)
    assert not claim(tmp_path, Identity(uuid="u"))
    assert not fence(tmp_path, "u")


def test_bytes_that_are_no_text_are_no_end(tmp_path):
    (tmp_path / EXIT).write_bytes(b"\xff\xfe\x00")
    assert read_exit(tmp_path) is None


def test_an_end_that_is_half_written_is_none(tmp_path):
    write_exit(tmp_path, Exit(code=0, ended=1.0))
    whole = (tmp_path / EXIT).read_text()
    for length in range(len(whole)):
        (tmp_path / EXIT).write_text(whole[:length])
        assert read_exit(tmp_path) is None


def test_a_later_versions_end_can_be_read(tmp_path):
    (tmp_path / EXIT).write_text(json.dumps({"code": 0, "ended": 1.0, "colour": "green"}))
    assert read_exit(tmp_path) == Exit(code=0, ended=1.0)


def test_an_end_stays_out_of_a_folder_that_was_deleted(tmp_path):
    shim_files.write_exit(str(tmp_path / "gone"), {"code": 0})
    assert not (tmp_path / "gone").exists()
