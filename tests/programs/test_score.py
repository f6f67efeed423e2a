import json
import subprocess
import sys

import numpy as np
import pytest

from halfmap.commands import main
from halfmap.engine.formats.mrc import write_map
from halfmap.engine.simulation import SimulationSettings, simulate


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    settings = SimulationSettings(
        particles=12,
        box_px=16,
        pixel_size_angstrom=12.0,
        diameter_angstrom=160.0,
        tilt_range_deg=25.0,
        tilt_step_deg=25.0,
        pick_error_angstrom=0.0,
    )
    return simulate(settings, tmp_path_factory.mktemp("project"))


def test_poses_are_scored_in_a_few_lines(project, capsys):
    assert main(["score", "poses", str(project.truth_file), str(project.picks_file), "--symmetry", "c6"]) == 0
    text = capsys.readouterr().out
    assert "particles                 12" in text
    assert "position  median        0.00 Å" in text
    assert "map offset" in text


def test_one_object_of_json_is_printed_where_asked_for(project, capsys):
    assert main(["score", "poses", str(project.truth_file), str(project.truth_file), "--sym", "C6", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["particles"] == 12
    assert found["angle_median_deg"] < 0.01
    assert found["share_below_5_deg"] == 1


def test_maps_are_scored_shell_by_shell(project, capsys):
    files = [str(project.reference_file), str(project.phantom_file)]
    assert main(["score", "maps", *files, "--mask", str(project.mask_file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["0", "inf", "1.0000"]
    assert len([line for line in lines if line.strip()[:1].isdigit()]) == 9
    assert main(["score", "maps", *files, "--radius", "80", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["grey_scale"] == pytest.approx(1, abs=0.3)


def test_maps_that_have_nothing_in_common_have_no_resolution(tmp_path, capsys):
    density = np.random.default_rng(1).standard_normal((8, 8, 8))
    write_map(tmp_path / "a.mrc", density, 2.0)
    write_map(tmp_path / "b.mrc", -density, 2.0)
    assert main(["score", "maps", str(tmp_path / "a.mrc"), str(tmp_path / "b.mrc")]) == 0
    assert "resolution at FSC 0.5        none" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["poses", "nowhere.star", "nowhere.star"], "nowhere.star: does not exist"),
        (["poses", "TRUTH", "TRUTH", "--symmetry", "Q7"], "symmetry 'Q7' is not known"),
        (["maps", "PHANTOM", "TRUTH"], "not a readable MRC file"),
    ],
)
def test_what_cannot_be_scored_is_told_in_one_message_without_a_traceback(project, words, complaint):
    known = {"TRUTH": str(project.truth_file), "PHANTOM": str(project.phantom_file)}
    command = [sys.executable, "-m", "halfmap.commands", "score", *(known.get(word, word) for word in words)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert complaint in ended.stderr
    assert ended.stderr.startswith("ERROR: ")
    assert "Traceback" not in ended.stderr
