import pytest

from halfmap.contract.spelling import is_gpu_list, is_iteration_optimiser, is_symmetry


@pytest.mark.parametrize("name", ["C1", "c6", "D7", "C12", "T", "t", "O", "I", "I1", "i4"])
def test_point_groups_are_recognised_in_upper_and_lower_case(name):
    assert is_symmetry(name)


@pytest.mark.parametrize("name", ["", "C", "C0", "C1.5", "C-2", "I5", "T2", "C6 ", "Oh", "CI", "None", "C٣"])
def test_other_names_are_no_point_groups(name):
    assert not is_symmetry(name)


@pytest.mark.parametrize("text", ["", "0", "0:1:2:3", "0,1:2,3", "10,11"])
def test_gpu_lists_are_recognised(text):
    assert is_gpu_list(text)


@pytest.mark.parametrize("text", ["a", "0;1", "0::1", ":0", "0,", "0 1", "-1"])
def test_other_texts_are_no_gpu_lists(text):
    assert not is_gpu_list(text)


def test_only_the_optimiser_of_an_iteration_can_be_continued():
    assert is_iteration_optimiser("Refine3D/job003/run_it012_optimiser.star")
    assert not is_iteration_optimiser("Refine3D/job003/run_optimiser.star")
    assert not is_iteration_optimiser("Refine3D/job003/run_it012_data.star")
