"""How an attempt ended: told by what it left, and never finished without a word of that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.contract.job_directory import Marker
from halfmap.daemon.attempt_files import Exit
from halfmap.daemon.ends import classify
from halfmap.daemon.state import AttemptState

SUCCESS, FAILURE, ABORTED = Marker.SUCCESS, Marker.FAILURE, Marker.ABORTED
NONE = frozenset[Marker]()

MARKERS = st.frozensets(st.sampled_from((SUCCESS, FAILURE, ABORTED)))
EXITS = st.builds(
    Exit,
    code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    refused=st.sampled_from(("", "card 1 used by anna, pid 4711 cryosparc, 11.2 GB")),
    problem=st.sampled_from(("", "/no/mpiexec: No such file or directory")),
    told_to_stop=st.booleans(),
)


@given(exit_=st.none() | EXITS, markers=MARKERS, alive=st.booleans(), stop=st.booleans())
def test_finished_needs_an_exit_code_of_0_or_the_marker(exit_, markers, alive, stop):
    end = classify(exit_, markers, alive, stop)
    if end is not None and end[0] is AttemptState.FINISHED:
        assert SUCCESS in markers or (exit_ is not None and exit_.code == 0)
        assert exit_ is None or not (exit_.refused or exit_.problem)
        assert FAILURE not in markers


@given(exit_=st.none() | EXITS, markers=MARKERS, alive=st.booleans(), stop=st.booleans())
def test_every_end_is_an_end_and_says_why_unless_all_is_well(exit_, markers, alive, stop):
    end = classify(exit_, markers, alive, stop)
    assert (end is None) == (exit_ is None and alive)
    if end is not None:
        state, reason = end
        assert not state.is_live
        assert reason or state is AttemptState.FINISHED


@given(exit_=EXITS, markers=MARKERS, stop=st.booleans())
def test_what_the_shim_wrote_counts_whether_or_not_its_process_is_still_seen(exit_, markers, stop):
    assert classify(exit_, markers, True, stop) == classify(exit_, markers, False, stop)


@given(exit_=EXITS, markers=MARKERS)
def test_a_shim_whose_program_ran_leaves_nothing_lost(exit_, markers):
    state, _ = classify(exit_, markers, False, False)
    assert state is not AttemptState.LOST
    assert (state is AttemptState.NOT_STARTED) == bool(exit_.refused)


@given(markers=MARKERS)
def test_a_stop_that_was_asked_for_is_not_a_failure(markers):
    exit_ = Exit(signal=9, told_to_stop=False)
    state, _ = classify(exit_, markers - {SUCCESS}, False, True)
    assert state is AttemptState.ABORTED


@pytest.mark.parametrize(
    ("exit_", "markers", "stop", "state", "words"),
    [
        (Exit(code=0), {SUCCESS}, False, AttemptState.FINISHED, ""),
        (Exit(code=0), set(), False, AttemptState.FINISHED, ""),
        (Exit(code=0), {SUCCESS}, True, AttemptState.FINISHED, ""),
        (Exit(code=0), {FAILURE}, False, AttemptState.FAILED, "exit code 0"),
        (Exit(code=0), {ABORTED}, False, AttemptState.ABORTED, "stopped"),
        (Exit(code=1), {SUCCESS}, False, AttemptState.FINISHED, "then ended with exit code 1"),
        (Exit(signal=11), {SUCCESS}, False, AttemptState.FINISHED, "killed by SIGSEGV"),
        (Exit(code=1), {SUCCESS, FAILURE}, False, AttemptState.FAILED, "exit code 1"),
        (Exit(code=2), {ABORTED}, False, AttemptState.ABORTED, "exit code 2"),
        (Exit(signal=9), set(), False, AttemptState.FAILED, "killed by SIGKILL"),
        (Exit(signal=9), {FAILURE}, False, AttemptState.FAILED, "killed by SIGKILL"),
        (Exit(signal=15), set(), True, AttemptState.ABORTED, "stopped on request"),
        (Exit(signal=15, told_to_stop=True), set(), False, AttemptState.ABORTED, "stopped on request"),
        (Exit(signal=50), set(), False, AttemptState.FAILED, "killed by signal 50"),
        (Exit(refused="card 1 used by anna"), set(), False, AttemptState.NOT_STARTED, "card 1 used by anna"),
        (Exit(code=127, problem="/no: not there"), {FAILURE}, False, AttemptState.FAILED, "could not be started: /no"),
        (None, {SUCCESS}, False, AttemptState.FINISHED, "told by its marker"),
        (None, {FAILURE}, False, AttemptState.FAILED, "see run.err"),
        (None, {ABORTED}, False, AttemptState.ABORTED, "told by its marker"),
        (None, {SUCCESS, FAILURE}, False, AttemptState.FAILED, "see run.err"),
        (None, set(), True, AttemptState.ABORTED, "its processes are gone"),
        (None, set(), False, AttemptState.LOST, "nothing tells how"),
    ],
)
def test_an_end_is_told_in_words(exit_, markers, stop, state, words):
    found, reason = classify(exit_, frozenset(markers), False, stop)
    assert (found, words in reason) == (state, True), reason


def test_what_runs_and_has_not_said_a_word_has_not_ended():
    assert classify(None, frozenset({SUCCESS}), True, True) is None


def test_a_code_with_a_meaning_is_explained():
    _, reason = classify(Exit(code=3), NONE, False, False)
    assert reason.startswith("exit code 3")
    assert ": " in reason
