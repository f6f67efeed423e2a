import os
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfmap.contract.job_star import JobStarError, job_star_text, read_job_star, write_job_star
from halfmap.contract.refine3d import OPTIONS, Refine3D

SHORT = """
data_job
_rlnJobTypeLabel relion.refine3d
_rlnJobIsContinue 0
_rlnJobIsTomo 1

data_joboptions_values
loop_
_rlnJobOptionVariable #1
_rlnJobOptionValue #2
in_optimisation sets/optimisation_set.star
fn_ref merged.mrc
sym_name C6
"""

# As RELION 5.0.1 writes it; the rows between are left out.
RELIONS_HEAD = """
# version 50001

data_job

_rlnJobTypeLabel             relion.refine3d.tomo
_rlnJobIsContinue                       0
_rlnJobIsTomo                           1
 

# version 50001

data_joboptions_values

loop_ 
_rlnJobOptionVariable #1 
_rlnJobOptionValue #2 
auto_faster         No 
auto_local_sampling "1.8 degrees" 
ctf_intact_first_peak         No 
"""  # noqa: W291, W293
RELIONS_ROW = '\n   fn_cont         "" \n'

TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)) | st.just("\t"))
VALUES = {
    "switch": st.booleans(),
    "whole number": st.integers(),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "text": TEXTS,
}
JOBS = st.fixed_dictionaries({}, optional={key: VALUES[option.kind] for key, option in OPTIONS.items()}).map(
    Refine3D.model_validate
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "job.star"


def read(file, text):
    file.write_bytes(text.encode())
    return read_job_star(file)


def rows_of(text):
    return [
        line.split(maxsplit=1) for line in text.partition("_rlnJobOptionValue #2 \n")[2].splitlines() if line.strip()
    ]


def test_the_text_is_relions_byte_for_byte():
    text = job_star_text(Refine3D())
    assert text.startswith(RELIONS_HEAD)
    assert RELIONS_ROW in text
    assert text.endswith(" \n")


def test_a_new_job_has_61_options_in_byte_order():
    keys = [key for key, _ in rows_of(job_star_text(Refine3D()))]
    assert len(keys) == 61
    assert keys == sorted(keys, key=str.encode)


def test_options_of_other_versions_and_sites_are_written_only_if_set():
    text = job_star_text(Refine3D(fn_img="particles.star", qsub_extra2=""))
    assert ["fn_img", "particles.star "] in rows_of(text)
    assert ["qsub_extra2", '""'] in [[key, value.strip()] for key, value in rows_of(text)]
    assert "qsub_extra1" not in text


def test_numbers_are_written_as_they_were_typed():
    written = dict(rows_of(job_star_text(Refine3D(ini_high=60, offset_step=0.7, sigma_tilt=-1))))
    assert [written[key].strip() for key in ("ini_high", "offset_step", "sigma_tilt")] == ["60", "0.7", "-1"]


def test_a_helical_job_has_its_own_label():
    assert "relion.refine3d.tomo.helical\n" in job_star_text(Refine3D(do_helix=True))


@given(job=JOBS, is_continue=st.booleans())
@settings(deadline=None)
def test_a_job_survives_its_file(tmp_path_factory, job, is_continue):
    file = tmp_path_factory.getbasetemp() / "job.star"
    write_job_star(job, file, is_continue)
    found = read_job_star(file)
    assert found.job == job
    assert found.is_continue == is_continue
    assert found.unknown_keys == ()
    assert found.unreadable == ()


@given(st.text(string.printable))
@settings(deadline=None)
def test_a_file_of_any_text_is_read_or_refused_by_name(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.star"
    file.write_bytes(SHORT.encode() + text.encode())
    try:
        read_job_star(file)
    except JobStarError as error:
        assert str(error).startswith(f"{file}, ")  # noqa: PT017


def test_a_short_file_keeps_the_defaults_of_what_it_leaves_out(file):
    found = read(file, SHORT)
    assert found.job == Refine3D(in_optimisation="sets/optimisation_set.star", fn_ref="merged.mrc", sym_name="C6")
    assert (found.label, found.is_continue) == ("relion.refine3d", False)
    assert found.problems() == []


def test_unknown_keys_are_returned_without_a_warning(file, recwarn):
    assert read(file, SHORT + "skip_gridding Yes\nmy_key 3\n").unknown_keys == ("skip_gridding", "my_key")
    assert not recwarn.list


def test_values_of_the_wrong_kind_are_told_together_with_all_other_problems(file):
    found = read(file, SHORT + "ini_high abc\nnr_pool many\nnr_mpi 4\n")
    assert [problem.key for problem in found.problems()] == ["ini_high", "nr_pool", "nr_mpi"]
    assert found.job.ini_high == 60


def test_a_continued_job_needs_the_file_to_continue_from(file):
    found = read(file, SHORT.replace("IsContinue 0", "IsContinue 1"))
    assert found.is_continue
    assert [problem.key for problem in found.problems()] == ["fn_cont"]


def test_a_new_job_must_not_name_a_file_to_continue_from(file):
    found = read(file, SHORT + "fn_cont run_it003_optimiser.star\n")
    assert "rlnJobIsContinue is 0" in str(found.problems()[0])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("sym_name C6\n", "sym_name C6\r\n"), "line 13: a carriage return"),
        (("sym_name C6", "sym_name"), "line 13: 1 values for 2 labels"),
        (("sym_name C6", "sym_name C6 C7"), "line 13: 3 values for 2 labels"),
        (("sym_name C6", "fn_ref other.mrc"), "line 13: fn_ref is given a second time"),
        (("_rlnJobOptionValue #2", "_rlnSomething #2"), "line 11: the table joboptions_values must have"),
        (("relion.refine3d\n", "relion.class3d\n"), "rlnJobTypeLabel is relion.class3d"),
        (("relion.refine3d\n", "relion.refine3dx\n"), "rlnJobTypeLabel is relion.refine3dx"),
        (("_rlnJobTypeLabel relion.refine3d\n", ""), "does not say rlnJobTypeLabel"),
        (("IsTomo 1", "IsTomo 0"), "single-particle"),
    ],
)
def test_a_file_that_is_no_such_job_is_refused_with_its_name_and_place(file, change, told):
    with pytest.raises(JobStarError) as caught:
        read(file, SHORT.replace(*change))
    assert str(caught.value).startswith(f"{file}, ")
    assert told in str(caught.value)


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_job_star(tmp_path / "job.star")


def test_a_line_break_in_a_text_is_refused_and_the_old_file_stays(file):
    write_job_star(Refine3D(), file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"fn_ref.*line break"):
        write_job_star(Refine3D(fn_ref="a\nb"), file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_nothing_is_left_behind_when_the_disk_fails(file, monkeypatch):
    def fail(descriptor):
        raise OSError("no space left on device")

    write_job_star(Refine3D(), file)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_job_star(Refine3D(sym_name="C6"), file)
    assert list(file.parent.iterdir()) == [file]
    assert read_job_star(file).job == Refine3D()


def test_the_file_can_be_read_by_those_whom_the_umask_allows(file):
    old = os.umask(0o027)
    try:
        write_job_star(Refine3D(), file)
    finally:
        os.umask(old)
    assert file.stat().st_mode & 0o777 == 0o640


def test_file_names_in_another_encoding_survive(file):
    job = Refine3D(fn_ref=os.fsdecode(b"r\xe9f\xe9rence.mrc"))
    write_job_star(job, file)
    assert read_job_star(file).job == job
