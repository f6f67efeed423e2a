from halfmap.daemon.following import all_iterations
from halfmap.tui.job.course import Course, Iteration, iterations_from


def test_records_are_read_in_the_order_of_their_numbers_and_unknown_fields_are_passed_over():
    read = iterations_from(
        [
            {"event": "iteration_finished", "iteration": 2, "resolution_angstrom": 18.0, "something_new": 1},
            {"event": "iteration_finished", "iteration": 1, "fsc": [1.0, None, 0.5], "resolution_angstrom": None},
            {"no_number": True},
        ]
    )
    assert [one.iteration for one in read] == [1, 2]
    assert read[0].fsc == (1.0, None, 0.5)
    assert read[0].resolution_angstrom is None
    assert read[1].resolution_angstrom == 18.0


def test_the_iteration_at_no_number_is_the_last():
    course = Course("one", (Iteration(1), Iteration(3)), 36, 8.1)
    assert course.at(None) == Iteration(3)
    assert course.at(1) == Iteration(1)
    assert course.at(2) is None
    assert Course().at(None) is None


def test_nyquist_is_twice_the_pixel_size():
    assert Course(pixel_size_angstrom=8.1).nyquist_angstrom == 16.2
    assert Course().nyquist_angstrom is None


def test_a_run_of_relion_is_read_whole(hiv_twin):
    read = iterations_from(all_iterations(hiv_twin / "Refine3D" / "job009"))
    assert [one.iteration for one in read] == [1, 2, 3, 4, 5, 6, 7]
    assert read[-1].converged
    assert abs((read[-1].resolution_angstrom or 0) - 17.152942) < 1e-6  # as in run_model.star
