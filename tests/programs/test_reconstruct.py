"""``halfmap reconstruct`` as a person calls it."""

import numpy as np
import pytest
import starfile

from halfmap.commands import main
from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.formats.mrc import read_map
from halfmap.engine.scoring.maps import score_maps


@pytest.fixture
def run(tiny_project, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tiny_project)

    def call(*words, truth=True, box=("--b", "24", "--crop", "16"), out="job/"):
        given = ["--p", "truth.star", "--t", "tomograms.star"] if truth else []
        code = main(["reconstruct", *given, *box, "--o", str(tmp_path / out), *words])
        return code, capsys.readouterr(), tmp_path / out

    return call


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def test_particles_at_their_true_poses_average_to_what_was_simulated(run, tiny_project):
    code, told, folder = run("--sym", "C2", "--j", "2", "--pipeline_control", "")
    assert code == 0, told.err
    assert "Written" in told.out
    assert "merged.mrc" in written(folder)
    score = score_maps(tiny_project / "Reference" / "phantom.mrc", folder / "merged.mrc", radius_angstrom=60)
    # 12 particles with noise of the signal's size
    assert score.correlation > 0.8
    assert np.mean(score.fsc[1:5]) > 0.8


def test_halves_are_written_where_the_file_has_them(run, tiny_project, tmp_path):
    halves = with_halves(tiny_project, tmp_path / "halves.star")
    code, told, folder = run(*halves, truth=False)
    assert code == 0, told.err
    parts = ("half1", "half2", "merged")
    names = [f"{kind}_{part}" for kind in ("data", "weight") for part in parts] + [f"{part}_full" for part in parts]
    assert written(folder) == sorted([*(f"{name}.mrc" for name in [*names, *parts]), "optimisation_set.star"])
    weights = [read_map(folder / f"weight_{part}.mrc").density for part in parts]
    np.testing.assert_allclose(weights[0] + weights[1], weights[2], rtol=1e-5)
    entries = starfile.read(folder / "optimisation_set.star")
    assert entries["rlnTomoReferenceMap1File"] == str(folder / "half1.mrc")
    # and the set that was written can be started from
    again = run("--i", str(folder / "optimisation_set.star"), truth=False, out="again/")
    assert again[0] == 0, again[1].err
    assert np.array_equal(read_map(again[2] / "merged.mrc").density, read_map(folder / "merged.mrc").density)


def test_without_half_sets_there_is_one_map_and_without_a_crop_no_full_one(run):
    code, told, folder = run("--j", "1", box=("--b", "16"))
    assert code == 0, told.err
    assert written(folder) == ["data_merged.mrc", "merged.mrc", "optimisation_set.star", "weight_merged.mrc"]


def test_maps_do_not_depend_on_the_number_of_threads(run):
    maps = [read_map(run("--j", n, out=f"j{n}/")[2] / "merged.mrc").density for n in ("1", "3")]
    assert np.array_equal(*maps)


def test_an_average_is_not_overwritten(run):
    assert run()[0] == 0
    code, told, _ = run()
    assert code == ExitCode.BAD_INPUT
    assert "already" in told.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--b", "15"], "--b is 15"),
        (["--crop", "26"], "--crop is 26"),
        (["--bin", "0.5"], "--bin is 0.5"),
        (["--sym", "X3"], "--sym"),
        (["--j", "0"], "--j 0"),
        (["--cutoff_fract", "1.5"], "--cutoff_fract"),
        (["--only_do_unfinished", "--overwrite"], "give one of the two"),
        (["--p", "nothing.star"], "nothing.star"),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(run, words, problem):
    code, told, folder = run(*words)
    assert code == ExitCode.BAD_INPUT
    assert problem in told.err
    assert not folder.exists()


def test_what_is_missing_is_asked_for(run):
    code, told, _ = run(truth=False)
    assert code == ExitCode.BAD_INPUT
    assert "--p" in told.err
    assert "--t" in told.err


def test_options_that_are_not_offered_are_refused_by_name(run, tmp_path):
    code, told, folder = run("--helical_twist", "-30", "--helical_rise", "4", "--pipeline_control", f"{tmp_path}/")
    assert code == ExitCode.BAD_INPUT
    assert "--helical_twist" in told.err
    assert "--helical_rise" in told.err
    assert not folder.exists()
    assert (tmp_path / "RELION_JOB_EXIT_FAILURE").exists()


def with_halves(tiny_project, path):
    tables = starfile.read(tiny_project / "truth.star", always_dict=True)
    tables["particles"]["rlnRandomSubset"] = [1, 2] * 6
    starfile.write(tables, path)
    return ["--p", str(path), "--t", "tomograms.star"]


def test_a_mask_tells_the_resolution_of_the_halves(run, tiny_project, tmp_path):
    halves, mask = with_halves(tiny_project, tmp_path / "halves.star"), str(tiny_project / "Mask" / "mask.mrc")
    code, told, folder = run(*halves, "--mask", mask, truth=False)
    assert code == 0, told.err
    general = starfile.read(folder / "PostProcess" / "postprocess.star")["general"]
    assert general["rlnUnfilteredMapHalf1"] == str(folder / "half1.mrc")
    entries = starfile.read(folder / "optimisation_set.star")
    assert entries["rlnTomoReferenceMaskFile"] == mask
    assert entries["rlnTomoReferenceFscFile"] == str(folder / "PostProcess" / "postprocess.star")


