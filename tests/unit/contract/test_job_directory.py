import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.contract import job_directory
from halfmap.contract.job_directory import (
    Marker,
    is_result,
    iteration_files,
    iteration_of,
    last_whole_iteration,
    marker_file,
)

ROOT = "Refine3D/job012/run"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "run"


def write_iteration(root, number):
    for path in iteration_files(root, number):
        path.write_text("content")


@pytest.mark.parametrize(
    ("name", "arguments", "ending"),
    [
        ("optimiser_file", (7,), "_it007_optimiser.star"),
        ("optimiser_file", (), "_optimiser.star"),
        ("sampling_file", (7,), "_it007_sampling.star"),
        ("data_file", (0,), "_it000_data.star"),
        ("optimisation_set_file", (), "_optimisation_set.star"),
        ("half_model_file", (7, 1), "_it007_half1_model.star"),
        ("half_map_file", (7, 2), "_it007_half2_class001.mrc"),
        ("half_angular_distribution_file", (7, 2), "_it007_half2_class001_angdist.bild"),
        ("unfiltered_half_map_file", (1,), "_half1_class001_unfil.mrc"),
        ("unfiltered_half_map_file", (1, 7), "_it007_half1_class001_unfil.mrc"),
        ("final_model_file", (), "_model.star"),
        ("final_map_file", (), "_class001.mrc"),
        ("final_angular_distribution_file", (), "_class001_angdist.bild"),
        ("progress_file", (), "_progress.jsonl"),
        ("standard_output_file", (), ".out"),
        ("standard_error_file", (), ".err"),
    ],
)
def test_files_are_named_as_relion_names_them(name, arguments, ending):
    assert str(getattr(job_directory, name)(ROOT, *arguments)) == ROOT + ending


def test_iterations_beyond_999_have_more_digits():
    assert job_directory.data_file("run", 1234).name == "run_it1234_data.star"


def test_markers_stand_in_the_job_folder():
    assert str(marker_file("Refine3D/job012/", Marker.ABORT_NOW)) == "Refine3D/job012/RELION_JOB_ABORT_NOW"
    assert {marker.value for marker in Marker} == {
        "RELION_JOB_EXIT_SUCCESS",
        "RELION_JOB_EXIT_FAILURE",
        "RELION_JOB_EXIT_ABORTED",
        "RELION_JOB_ABORT_NOW",
    }


@given(st.integers(0, 99999))
def test_the_number_of_an_iteration_is_read_from_its_files(number):
    assert {iteration_of(path) for path in iteration_files("job_it001_x/run", number)} == {number}


def test_final_files_belong_to_no_iteration():
    assert iteration_of("Refine3D/job_it003_/run_optimiser.star") is None


@pytest.mark.parametrize("root", ["run", ROOT, "job.1/run+a"])
@pytest.mark.parametrize("iteration", [0, 7, 1234])
def test_all_that_the_engine_writes_for_a_root_is_a_result(root, iteration):
    names = job_directory
    written = [
        *iteration_files(root, iteration),
        names.optimisation_set_file(root, iteration),
        names.half_angular_distribution_file(root, iteration, 2),
        names.unfiltered_half_map_file(root, 1, iteration),
        names.optimiser_file(root),
        names.sampling_file(root),
        names.data_file(root),
        names.optimisation_set_file(root),
        names.unfiltered_half_map_file(root, 2),
        names.final_model_file(root),
        names.final_map_file(root),
        names.final_angular_distribution_file(root),
        names.progress_file(root),
    ]
    assert [path for path in written if not is_result(root, path)] == []


@pytest.mark.parametrize(
    "name",
    [
        "run.out",
        "run.err",
        "run_ct5_it001_data.star",
        "run_ct5_class001.mrc",
        "other_run_it001_data.star",
        "run_notes.star",
        "run_mask.mrc",
        "run_it001_data.star.bak",
        "run_it001_data.txt",
        "run_half3_class001.mrc",
        "run_it_data.star",
        "job.star",
        "RELION_JOB_EXIT_SUCCESS",
        "deeper/run_it001_data.star",
        "../run_it001_data.star",
    ],
)
def test_other_files_are_no_results_of_a_root(name):
    assert not is_result(ROOT, f"Refine3D/job012/{name}")


def test_a_root_is_no_pattern():
    assert not is_result("job/r.n", "job/run_data.star")


def test_the_last_whole_iteration_is_the_highest_number(root):
    for number in (0, 2, 10, 9):
        write_iteration(root, number)
    assert last_whole_iteration(root) == 10


@pytest.mark.parametrize("missing", list(range(7)))
def test_an_iteration_that_lacks_a_file_is_not_whole(root, missing):
    write_iteration(root, 1)
    write_iteration(root, 2)
    iteration_files(root, 2)[missing].unlink()
    assert last_whole_iteration(root) == 1


def test_an_iteration_with_an_empty_file_is_not_whole(root):
    write_iteration(root, 3)
    job_directory.half_map_file(root, 3, 2).write_bytes(b"")
    assert last_whole_iteration(root) is None


def test_files_of_another_root_in_the_same_folder_do_not_count(root):
    write_iteration(root, 1)
    write_iteration(root.with_name("other_run"), 5)
    write_iteration(root.with_name("run_ct5"), 6)
    assert last_whole_iteration(root) == 1


def test_an_empty_or_missing_folder_has_no_iteration(tmp_path):
    assert last_whole_iteration(tmp_path / "run") is None
    assert last_whole_iteration(tmp_path / "nowhere" / "run") is None
