"""The noise that overlapping boxes share: analytic cases, and noise that is drawn and averaged."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import j0

from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.splitting import shared_noise
from halfmap.engine.splitting.shared_noise import NoiseGeometry, expected_noise_fsc, pair_correlations

FREQUENCY = np.array([0.01, 0.02, 0.04])


def geometry(positions, rotations=None, group="C1", tilts_deg=(-40, -20, 0, 20, 40), radius=80.0):
    positions = np.asarray(positions, float)
    rotations = np.broadcast_to(np.eye(3), (len(positions), 3, 3)) if rotations is None else rotations
    tilts = np.asarray(Rotation.from_euler("y", np.array(tilts_deg)[:, None], degrees=True).as_matrix())
    return NoiseGeometry(
        positions,
        np.array(rotations),
        np.zeros(len(positions), int),
        (tilts,),
        radius,
        PointGroup.parse(group).operators,
    )


def test_a_particle_has_all_its_noise_in_common_with_itself():
    own = pair_correlations(geometry([[3.0, 4, 5]]), np.array([[0, 0]]), FREQUENCY)
    np.testing.assert_allclose(own, 1)


# along the tilt axis every tilt image shows the whole displacement
def test_a_displacement_turns_the_phases_of_a_ring():
    many = np.tile([[0, 1]], (400, 1))
    pair = pair_correlations(geometry([[0.0, 0, 0], [0, 7, 0]]), many, FREQUENCY).mean(axis=0)
    # a ball of radius 80 Å keeps 1 − 3/4 · 7/80 of itself when displaced by 7 Å; 3,200 points tell it to half a percent
    assert pair == pytest.approx(j0(2 * np.pi * 7 * FREQUENCY) * (1 - 0.75 * 7 / 80), abs=0.02)


def test_boxes_that_do_not_overlap_share_nothing():
    pair = pair_correlations(geometry([[0.0, 0, 0], [0, 161, 0]]), np.array([[0, 1]]), FREQUENCY)
    assert not pair.any()


def test_particles_in_one_place_that_are_turned_share_only_low_frequencies():
    rotations = np.asarray(Rotation.from_euler("z", np.array([[0.0], [60]]), degrees=True).as_matrix())
    positions = np.zeros((2, 3))
    plain = pair_correlations(geometry(positions, rotations), np.tile([[0, 1]], (400, 1)), FREQUENCY).mean(axis=0)
    assert np.abs(plain).max() < 0.2
    assert abs(plain[2]) < 0.06
    # with C6 they are the same particle
    alike = geometry(positions, rotations, "C6")
    own, other = (pair_correlations(alike, np.tile([p], (400, 1)), FREQUENCY).mean(axis=0) for p in ([0, 0], [0, 1]))
    np.testing.assert_allclose(own, other, atol=0.05)
    assert other.min() > 0.9


def test_doubled_particles_are_expected_to_give_the_fsc_of_their_displacement(random):
    positions = np.repeat(random.uniform(-5000, 5000, (40, 3)), 2, axis=0)
    positions[1::2, 1] += 7.0
    rotations = np.repeat(np.asarray(Rotation.random(40, random_state=1).as_matrix()), 2, axis=0)
    pairs = np.arange(80).reshape(40, 2)
    apart, together = np.tile([1, 2], 40), np.repeat([1, 2], 40)
    first, second = expected_noise_fsc(geometry(positions, rotations), pairs, (apart, together), FREQUENCY)
    assert first == pytest.approx(j0(2 * np.pi * 7 * FREQUENCY) * (1 - 0.75 * 7 / 80), abs=0.05)
    assert not second.any()


def test_a_sample_of_many_pairs_stands_for_all(random, monkeypatch):
    monkeypatch.setattr(shared_noise, "_MOST_COMPARISONS", 20000)
    positions = random.uniform(-150, 150, (240, 3))
    made = geometry(positions, np.asarray(Rotation.random(240, random_state=2).as_matrix()), "C6", radius=100.0)
    pairs = np.argwhere(np.triu(np.linalg.norm(positions[:, None] - positions, axis=2) < 120, 1))
    half = random.integers(1, 3, 240)
    assert len(pairs) * 6 > 25000
    sampled = expected_noise_fsc(made, pairs, (half,), FREQUENCY)[0]
    whole = pair_correlations(made, pairs, FREQUENCY)
    own = pair_correlations(made, np.column_stack([np.arange(240)] * 2), FREQUENCY).mean(axis=0)
    across = half[pairs[:, 0]] != half[pairs[:, 1]]
    within = [(half[pairs[:, 0]] == h) & (half[pairs[:, 1]] == h) for h in (1, 2)]
    power = [(half == h).sum() * own + 2 * whole[w].sum(axis=0) for h, w in zip((1, 2), within, strict=True)]
    np.testing.assert_allclose(sampled, whole[across].sum(axis=0) / np.sqrt(power[0] * power[1]), atol=0.1)
