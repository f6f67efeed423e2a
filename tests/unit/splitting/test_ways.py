"""What goes into one half as a whole, and how evenly."""

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.splitting.assignment import balanced_halves
from halfmap.engine.splitting.neighbours import close_pairs, linked
from halfmap.engine.splitting.settings import SplitSettings
from halfmap.engine.splitting.split import split
from halfmap.engine.splitting.ways import by_neighbourhood, by_object, by_particle, by_tomogram


def sizes(half, where=slice(None)):
    return np.bincount(half[where], minlength=3)[1:].tolist()


def test_particles_are_drawn_evenly_within_each_optics_group_of_each_tomogram(located, random):
    tomograms = np.repeat(["A", "B", "C"], [11, 30, 6])
    group = random.integers(1, 3, 47)
    particles = located(tomograms, random.uniform(0, 900, (47, 3)), rlnOpticsGroup=group)
    half = by_particle(particles, 5).half_set
    for name in "ABC":
        for number in (1, 2):
            first, second = sizes(half, (tomograms == name) & (group == number))
            assert abs(first - second) <= 1
    assert abs(sizes(half)[0] - 23.5) == 0.5


def test_a_seed_gives_one_division_and_another_seed_another(located, random):
    particles = located(["A"] * 60, random.uniform(0, 900, (60, 3)))
    first, again, other = (by_particle(particles, seed).half_set for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert 15 < (first != other).sum() < 45


def test_every_particle_comes_into_either_half_with_some_seed(located, random):
    particles = located(["A"] * 20, random.uniform(0, 900, (20, 3)))
    first = np.mean([by_particle(particles, seed).half_set == 1 for seed in range(150)], axis=0)
    # 0.5 with a standard deviation of 0.04
    np.testing.assert_allclose(first, 0.5, atol=0.17)


def test_objects_of_the_same_number_in_different_tomograms_are_different(located, random):
    tube = [1, 1, 1, 2, 2, 1, 1, 1, 2, 2]
    particles = located(["A"] * 5 + ["B"] * 5, random.uniform(0, 9, (10, 3)), rlnHelicalTubeID=tube)
    division = by_object(particles, None, 1)
    assert (division.units, division.largest_unit) == (4, 3)
    # within each tomogram the larger object goes one way and the smaller the other, and the tomograms level each other
    assert sizes(division.half_set) == [5, 5]
    for name, number in (("A", 1), ("A", 2), ("B", 1), ("B", 2)):
        rows = (np.repeat(["A", "B"], 5) == name) & (np.array(tube) == number)
        assert len(set(division.half_set[rows])) == 1


@pytest.mark.parametrize("label", [None, "rlnTomoManifoldIndex", "myVirus"])
def test_objects_are_told_by_the_column_that_is_there_or_named(located, random, label):
    columns = {label or "rlnHelicalTubeID": [1, 2, 1, 2], "rlnTomoManifoldIndex": [1, 2, 1, 2]}
    particles = located(["A"] * 4, random.uniform(0, 9, (4, 3)), **columns)
    division = by_object(particles, label, 1)
    assert division.unit_name == f"object ({label or 'rlnHelicalTubeID'})"
    assert division.half_set[0] == division.half_set[2] != division.half_set[1]


def test_without_objects_none_are_divided(located, random):
    particles = located(["A"] * 4, random.uniform(0, 9, (4, 3)))
    with pytest.raises(BadInput, match=r"rlnHelicalTubeID, rlnTomoManifoldIndex.*--object"):
        by_object(particles, None, 1)
    with pytest.raises(BadInput, match="objects \\(virus\\)"):
        by_object(particles, "virus", 1)


def test_tomograms_stay_whole(located, random):
    tomograms = np.repeat(["A", "B", "C", "D"], [40, 30, 20, 12])
    half = by_tomogram(located(tomograms, random.uniform(0, 9, (102, 3))), 3).half_set
    assert sorted(sizes(half)) == [50, 52]
    with pytest.raises(BadInput, match="one of the halves would be empty"):
        by_tomogram(located(["A"] * 4, random.uniform(0, 9, (4, 3))), 3)


def test_linked_particles_stay_together(located, random):
    centres = random.uniform(0, 4000, (40, 3))
    positions = np.repeat(centres, 5, axis=0) + random.uniform(-20, 20, (200, 3))
    particles = located(["A"] * 100 + ["B"] * 100, positions)
    pairs = close_pairs(positions, particles.tomogram_index, 100.0)
    division = by_neighbourhood(particles, pairs, 0.6, 1)
    assert division.cut_components == 0
    assert division.units == len(np.unique(linked(pairs, 200)))
    assert (division.half_set[pairs[:, 0]] == division.half_set[pairs[:, 1]]).all()
    assert sizes(division.half_set, slice(100)) == [50, 50]
    assert sizes(division.half_set) == [100, 100]


def test_a_lattice_that_fills_its_tomogram_is_cut_and_the_rest_stays_whole(located):
    grid = 70.0 * np.stack(np.meshgrid(np.arange(20), np.arange(10), [0], indexing="ij"), -1).reshape(-1, 3)
    far = np.array([[9000.0 + 500 * i, 0, 0] for i in range(10)])
    particles = located(["A"] * 210 + ["B"] * 2, np.concatenate([grid, far, [[0.0, 0, 0], [1, 0, 0]]]))
    pairs = close_pairs(particles.position_angstrom, particles.tomogram_index, 71.0)
    division = by_neighbourhood(particles, pairs, 0.6, 1)
    half = division.half_set
    assert division.cut_components == 1
    assert (half[pairs[:, 0]] != half[pairs[:, 1]]).sum() == 10
    # the pair in the other tomogram is all that is there, but too small a part of all to be cut
    assert half[210] == half[211]
    assert sorted(sizes(half)) == [105, 107]
    whole = by_neighbourhood(particles, pairs, 1.0, 1)
    assert whole.cut_components == 0
    assert sorted(sizes(whole.half_set)) == [12, 200]


def test_large_units_go_first_and_fill_the_halves_evenly():
    unit = np.repeat(np.arange(5), [7, 6, 5, 4, 2])
    for seed in range(10):
        half = balanced_halves(unit, np.zeros(24, int), seed)
        assert sizes(half) == [12, 12] or sizes(half) == [11, 13] or sizes(half) == [13, 11]
    assert len({tuple(balanced_halves(unit, np.zeros(24, int), seed)) for seed in range(10)}) > 1


def test_half_sets_of_the_file_are_compared_and_missing_ones_drawn_as_refinement_does(located, random):
    positions = np.repeat(random.uniform(0, 4000, (50, 3)), 2, axis=0)
    settings = SplitSettings("neighbourhood", seed=4)
    given = located(["A"] * 100, positions, rlnRandomSubset=[1, 2] * 50)
    half, report = split(given, settings)
    assert report.distance_angstrom == 160
    assert (report.before_is, report.before.pairs_across) == ("as in the file", report.close_pairs)
    assert report.before.share_near_other_half == 1
    assert (report.after.pairs_across, report.after.share_near_other_half) == (0, 0)
    assert report.closest_pairs[0].distance_angstrom == 0
    assert report.noise_fsc is None
    assert sizes(half) == list(report.after.sizes) == [50, 50]
    _, drawn = split(located(["A"] * 100, positions), settings)
    assert drawn.before_is == "as refinement would draw them"
    assert 20 < drawn.before.pairs_across < 80


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"way": "moon"}, "--by is 'moon'"),
        ({"way": "particle", "distance_angstrom": 0.0}, "must be above 0 Å"),
        ({"way": "particle", "distance_angstrom": float("nan")}, "must be above 0 Å"),
        ({"way": "particle", "object_label": "x"}, "for --by object"),
        ({"way": "particle", "cut_above": 0.0}, "--cut_above"),
        ({"way": "particle", "seed": -1}, "--seed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, words):
    with pytest.raises(BadInput, match=words):
        SplitSettings(**wrong)
