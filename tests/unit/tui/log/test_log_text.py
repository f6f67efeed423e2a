import pytest

from halfmap.tui.text.log_text import (
    ERROR_WORDS,
    LINE_BYTES,
    is_error,
    is_warning,
    last_part,
    line_of,
    shown,
    size_text,
)


def read_from(raw):
    asked = []

    def read(place, length):
        asked.append(length)
        return raw[place : place + length]

    return line_of(read, len(raw)), asked


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        (b"\x1b]52;c;ZXZpbA==\x07", "␛]52;c;ZXZpbA==␇"),
        (b"\x1b]0;title\x1b\\", "␛]0;title␛\\"),
        (b"\x1bPq#0!10~\x1b\\", "␛Pq#0!10~␛\\"),
        (b"\x9b31m", "\ufffd31m"),
        (b"\xc2\x9b31m", "<U+009B>31m"),
        (b"\xc2\x85", "<U+0085>"),
        ("\u202etxet\u2066\u2069".encode(), "<U+202E>txet<U+2066><U+2069>"),
        ("a\u2028b\ufeffc\u200b".encode(), "a<U+2028>b<U+FEFF>c<U+200B>"),
        (b"\x00\x08\x7f\x0c", "␀␈␡␌"),
        (b"\xff\xc3(", "\ufffd\ufffd("),
        ("a\u00a0b\u3000c".encode(), "a b  c"),
        ("漢字 ok".encode(), "漢字 ok"),
        ("👍🏽 ❤\ufe0f".encode(), "👍<U+1F3FD> ❤<U+FE0F>"),
        ("e\u0301".encode(), "e\u0301"),
        ("e\u0301\u0302\u0303\u0304".encode(), "e\u0301\u0302<U+0303><U+0304>"),
        ("\u0301a".encode(), "<U+0301>a"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_written_out(raw, seen):
    assert shown(raw) == seen


def test_ascii_mode_writes_carets_and_ascii_only():
    assert shown(b"\x1b[31m\x07\x7f", ascii_only=True) == "^[[31m^G^?"
    assert shown("2 Å · 漢 \u202e\xff".encode(), ascii_only=True).isascii()


def test_nothing_that_is_shown_could_be_obeyed():
    everything = "".join(
        map(chr, [*range(0x3400), *range(0xFB00, 0x10000), *range(0x1F000, 0x1FB00), *range(0xE0000, 0xE0200)])
    )
    for raw in (everything.encode(), bytes(range(256)) * 3):
        assert shown(raw).isprintable()
        assert shown(raw, ascii_only=True).isprintable()


def test_tabs_end_at_every_eighth_cell_after_wide_characters_too():
    assert shown(b"a\tb\t\tc") == "a       b               c"
    assert shown("漢\tb".encode()) == "漢      b"
    assert shown("\té".encode()) == "        é"


def test_what_is_written_out_is_made_only_as_far_as_it_is_wanted():
    assert len(shown(("é" * 100_000).encode(), most=10)) <= 120


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"000/??? sec\r 1/ 4 sec ..\r 4/ 4 sec ....", b" 4/ 4 sec ...."),
        (b"1 of 3\r2 of 3\r", b"2 of 3"),
        (b"ends as in Windows\r", b"ends as in Windows"),
        (b"one\rtwo\r\r\r", b"two"),
        (b"\r\r", b""),
        (b"plain", b"plain"),
    ],
)
def test_a_progress_bar_is_shown_as_it_is_now(raw, part):
    assert last_part(raw) == part


def test_a_bar_of_thousands_of_steps_is_shown_as_it_is_now_and_read_only_at_its_end():
    line, asked = read_from(b"\r".join(b"%d of 99999" % step for step in range(100_000)))
    assert (line.kept, line.missing) == (b"99999 of 99999", 0)
    assert sum(asked) <= 2 * LINE_BYTES


def test_a_giant_line_is_cut_and_tells_how_much_is_missing():
    line, asked = read_from(b"x" * 10_000_000)
    assert line.kept == b"x" * LINE_BYTES
    assert line.missing == 10_000_000 - LINE_BYTES
    assert sum(asked) <= 2 * LINE_BYTES


@pytest.mark.parametrize(
    "text",
    [
        "ERROR: cannot open file",
        "in: /src/ml_optimiser.cpp, line 12\tERROR:",
        "Traceback (most recent call last):",
        "ValueError: bad",
        "CUDA error: out of memory",
        "cudaErrorIllegalAddress",
        "CUDA runtime reported: invalid device ordinal",
        "MPI_ABORT was invoked on rank 1",
        "Fatal error in MPI_Abort",
        "slurmstepd: error: *** JOB 7 ON n1 CANCELLED ***",
        "[n1:123] Signal: Segmentation fault (11)",
        "Segmentation fault (core dumped)",
        "std::bad_alloc: out of memory",
        "oom-kill event in step",
        "mpirun noticed that process rank 1 exited on signal 9 (Killed).",
        "=   EXIT CODE: 9",
        "exited with exit code 1",
        "exit status 2",
        "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES",
        "terminate called after throwing an instance of",
        "write: No space left on device",
        "srun: error: Disk quota exceeded",
    ],
)
def test_lines_that_tell_of_errors_are_known(text):
    assert is_error(text)
    assert any(word in text.lower() for word in ERROR_WORDS)


@pytest.mark.parametrize(
    "text",
    [
        " Estimating accuracies in the orientational assignment ... ",
        "exit code: 0",
        " CUDA device 0 has 4 ranks",
        "the final error is 0.02",
        "signal to noise 3",
        " + Final resolution (without masking) is: 17.1529",
    ],
)
def test_lines_that_only_sound_alike_are_no_errors(text):
    assert not is_error(text)


def test_no_line_of_a_good_relion_run_is_an_error(hiv_twin):
    lines = (hiv_twin / "Refine3D/job009/run.out").read_bytes().split(b"\n")
    assert len(lines) > 100
    assert [line for line in lines if is_error(shown(last_part(line)))] == []


def test_warnings_are_known():
    assert is_warning("WARNING: no mask")
    assert is_warning("warn: slow")
    assert not is_warning("forward")


def test_sizes_are_written_with_the_unit_that_fits():
    sizes = [0, 999, 1000, 999_949, 999_950, 200_300_000, 5_000_000_000]
    assert [size_text(one) for one in sizes] == [
        "0 bytes",
        "999 bytes",
        "1.0 KB",
        "999.9 KB",
        "1.0 MB",
        "200.3 MB",
        "5.0 GB",
    ]
