"""``halfmap reconstruct --from_images`` as a person calls it."""

import numpy as np
import pytest
import starfile

from halfmap.commands import main
from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.formats.mrc import read_map


@pytest.fixture
def run(tiny_project, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tiny_project)

    def call(*words, out="map.mrc"):
        given = ["--ios", "Extract/job001/optimisation_set.star", "--ctf", "--o", str(tmp_path / out)]
        return main(["reconstruct", "--from_images", *given, *words]), capsys.readouterr(), tmp_path / out

    return call


def test_stacks_are_averaged_into_one_map(run):
    code, told, path = run("--sym", "C2", "--j", "2")
    assert code == 0, told.err
    assert f"Written: {path}" in told.out
    found = read_map(path)
    assert (found.box_px, found.pixel_size_angstrom) == (16, 10.0)
    assert found.density.std() > 0
    assert run("--sym", "C2")[0] == ExitCode.BAD_INPUT, "a map is not overwritten unasked"
    assert run("--sym", "C2", "--overwrite", "--pad", "1")[0] == 0


def test_the_map_is_brought_to_another_box_and_pixel_size(run):
    assert run("--newbox", "12", "--angpix", "5")[0] == 0
    code, told, path = run("--newbox", "12", "--angpix", "5", out="again.mrc")
    assert code == 0, told.err
    found = read_map(path)
    assert (found.box_px, found.pixel_size_angstrom) == (12, 5.0)


def test_a_filter_is_read_from_the_file_of_a_post_processing(run, tmp_path):
    curve = {"rlnSpectralIndex": np.arange(9), "rlnFourierShellCorrelationCorrected": np.full(9, 0.1)}
    import pandas as pd

    starfile.write({"fsc": pd.DataFrame(curve)}, tmp_path / "fsc.star")
    plain, filtered = (
        read_map(run(*words, out=name)[2]).density
        for name, words in (("plain.mrc", ()), ("filtered.mrc", ("--fsc", str(tmp_path / "fsc.star"))))
    )
    assert np.linalg.norm(filtered) < 0.7 * np.linalg.norm(plain)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--newbox", "13"), "--newbox 13"),
        (("--j", "0"), "--j 0"),
        (("--sym", "Q"), "--sym"),
        (("--subset", "1"), "--subset 1"),
        (("--fsc", "tomograms.star"), "no FSC curve"),
        (("--normalised_subtomo",), "--normalised_subtomo"),
        (("--i", "nothing.star"), "nothing.star"),
    ],
)
def test_what_cannot_be_done_is_refused(run, words, problem):
    code, told, path = run(*words)
    assert code == ExitCode.BAD_INPUT
    assert problem in told.err
    assert not path.exists()


def test_stacks_that_are_not_those_of_the_file_are_refused_before_anything_is_added(run, tiny_project, tmp_path):
    text = (tiny_project / "Extract" / "job001" / "particles.star").read_text()
    (tmp_path / "particles.star").write_text(text.replace("[1,1,1,1,1]", "[1,1,0,1,1]", 1))
    code, told, path = run("--i", str(tmp_path / "particles.star"))
    assert code == ExitCode.BAD_INPUT
    assert "holds 5 images, but 4 tilt images" in told.err
    assert "Adding" not in told.out
    assert not path.exists()


def test_the_particle_file_is_not_replaced_by_the_map(tiny_project, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tiny_project)
    copy = tmp_path / "particles.star"
    copy.write_bytes((tiny_project / "truth.star").read_bytes())
    words = ["--i", str(copy), "--o", str(copy), "--ctf", "--overwrite"]
    assert main(["reconstruct", "--from_images", *words]) == ExitCode.BAD_INPUT
    assert "the map would take its name" in capsys.readouterr().err
    assert copy.read_bytes() == (tiny_project / "truth.star").read_bytes()


def test_a_job_with_options_that_cannot_be_read_says_that_it_failed(tmp_path, capsys):
    """RELION takes a job without a marker to be running."""
    words = ["reconstruct", "--b", "sixteen", "--pipeline_control", f"{tmp_path}/"]
    assert main(words) == ExitCode.BAD_INPUT
    assert [path.name for path in tmp_path.iterdir()] == ["RELION_JOB_EXIT_FAILURE"]
    with pytest.raises(SystemExit):
        main(words[:3])
