"""A ladder's files, and what it reads of RELION's recorded results."""

import re
from pathlib import Path

import pytest

from halfmap.contract.ladder_file import read_ladder
from halfmap.contract.ladder_steps import all_steps
from halfmap.daemon.ladders import folder
from halfmap.daemon.ladders.notes import Notes, StepNote

TEXT = 'optimisation_set = "local_optimisation_set.star"\nmask_diameter = 230\nbox_angstrom = 300\nbinnings = [2, 1]\n'


def recorded(file: Path, label: str) -> float:
    found = re.search(rf"_{label} +(\S+)", file.read_text())
    assert found
    return float(found[1])


def test_the_next_rung_follows_from_relions_own_results(hiv_twin):
    job = hiv_twin / "Refine3D/job006"
    notes = Notes(uuid="u", steps={"bin2.refine": StepNote(job="Refine3D/job006/")})
    ladder = read_ladder(TEXT)
    known = folder.known_of(hiv_twin, ladder, notes)
    assert known.pixel_size_angstrom == 5.4
    reached = known.reached[2]
    assert reached.resolution_angstrom == pytest.approx(recorded(job / "run_model.star", "rlnCurrentResolution"))
    accuracy = recorded(job / "run_optimiser.star", "rlnOverallAccuracyTranslationsAngst")
    assert reached.accuracy_translation_angstrom == pytest.approx(accuracy)
    order = recorded(job / "run_sampling.star", "rlnHealpixOrder")
    assert reached.angular_step_deg == pytest.approx(60 / 2 ** (order + 1))
    refine = next(step for step in all_steps(ladder, known)[1] if step.name == "refine")
    # 17.15 Å are coarser than 10.8 Å allow, but not by half; order 6 is RELION's "0.5 degrees"
    assert {key: refine.options[key].value for key in ("ini_high", "sampling", "offset_range", "offset_step")} == {
        "ini_high": "17.15", "sampling": "0.5 degrees", "offset_range": "3", "offset_step": "0.38",
    }  # fmt: skip


@pytest.mark.parametrize(("sizes", "found"), [(("2.5", "2.5"), 2.5), (("2.5", "2.6"), None), ((), None)])
def test_the_pixel_size_is_that_of_all_tilt_series(tmp_path, sizes, found):
    rows = "".join(f"TS_{place} {size}\n" for place, size in enumerate(sizes))
    head = "\ndata_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesPixelSize #2\n"
    (tmp_path / "t.star").write_text(f"{head}{rows} \n")
    text = 'particles = "p.star"\ntomograms = "t.star"\nmask_diameter = 230\nbox_px = 96\n'
    assert folder.pixel_size(tmp_path, read_ladder(text)) == found
    assert folder.pixel_size(tmp_path, read_ladder(f"{text}pixel_size = 3\n")) == 3


def test_a_ladder_is_there_as_soon_as_its_notes_are_and_keeps_them_when_it_is_begun_again(tmp_path):
    (tmp_path / "Ladder/half").mkdir(parents=True)
    (tmp_path / "Ladder/half/ladder.toml").write_text(TEXT)
    assert folder.names(tmp_path) == []
    first = folder.begin(tmp_path, "half", TEXT)
    assert folder.names(tmp_path) == ["half"]
    again = folder.begin(tmp_path, "half", TEXT + "# more\n")
    assert (again.notes, again.text) == (first.notes, TEXT + "# more\n")


def test_files_that_cannot_be_read_are_named_with_what_to_do(tmp_path):
    with pytest.raises(folder.NoLadder, match="has no whole ladder gone"):
        folder.read(tmp_path, "gone")
    folder.begin(tmp_path, "x", TEXT)
    (tmp_path / "Ladder/x/state.json").write_text("{}")
    with pytest.raises(folder.NoLadder, match=r"state\.json is not what halfmap wrote"):
        folder.read(tmp_path, "x")
    folder.write_notes(tmp_path, "x", Notes(uuid="u"))
    (tmp_path / "Ladder/x/ladder.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(folder.NoLadder, match=r"ladder\.toml is not UTF-8"):
        folder.read(tmp_path, "x")
