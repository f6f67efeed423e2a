"""halfmap split and halfmap duplicates on files: what is written, what is kept, and what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from halfmap.commands import main
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set
from halfmap.engine.formats.star import read_star, write_star
from halfmap.engine.scoring.poses import read_poses


@pytest.fixture
def in_project(tiny_project, monkeypatch):
    monkeypatch.chdir(tiny_project)
    return tiny_project


def optimisation_set(project: Path) -> Path:
    return next(project.glob("*/*/optimisation_set.star")).relative_to(project)


def test_refinement_accepts_the_half_sets_of_an_optimisation_set(in_project, tmp_path, capsys):
    given, out, told = optimisation_set(in_project), tmp_path / "new" / "halves.star", tmp_path / "report.json"
    words = ["split", "--i", str(given), "--o", str(out), "--by", "particle", "--report", str(told), "--sym", "C2"]
    assert main(words) == 0
    beside = next(iter(read_star(out.with_name("halves_optimisation_set.star")).values()))
    assert beside["rlnTomoParticlesFile"] == str(out)
    tomograms = Path(beside["rlnTomoTomogramsFile"])
    particles = read_particle_set(out, read_particle_file(out), tomograms, Path())
    assert np.bincount(particles.half_set).tolist() == [0, 6, 6]
    report = json.loads(told.read_text())
    assert report["after"]["sizes"] == [6, 6]
    assert report["distance_is"] == "the edge of the box"
    assert len(report["noise_fsc"]["after"]) == len(report["noise_fsc"]["resolution_angstrom"]) > 2
    assert "half sets         6 and 6" in capsys.readouterr().out


def test_all_other_values_keep_their_text(in_project, tmp_path):
    given = Path(next(iter(read_star(optimisation_set(in_project)).values()))["rlnTomoParticlesFile"])
    tables = read_star(given)
    tables["particles"]["rlnGroupName"] = "two words"
    tables["particles"]["rlnAngleRot"] = "1.50"
    tables["notes"] = {"rlnSomething": "00.10"}
    write_star(tmp_path / "given.star", tables)
    out = tmp_path / "out.star"
    assert main(["split", "--i", str(tmp_path / "given.star"), "--o", str(out), "--by", "tomogram"]) == 0
    found = read_star(out)
    halves = found["particles"].pop("rlnRandomSubset")
    assert set(zip(found["particles"]["rlnTomoName"], halves, strict=True)) in (
        {("TS_01", "1"), ("TS_02", "2")},
        {("TS_01", "2"), ("TS_02", "1")},
    )
    assert list(found) == list(tables)
    assert found["notes"] == tables["notes"]
    for name in ("optics", "particles"):
        assert found[name].equals(tables[name])


def test_no_neighbours_of_real_lattices_are_in_different_halves(hiv_twin, tmp_path, capsys):
    out, given = tmp_path / "out.star", hiv_twin / "truth_all.star"
    words = ["split", "--i", str(given), "--o", str(out), "--by", "neighbourhood", "--distance", "80"]
    assert main(words) == 0
    assert "6248 pairs" in capsys.readouterr().out
    poses, halves = read_poses(out), read_star(out)["particles"]["rlnRandomSubset"].to_numpy()
    tomograms = np.array([name.split("/")[0] for name in poses.names])
    assert sorted((halves == half).sum() for half in "12") == [1827, 1828]
    for tomogram in np.unique(tomograms):
        inside = tomograms == tomogram
        assert abs((halves[inside] == "1").sum() - inside.sum() / 2) < 5
        first, second = (poses.position_angstrom[inside & (halves == half)] for half in "12")
        assert np.linalg.norm(first[:, None] - second, axis=2).min() > 80


def test_duplicates_are_removed_into_a_file_of_their_own(hiv_twin, tmp_path, capsys):
    out, given = tmp_path / "out.star", hiv_twin / "truth_all.star"
    assert main(["duplicates", "--i", str(given), "--o", str(out), "--distance", "60"]) == 0
    assert "20 pairs in 19 clusters, the largest of 3" in capsys.readouterr().out
    kept, removed = read_star(out)["particles"], read_star(tmp_path / "out_removed.star")["particles"]
    names = set(kept["rlnTomoParticleName"]), set(removed["rlnTomoParticleName"])
    assert (len(kept), len(removed), len(names[0] | names[1])) == (3635, 20, 3655)
    assert main(["duplicates", "--i", str(out), "--o", str(tmp_path / "again.star"), "--distance", "60"]) == 0
    assert " 0 pairs in 0 clusters" in capsys.readouterr().out
    assert not len(read_star(tmp_path / "again_removed.star")["particles"])


def test_duplicates_are_kept_in_one_half(hiv_twin, tmp_path, capsys):
    out, told = tmp_path / "out.star", tmp_path / "r.json"
    words = ["--i", str(hiv_twin / "truth_all.star"), "--o", str(out), "--distance", "60", "--report", str(told)]
    assert main(["duplicates", *words, "--keep_in_one_half"]) == 0
    before = read_star(hiv_twin / "truth_all.star")["particles"]
    after = read_star(out)["particles"]
    moved = (before.pop("rlnRandomSubset") != after.pop("rlnRandomSubset")).sum()
    assert moved == json.loads(told.read_text())["moved"] == 14
    assert after.equals(before)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("split --i P --o P --by particle", "is read by this command and would be overwritten"),
        ("split --i P --o there.star --by particle", "there.star: exists"),
        ("split --i P --o new.star --report new.star --by particle", "stands for two of the files"),
        ("split --i P --o new.star --by object", "no column tells the objects"),
        ("split --i P --o new.star --by neighbourhood --distance -3", "must be above 0 Å"),
        ("split --i P --o new.star --by particle --sym Q3", "--sym: symmetry 'Q3' is not known"),
        ("split --i nowhere.star --o new.star --by particle", "nowhere.star: does not exist"),
        ("split --i T --o new.star --by particle", "neither a particle file .* nor an optimisation set"),
        ("split --i strange.star --o new.star --by particle", "rlnRandomSubset of row 1 is 3"),
        ("duplicates --i P --o new.star --distance 0", "must be above 0 Å"),
        ("duplicates --i P --o new.star --distance 10 --keep_in_one_half", "rlnRandomSubset is not set for all"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(
    tiny_project, tmp_path, monkeypatch, capsys, words, complaint
):
    monkeypatch.chdir(tmp_path)
    given = next(tiny_project.glob("*/*/particles.star"))
    tables = read_star(given)
    write_star(Path("particles.star"), tables)
    Path("there.star").write_text("mine")
    write_star(Path("strange.star"), tables | {"particles": tables["particles"].assign(rlnRandomSubset="3")})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    known = {"P": "particles.star", "T": str(tiny_project / "tomograms.star")}
    assert main([known.get(word, word) for word in words.split()]) == 3
    assert re.search(complaint, capsys.readouterr().err)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_inflation_is_measured_and_told(in_project, tmp_path, capsys):
    told = tmp_path / "r.json"
    words = ["--i", str(optimisation_set(in_project)), "--b", "16", "--sym", "C2", "--report", str(told)]
    assert main(["split", "--inflation", *words]) == 0
    assert "resolution at FSC 0.143" in capsys.readouterr().out
    report = json.loads(told.read_text())
    assert len(report["inflation"]["present"]) == 9
    assert report["split"]["before_is"] == "as refinement would draw them"
    assert main(["split", "--inflation", *words]) == 3
    assert "r.json: exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--b 15", "--b is 15; an even box"),
        ("--b 16 --crop 18", "--crop is 18, larger than --b 16"),
        ("--b 16 --bin 0.5", "--bin is 0.5; 1 or more"),
        ("--b 16 --j 0", "at least one thread"),
        ("--b 16 --distance 0", "--distance is 0"),
    ],
)
def test_inflation_of_nonsense_is_refused(in_project, capsys, words, complaint):
    assert main(["split", "--inflation", "--i", str(optimisation_set(in_project)), *words.split()]) == 3
    assert complaint in capsys.readouterr().err
