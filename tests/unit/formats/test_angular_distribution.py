"""Histograms of orientations."""

import numpy as np

from halfmap.engine.formats.angular_distribution import write_angular_distribution


def test_each_used_direction_is_a_coloured_cylinder_on_a_sphere_around_the_map(tmp_path):
    path = tmp_path / "x.bild"
    directions = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, -1]])
    write_angular_distribution(path, directions, np.array([0.2, 0.0, 0.8]), 200.0, 7.5)
    lines = path.read_text().splitlines()
    assert len(lines) == 4
    colours = [line.split() for line in lines[::2]]
    cylinders = [line.split() for line in lines[1::2]]
    # blue to red with the share of the largest
    assert colours == [[".color", "0.250", "0", "0.750"], [".color", "1.000", "0", "0.000"]]
    assert all(words[0] == ".cylinder" for words in cylinders)
    rare, frequent = (np.array(words[1:], float) for words in cylinders)
    # centre at half of the extent, inner ends at that distance from it
    np.testing.assert_allclose(rare[:3], [200, 100, 100], atol=1e-3)
    np.testing.assert_allclose(frequent[:3], [100, 100, 0], atol=1e-3)
    lengths = [np.linalg.norm(c[3:6] - c[:3]) for c in (rare, frequent)]
    assert lengths[1] > lengths[0] > 0
    np.testing.assert_allclose(lengths[0] / lengths[1], 0.25, rtol=1e-3)
    # they point outwards and do not overlap their neighbours
    assert frequent[5] < frequent[2]
    assert 0 < rare[6] == frequent[6] < 100 * np.deg2rad(7.5) / 2


def test_nothing_is_drawn_where_nothing_was_seen(tmp_path):
    write_angular_distribution(tmp_path / "x.bild", np.eye(3), np.zeros(3), 200.0, 7.5)
    assert list(tmp_path.iterdir()) == []
