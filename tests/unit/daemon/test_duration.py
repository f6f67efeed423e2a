"""How long a refinement may take."""

from dataclasses import replace

import pytest

from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.duration import Duration, PastRun, Workload, operators, predict, workload
from halfmap.daemon.records import Launch

MEASURED = Refine3D(sym_name="C6", nr_threads=2)


def work(job: Refine3D = MEASURED, engine: str = "halfmap", particles=200, box_px=36, tilts=17.0) -> Workload:
    return workload(job, Launch(engine=engine), particles, box_px, tilts)


def seconds(*given, **changes) -> float:
    found = predict(work(*given, **changes), []).seconds
    assert found is not None
    return found


@pytest.mark.parametrize(("engine", "global_s", "local_s"), [("halfmap", 144, 50), ("relion", 1451, 735)])
def test_what_was_measured_comes_out_as_it_was_measured(engine, global_s, local_s):
    assert seconds(engine=engine) == pytest.approx(global_s, rel=0.01)
    local = MEASURED.model_copy(update={"sampling": "1.8 degrees"})
    assert seconds(local, engine=engine) == pytest.approx(local_s, rel=0.01)


def test_twice_the_particles_tilts_or_half_the_cores_take_twice_as_long():
    assert seconds(particles=400) == pytest.approx(288)
    assert seconds(tilts=34.0) == pytest.approx(288)
    assert seconds(MEASURED.model_copy(update={"nr_threads": 1})) == pytest.approx(288)
    assert seconds(box_px=72) == pytest.approx(4 * 144)


def test_the_first_of_three_ranks_does_not_compute():
    three, two = (MEASURED.model_copy(update={"nr_mpi": ranks}) for ranks in (3, 2))
    assert seconds(three) == seconds(two) == pytest.approx(72)


def test_symmetry_shortens_the_global_search_only():
    without = MEASURED.model_copy(update={"sym_name": "C1"})
    assert seconds(without) == pytest.approx(6 * 94 + 50)


@pytest.mark.parametrize(
    ("symmetry", "number"), [("C1", 1), ("c6", 6), ("D2", 4), ("T", 12), ("O", 24), ("I3", 60), ("", 1), ("X9", 1)]
)
def test_a_point_group_has_so_many_rotations(symmetry, number):
    assert operators(symmetry) == number


def test_an_earlier_run_of_the_same_kind_counts_more_than_what_was_measured_once():
    alike = PastRun("Refine3D/job003/", work(particles=1000), 3600.0)
    other = PastRun("Refine3D/job004/", work(box_px=64), 10.0)
    found = predict(work(particles=2000), [other, alike])
    assert found.seconds == pytest.approx(7200)
    assert found.rests_on == "Refine3D/job003/, which took 60 min with 1000 particles on 2 cores"


@pytest.mark.parametrize("changes", [{"sym_name": "C1"}, {"sampling": "3.7 degrees"}])
def test_an_earlier_run_that_searched_otherwise_does_not_count(changes):
    past = PastRun("Refine3D/job003/", work(MEASURED.model_copy(update=changes)), 1.0)
    assert predict(work(), [past]).seconds == pytest.approx(144)


def test_of_relion_on_cards_nothing_is_known_but_what_it_did():
    on_cards = work(MEASURED.model_copy(update={"use_gpu": True}), engine="relion")
    assert predict(on_cards, []) == Duration()
    assert predict(on_cards, [PastRun("x", on_cards, 60.0)]).seconds == 60.0


def test_without_particles_box_or_tilts_nothing_is_predicted():
    assert predict(work(particles=0), []) == Duration()
    assert predict(work(box_px=0), []) == Duration()
    assert predict(replace(work(), tilts=0.0), []) == Duration()


def test_no_run_is_shorter_than_its_start_takes():
    assert seconds(particles=2, box_px=16) == 10.0
