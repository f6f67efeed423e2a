"""The FSC of pure noise: neighbours in different halves inflate it as expected, and together they do not."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.formats.placed_particles import read_placed_particles
from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.simulation import SimulationSettings, simulate
from halfmap.engine.splitting.inflation import HalfSets, measure_inflation
from halfmap.engine.splitting.neighbours import close_pairs
from halfmap.engine.splitting.shared_noise import NoiseGeometry, expected_noise_fsc

PIXEL = 8.0


@pytest.fixture(scope="module")
def doubled_in_noise(tmp_path_factory):
    """40 particles in noise, each of them twice, 0 to 2 px apart."""
    settings = SimulationSettings(
        noise_only=True,
        particles=40,
        tomograms=1,
        symmetry="C1",
        box_px=20,
        pixel_size_angstrom=PIXEL,
        diameter_angstrom=120,
        spacing_angstrom=400,
        tilt_range_deg=40,
        tilt_step_deg=10,
    )
    project = simulate(settings, tmp_path_factory.mktemp("noise") / "project")
    placed, recordings = read_placed_particles(project.truth_file, project.tomograms_file, None, project.root)
    rng = np.random.default_rng(5)
    moves = rng.standard_normal((40, 3))
    moves *= rng.uniform(0, 2, (40, 1)) / np.linalg.norm(moves, axis=1, keepdims=True)
    twice = replace(
        placed,
        tomograms=placed.tomograms * 2,
        position_px=np.concatenate([placed.position_px, placed.position_px + moves]),
        rotation=np.concatenate([placed.rotation] * 2),
        half_set=np.zeros(80, int),
    )
    return twice, recordings


def test_doubled_particles_inflate_the_fsc_of_noise_as_expected_and_not_when_kept_together(doubled_in_noise):
    particles, recordings = doubled_in_noise
    apart, together = np.repeat([1, 2], 40), np.tile(np.repeat([1, 2], 20), 2)
    settings = AverageSettings(40, 20)
    found = measure_inflation(
        (particles, recordings), HalfSets(apart, together), settings, PIXEL, 2, lambda done, total: None
    )
    series = next(iter(recordings.values())).series
    geometry = NoiseGeometry(
        particles.position_px * PIXEL,
        particles.rotation,
        np.zeros(80, int),
        (series.rotations,),
        10 * PIXEL,
        PointGroup("C1").operators,
    )
    pairs = close_pairs(geometry.position_angstrom, np.zeros(80, int), 2 * PIXEL)
    # shells 4 to 9: finer than 40 Å. Coarser ones have too few voxels
    shells = np.arange(4, 10)
    expected = expected_noise_fsc(geometry, pairs, (apart, together), shells / (20 * PIXEL))
    assert len(pairs) == 40
    # chance: a shell has hundreds of voxels, but a map of 40 particles leaves 0.05 to 0.1
    np.testing.assert_allclose(np.array(found.present)[shells], expected[0], atol=0.15)
    assert abs(np.mean(found.present[4:10]) - expected[0].mean()) < 0.06
    assert np.mean(found.present[4:10]) > 0.4
    assert abs(np.mean(found.together[4:10])) < 0.1
    assert not expected[1].any()
    assert found.present_143_angstrom is not None
    assert found.together_143_angstrom is None or found.together_143_angstrom > found.present_143_angstrom
    np.testing.assert_allclose(np.array(found.difference), np.array(found.present) - found.together)


def test_maps_are_those_of_sums_made_for_each_way_alone(doubled_in_noise):
    from halfmap.engine.averaging.maps import average_maps, symmetrised
    from halfmap.engine.averaging.memory import Load
    from halfmap.engine.averaging.summing import Watch, add_up, nothing_summed
    from halfmap.engine.refinement.fsc import fsc_of_maps

    particles, recordings = doubled_in_noise
    rng = np.random.default_rng(1)
    halves = HalfSets(rng.integers(1, 3, 80), rng.integers(1, 3, 80))
    settings = AverageSettings(20, 20, group=PointGroup("C2"))
    found = measure_inflation((particles, recordings), halves, settings, PIXEL, 1, lambda done, total: None)
    for half_set, curve in ((halves.present, found.present), (halves.together, found.together)):
        divided = replace(particles, half_set=half_set)
        watch = Watch(lambda done: None, lambda sums: None)
        sums = add_up(nothing_summed(divided, settings), divided, recordings, settings, Load(1, 8), watch)
        maps = [average_maps(symmetrised(sums[half], settings, 1), settings).cropped for half in (1, 2)]
        # maps are float32
        np.testing.assert_allclose(curve, fsc_of_maps(*maps), atol=1e-4)
