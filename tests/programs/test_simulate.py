from dataclasses import fields

import pytest

from halfmap.commands import main
from halfmap.commands.simulate import PatientBar, flag, parser, to_argv
from halfmap.engine.simulation import Project, SimulationSettings
from halfmap.engine.simulation.settings import given

TINY = ["--particles=4", "--box=16", "--pixel_size=12", "--diameter=160", "--tilt_range=25", "--tilt_step=25"]


def settings_of(words):
    options = parser().parse_args(["out", *words])
    return SimulationSettings(
        **{declared.name: getattr(options, declared.name) for declared in fields(SimulationSettings)}
    )


def test_every_setting_is_an_option_without_its_unit():
    flags = [flag(declared) for declared in fields(SimulationSettings)]
    assert {"--particles", "--box", "--pixel_size", "--tilt_range", "--snr", "--pick_error", "--no_tilt_prior"} <= {
        *flags
    }
    assert len(set(flags)) == len(flags)


def test_without_options_the_defaults_hold():
    assert settings_of([]) == SimulationSettings()


def test_options_say_what_the_settings_say():
    settings = SimulationSettings(
        box_px=40, snr=float("inf"), half_sets=True, symmetry="D3", reference_scale=-0.5, optics_groups=2, seed=9
    )
    assert settings_of(to_argv(given(settings))) == settings


def test_the_help_tells_defaults_and_units(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "of tilt images and particles [8.0 Å]" in text
    assert "[C6]" in text


def test_a_project_is_made_and_its_files_are_named(tmp_path, capsys):
    out = tmp_path / "new" / "project"
    assert main(["simulate", str(out), *TINY]) == 0
    project = Project(out)
    text = capsys.readouterr().out
    for file in (project.truth_file, project.optimisation_set_file, project.reference_file, project.mask_file):
        assert file.is_file()
        assert project.relative(file) in text


def test_a_directory_that_is_not_empty_is_refused_unless_it_may_be_overwritten(tmp_path, capsys):
    assert main(["simulate", str(tmp_path), *TINY]) == 0
    assert main(["simulate", str(tmp_path), *TINY]) == 3
    assert capsys.readouterr().err == f"ERROR: {tmp_path}: is not empty; give --overwrite or another directory.\n"
    assert main(["simulate", str(tmp_path), *TINY, "--overwrite"]) == 0


def test_settings_that_do_not_fit_together_are_refused_before_anything_is_made(tmp_path, capsys):
    assert main(["simulate", str(tmp_path / "out"), "--box", "7", "--hand", "3"]) == 3
    error = capsys.readouterr().err
    assert "hand is 3" in error
    assert "boxes of 7 px" in error
    assert not (tmp_path / "out").exists()


def test_a_number_that_is_none_is_a_wrong_use():
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "out", "--particles", "many"])
    assert ended.value.code == 2


def test_a_bar_stays_away_where_there_is_no_terminal(capsys):
    with PatientBar("waiting") as bar:
        bar.show(0.5)
    assert capsys.readouterr() == ("", "")
