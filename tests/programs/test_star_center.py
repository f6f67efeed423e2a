"""``halfmap star center`` beside what RELION wrote."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.commands import main
from halfmap.engine.formats.star import read_star

SINGLE_PARTICLES = """# made by hand
data_optics
loop_
_rlnOpticsGroup
_rlnImagePixelSize
1 1.5
2 3.0

data_particles
loop_
_rlnImageName
_rlnAngleRot
_rlnAngleTilt
_rlnAnglePsi
_rlnOriginXAngst
_rlnOriginYAngst
_rlnOpticsGroup
1@a.mrcs 10 20 30 1.25 -2.5 2
2@a.mrcs 40 50 60 0 0 1
"""


@pytest.fixture
def center(tmp_path, capsys):
    def run(text, *words):
        (tmp_path / "in.star").write_text(text)
        code = main(["star", "center", "--i", str(tmp_path / "in.star"), "--o", str(tmp_path / "out.star"), *words])
        return code, capsys.readouterr()

    return run


def test_the_file_is_that_of_relion_to_the_last_byte(hiv_twin, tmp_path, capsys):
    words = ["--i", str(hiv_twin / "PseudoSubtomo/job001/particles.star"), "--center", "--center_Z", "2.75"]
    assert main(["star", *words, "--o", str(tmp_path / "out.star")]) == 0
    assert (tmp_path / "out.star").read_bytes() == (hiv_twin / "Star/particles_center_z2.75.star").read_bytes()
    assert capsys.readouterr().out.splitlines()[-1] == " Done!"


def test_images_are_moved_by_their_own_pixel_size_and_all_else_stays(center, tmp_path):
    code, told = center(SINGLE_PARTICLES, "--center_X", "1", "--center_Y", "-2", "--center_Z", "4")
    assert code == 0
    assert "WARNING" not in told.out
    for row, (angles, pixel) in enumerate([((10, 20, 30), 3.0), ((40, 50, 60), 1.5)]):
        matrix = Rotation.from_euler("ZYZ", angles, degrees=True).as_matrix().T
        expected = np.array([[1.25, -2.5], [0, 0]])[row] - pixel * (matrix @ [1, -2, 4])[:2]
        table = read_star(tmp_path / "out.star")["particles"]
        found = [float(table[label][row]) for label in ("rlnOriginXAngst", "rlnOriginYAngst")]
        # six decimals, five below zero
        np.testing.assert_allclose(found, expected, atol=6e-6)
    before, after = SINGLE_PARTICLES.split("\n"), (tmp_path / "out.star").read_text().split("\n")
    assert [b for b, a in zip(before, after, strict=True) if b != a] == before[-3:-1]


def test_a_given_pixel_size_takes_the_place_of_that_of_the_groups(center, tmp_path):
    text = SINGLE_PARTICLES.replace("10 20 30", "0 0 0").replace("_rlnOpticsGroup\n1@", "_rlnOther\n1@")
    assert center(text, "--center_X", "1")[0] == 3
    assert center(text, "--center_X", "1", "--ignore_optics", "--angpix", "2")[0] == 0
    assert read_star(tmp_path / "out.star")["particles"]["rlnOriginXAngst"][0] == "-0.75000"


def test_particles_of_tomograms_without_an_offset_along_z_are_told_of(center):
    code, told = center(SINGLE_PARTICLES.replace("_rlnImageName", "_rlnTomoName"), "--center_Z", "1")
    assert code == 0
    assert "no _rlnOriginZAngst" in told.out


@pytest.mark.parametrize(
    ("change", "words", "complaint"),
    [
        (("_rlnOriginYAngst", "_rlnOriginY"), (), "has no column _rlnOriginYAngst"),
        (("_rlnAnglePsi", "_rlnPsi"), (), "has no column _rlnAnglePsi"),
        (("-2.5", "nan"), (), "of row 1 is 'nan'"),
        (("50", "fifty"), (), "_rlnAngleTilt of row 2"),
        (("0 0 1", "0 0 3"), (), "optics group 3"),
        (("2 3.0", "2 0"), (), "not above 0"),
        (("data_optics", "data_mirrors"), (), "give it with --angpix"),
        ((" ", " "), ("--center_X", "nan"), "the new centre is"),
        ((" ", " "), ("--angpix", "-1"), "above 0 Å"),
        ((" ", " "), ("--ignore_optics",), "give it with --angpix"),
        (("data_particles", "data_micrographs"), (), "has no table data_particles"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(center, tmp_path, change, words, complaint):
    code, told = center(SINGLE_PARTICLES.replace(*change), *words)
    assert code == 3
    assert complaint in told.err
    assert not (tmp_path / "out.star").exists()


def test_neither_the_input_nor_another_file_is_replaced_unasked(center, tmp_path):
    same = str(tmp_path / "in.star")
    assert "is the input" in center(SINGLE_PARTICLES, "--center_X", "1", "--o", same)[1].err
    assert (tmp_path / "in.star").read_text() == SINGLE_PARTICLES
    assert center(SINGLE_PARTICLES, "--center_X", "1", "--o", same, "--overwrite")[0] == 0
    assert (tmp_path / "in.star").read_text() != SINGLE_PARTICLES
    (tmp_path / "out.star").write_text("mine")
    assert "is there already" in center(SINGLE_PARTICLES)[1].err


def test_verbs_are_listed_and_unknown_ones_refused(capsys):
    assert main(["star"]) == 0
    assert "center" in capsys.readouterr().out
    assert main(["star", "twist", "--i", "x.star"]) == 2
    assert "no verb" in capsys.readouterr().err
