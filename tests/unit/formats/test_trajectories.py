"""Trajectories of particles, by their names."""

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.trajectories import read_trajectories

HEAD = """
# version 50001

data_general

_rlnParticleNumber   2


# version 50001

data_TS_01/1

loop_
_rlnOriginXAngst #1
_rlnOriginYAngst #2
_rlnOriginZAngst #3
    0.000000     0.000000     0.000000
    1.500000     -2.25000 1.000000e-04

"""
SECOND = """# version 50001

data_TS_01/12

loop_
_rlnOriginZAngst #1
_rlnSomething #2
_rlnOriginXAngst #3
_rlnOriginYAngst #4
3 9 1 2
6 9 4 5
"""


@pytest.fixture
def read(tmp_path):
    def run(text, tilts):
        (tmp_path / "motion.star").write_text(text)
        return read_trajectories(tmp_path / "motion.star", tilts)

    return run


def test_shifts_are_read_by_name_and_label(read):
    found = read(HEAD + SECOND, {"TS_01/12": 2, "TS_01/1": 2})
    np.testing.assert_array_equal(found["TS_01/1"], [[0, 0, 0], [1.5, -2.25, 1e-4]])
    np.testing.assert_array_equal(found["TS_01/12"], [[1, 2, 3], [4, 5, 6]])


def test_particles_that_are_not_wanted_may_be_there(read):
    assert list(read(HEAD + SECOND, {"TS_01/1": 2})) == ["TS_01/1"]


@pytest.mark.parametrize(
    ("text", "tilts", "phrase"),
    [
        (HEAD, {"TS_01/1": 2, "TS_01/12": 2}, r"no trajectory \(data_TS_01/12\)"),
        (HEAD, {"TS_01/1": 3}, "of TS_01/1 has 2 rows, but its tilt series has 3 images"),
        (HEAD.replace("-2.25000", "here"), {"TS_01/1": 2}, "data_TS_01/1 holds something else than finite numbers"),
        (HEAD.replace("-2.25000", "nan"), {"TS_01/1": 2}, "data_TS_01/1 holds something else than finite numbers"),
        (HEAD.replace("rlnOriginY", "rlnY"), {"TS_01/1": 2}, "data_TS_01/1 has no column _rlnOriginYAngst"),
        (HEAD.replace("-2.25000", ""), {"TS_01/1": 2}, "2 values in a row"),
    ],
)
def test_what_does_not_belong_together_is_refused(read, text, tilts, phrase):
    with pytest.raises(BadInput, match=phrase):
        read(text, tilts)