def test_a_mask_without_half_sets_is_refused(run, tiny_project):
    code, told, folder = run("--mask", str(tiny_project / "Mask" / "mask.mrc"))
    assert code == ExitCode.BAD_INPUT
    assert "rlnRandomSubset" in told.err
    assert not folder.exists()


def test_an_average_that_was_stopped_goes_on_to_the_same_maps(run, tiny_project, monkeypatch):
    from halfmap.engine.averaging import partial, summing

    whole = read_map(run(out="whole/")[2] / "merged.mrc").density
    monkeypatch.setattr(partial, "KEEP_INTERVAL_S", 0.0)
    cut = summing.SliceCutter.of_recording

    def fails_at_the_second(recording, settings):
        if recording.series.name != fails_at_the_second.first:
            raise OSError("the power is gone")
        return cut(recording, settings)

    fails_at_the_second.first = starfile.read(tiny_project / "tomograms.star")["rlnTomoName"].iloc[0]
    monkeypatch.setattr(summing.SliceCutter, "of_recording", fails_at_the_second)
    code, _, folder = run("--j", "1")
    assert code == ExitCode.FAILURE
    assert written(folder) == ["temp"]
    assert run()[0] == ExitCode.BAD_INPUT, "what is there is not replaced unasked"
    worked = []
    monkeypatch.setattr(summing.SliceCutter, "of_recording", lambda r, s: (worked.append(r.series.name), cut(r, s))[1])
    code, told, _ = run("--only_do_unfinished")
    assert code == 0, told.err
    assert worked != []
    assert fails_at_the_second.first not in worked
    assert np.array_equal(read_map(folder / "merged.mrc").density, whole)
    assert "temp" not in written(folder)


def test_an_average_is_replaced_where_asked_for_and_whitening_changes_it(run):
    code, told, folder = run("--whiten")
    assert code == 0, told.err
    white = read_map(folder / "merged.mrc").density
    words = "--overwrite --j 2 --j_out 2 --j_in 1 --theme classic --mem 2 --no_backup".split()
    code, told, _ = run(*words)
    assert code == 0, told.err
    plain = read_map(folder / "merged.mrc").density
    # white noise stays as it is, but signal is attenuated at low frequencies
    assert 0.5 < np.corrcoef(white.ravel(), plain.ravel())[0, 1] < 0.9999


def test_files_that_are_read_are_not_replaced_by_results(run, tmp_path):
    code, told, folder = run("--sym", "C2")
    assert code == 0, told.err
    written_set = (folder / "optimisation_set.star").read_bytes()
    for flag in ("--overwrite", "--only_do_unfinished"):
        code, told, _ = run("--i", str(folder / "optimisation_set.star"), flag, truth=False)
        assert code == ExitCode.BAD_INPUT
        assert "is read, and a result would take its name" in told.err
    assert (folder / "optimisation_set.star").read_bytes() == written_set
    code, told, _ = run("--only_do_unfinished", "--overwrite")
    assert code == ExitCode.BAD_INPUT
    assert "give one of the two" in told.err


def test_nothing_but_an_average_is_removed_from_the_folder(run, tmp_path):
    """With --o in a project directory, other jobs of post-processing stand beside the average."""
    others = [tmp_path / "job" / name for name in ("PostProcess/job007/postprocess.star", "temp/notes.txt")]
    for path in others:
        path.parent.mkdir(parents=True)
        path.write_text("mine")
    code, told, _ = run("--overwrite")
    assert code == 0, told.err
    assert [path.read_text() for path in others] == ["mine", "mine"]


def test_half_maps_of_another_average_are_not_left_beside_a_new_one(run, tiny_project, tmp_path):
    halves = with_halves(tiny_project, tmp_path / "halves.star")
    assert run(*halves, truth=False)[0] == 0
    code, told, folder = run("--only_do_unfinished")
    assert code == 0, told.err
    assert not (folder / "half1.mrc").exists()


@pytest.mark.parametrize("rows", [slice(None), slice(1)])
def test_particles_that_no_tilt_image_shows_are_told_or_refused(run, tiny_project, tmp_path, rows):
    tables = starfile.read(tiny_project / "truth.star")
    particles = tables["particles"]
    particles.loc[particles.index[rows], "rlnCenteredCoordinateXAngst"] = 1e6
    starfile.write(tables, tmp_path / "far.star")
    code, told, folder = run("--p", str(tmp_path / "far.star"), "--t", "tomograms.star", truth=False)
    if rows.stop is None:
        assert code == ExitCode.BAD_INPUT
        assert f"no tilt image shows any of the {len(particles)} particles" in told.err
        assert not folder.exists()
    else:
        assert code == 0, told.err
        assert "1 particles are left out" in told.out
