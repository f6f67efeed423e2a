"""``halfmap postprocess`` on RELION's half maps, and what it refuses."""

import shutil

import numpy as np
import pytest

from halfmap.commands import main
from halfmap.engine.formats.mrc import read_map, write_map
from halfmap.engine.formats.star import read_star
from halfmap.engine.fourier.masks import soft_sphere
from halfmap.engine.refinement.fsc import fsc_of_maps

BOX, PIXEL = 16, 5.0


@pytest.fixture
def project(tmp_path, monkeypatch):
    random = np.random.default_rng(6)
    density = soft_sphere(BOX, 3.0, 2.0) * random.standard_normal((BOX,) * 3)
    for half in (1, 2):
        noisy = density + 0.05 * random.standard_normal((BOX,) * 3)
        write_map(tmp_path / f"run_half{half}_class001_unfil.mrc", noisy, PIXEL)
    write_map(tmp_path / "mask.mrc", soft_sphere(BOX, 5.0, 2.0), PIXEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words):
    return main(["postprocess", "--i", "run_half1_class001_unfil.mrc", *words])


def test_a_job_leaves_its_files_and_its_marker(project, capsys):
    (project / "PostProcess/job020").mkdir(parents=True)
    (project / "PostProcess/job020/RELION_JOB_EXIT_FAILURE").touch()
    words = ["--o", "PostProcess/job020/postprocess", "--mask", "mask.mrc", "--adhoc_bfac", "-50"]
    assert run(*words, "--pipeline_control", "PostProcess/job020/") == 0
    names = {path.name for path in (project / "PostProcess/job020").iterdir()}
    assert names == {
        "postprocess.mrc",
        "postprocess_masked.mrc",
        "postprocess_fsc.xml",
        "postprocess.star",
        "RELION_JOB_EXIT_SUCCESS",
    }
    general = read_star(project / "PostProcess/job020/postprocess.star")["general"]
    assert float(general["rlnBfactorUsedForSharpening"]) == -50
    assert general["rlnUnfilteredMapHalf2"] == "run_half2_class001_unfil.mrc"
    assert "final resolution" in capsys.readouterr().out


def test_halves_of_relion_agree_to_nyquist(hiv_twin, tmp_path):
    """3,655 true poses at 10.8 Å: the data set's own yardstick, whose halves hardly differ."""
    folder = hiv_twin / "Reconstruct/job008"
    words = ["--i", str(folder / "half1.mrc"), "--mask", str(hiv_twin / "Mask/mask.mrc")]
    asked = ["--auto_bfac", "--autob_lowres", "25", "--o", str(tmp_path / "postprocess")]
    assert main(["postprocess", *words, *asked]) == 0
    tables = read_star(tmp_path / "postprocess.star")
    assert float(tables["general"]["rlnFinalResolution"]) == pytest.approx(10.8)
    unmasked = tables["fsc"]["rlnFourierShellCorrelationUnmaskedMaps"].astype(float)
    halves = [read_map(folder / f"half{half}.mrc").density for half in (1, 2)]
    np.testing.assert_allclose(unmasked, fsc_of_maps(*halves), atol=1e-5)
    # a B-factor of 80 Å² of the images, and what trilinear interpolation and errors take away
    assert -1000 < float(tables["general"]["rlnBfactorUsedForSharpening"]) < -80


def test_halves_of_a_refinement_are_corrected_for_their_mask(hiv_twin, tmp_path):
    """RELION's refinement of 200 particles, which calls its resolution 17.15 Å by FSC 0.5 without a mask."""
    for half in (1, 2):
        shutil.copy(hiv_twin / f"Refine3D/job006/run_half{half}_class001_unfil.mrc", tmp_path)
    write_map(tmp_path / "mask.mrc", soft_sphere(36, 10.0, 3.0), 8.1)
    words = ["--i", str(tmp_path / "run_half1_class001_unfil.mrc"), "--mask", str(tmp_path / "mask.mrc")]
    assert main(["postprocess", *words, "--o", str(tmp_path / "postprocess")]) == 0
    tables = read_star(tmp_path / "postprocess.star")
    assert float(tables["general"]["rlnRandomiseFrom"]) == pytest.approx(19.44)
    curves = tables["fsc"].astype(float)
    model = read_star(hiv_twin / "Refine3D/job006/run_model.star")["model_class_1"]
    # RELION's own curve is that of averages in Fourier space, before interpolation is divided out; the same within
    # 0.03 up to the two outermost shells
    recorded = model["rlnGoldStandardFsc"].astype(float)
    found = curves["rlnFourierShellCorrelationUnmaskedMaps"]
    np.testing.assert_allclose(found[:17], recorded[:17], atol=0.03)
    masked = curves["rlnFourierShellCorrelationMaskedMaps"]
    assert (masked[14:] > found[14:]).all()
    assert (curves["rlnFourierShellCorrelationCorrected"] <= masked + 1e-6).all()


def test_an_earlier_result_and_its_marker_stay(project, capsys):
    control = ["--o", "postprocess", "--pipeline_control", "./"]
    assert run(*control) == 0
    before = (project / "postprocess.star").read_bytes()
    assert run(*control, "--mask", "mask.mrc") == 3
    assert "is there already" in capsys.readouterr().err
    assert (project / "postprocess.star").read_bytes() == before
    assert (project / "RELION_JOB_EXIT_SUCCESS").exists()
    assert not (project / "RELION_JOB_EXIT_FAILURE").exists()
    assert run(*control, "--mask", "mask.mrc", "--overwrite") == 0
    assert (project / "postprocess.star").read_bytes() != before


def test_a_stop_is_obeyed_and_told(project):
    (project / "RELION_JOB_ABORT_NOW").touch()
    assert run("--pipeline_control", "./") == 2
    assert (project / "RELION_JOB_EXIT_ABORTED").exists()
    assert not (project / "postprocess.star").exists()


def test_the_mtf_of_a_detector_is_divided_out(project):
    (project / "mtf.star").write_text(
        "data_\nloop_\n_rlnResolutionInversePixel\n_rlnMtfValue\n0 1\n0.25 0.8\n0.5 0.5\n",
    )
    assert run("--o", "with", "--mtf", "mtf.star", "--skip_fsc_weighting") == 0
    assert run("--o", "without", "--skip_fsc_weighting") == 0
    plots = [read_star(project / f"{name}.star")["guinier"].astype(float) for name in ("with", "without")]
    gain = plots[0]["rlnLogAmplitudesMTFCorrected"] - plots[1]["rlnLogAmplitudesWeighted"]
    # shell 8 of 16 px is Nyquist: 1/0.5
    assert gain[8] == pytest.approx(np.log(2), abs=0.03)
    assert gain[4] == pytest.approx(np.log(1.25), abs=0.03)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--i2", "run_half1_class001_unfil.mrc"], "hold the same map"),
        (["--i", "mask.mrc"], "no half1 or half2 in its name"),
        (["--mask", "far.mrc"], "12 px at 500 Å, while the half maps have 16 px at 5 Å"),
        (["--mask", "run_half2_class001_unfil.mrc"], "a mask lies between 0"),
        (["--mask", "nowhere.mrc"], "does not exist"),
        (["--angpix", "0"], "no pixel size above 0"),
        (["--auto_bfac"], "give --autob_lowres a larger number"),
        (["--adhoc_bfac", "nan"], "--adhoc_bfac is nan"),
        (["--randomize_at_fsc", "1.5"], "from 0 to 1"),
        (["--mtf", "mtf.star"], "has to rise"),
        (["--mtf", "zero.star"], "of row 2 is not above 0"),
        (["--mtf_angpix", "1"], "says nothing without --mtf"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(project, words, complaint, capsys):
    write_map(project / "far.mrc", soft_sphere(12, 3.0, 2.0), 500.0)
    for name, rows in (("mtf", "0 1\n0 0.5"), ("zero", "0 1\n0.5 0")):
        table = f"data_\nloop_\n_rlnResolutionInversePixel\n_rlnMtfValue\n{rows}\n"
        (project / f"{name}.star").write_text(table)
    before = {path.name for path in project.iterdir()}
    assert run(*words, "--pipeline_control", "./") == 3
    assert complaint.lower() in capsys.readouterr().err.lower()
    assert {path.name for path in project.iterdir()} - before == {"RELION_JOB_EXIT_FAILURE"}


def test_either_half_names_the_other(project):
    assert run("--o", "a") == 0
    assert main(["postprocess", "--i", "run_half2_class001_unfil.mrc", "--o", "b"]) == 0
    texts = [(project / f"{name}.star").read_text() for name in "ab"]
    assert texts[0] == texts[1].replace("b.mrc", "a.mrc")


def test_a_mask_of_another_box_is_brought_to_that_of_the_maps_and_it_is_said(project, capsys):
    write_map(project / "mask12.mrc", soft_sphere(12, 4.0, 2.0), PIXEL)
    write_map(project / "mask16.mrc", soft_sphere(16, 4.0, 2.0), PIXEL)
    assert run("--mask", "mask12.mrc", "--o", "a") == 0
    assert "12 px at 5 Å, while the half maps have 16 px at 5 Å" in capsys.readouterr().out
    assert run("--mask", "mask16.mrc", "--o", "b") == 0
    np.testing.assert_array_equal(read_map(project / "a.mrc").density, read_map(project / "b.mrc").density)


def test_options_that_are_not_offered_are_refused(project, capsys):
    with pytest.raises(SystemExit) as ended:
        run("--locres")
    assert ended.value.code == 2
    assert "--locres" in capsys.readouterr().err


def test_half_maps_are_not_replaced_by_results(project, capsys):
    before = (project / "run_half1_class001_unfil.mrc").read_bytes()
    assert run("--o", "run_half1_class001_unfil", "--overwrite") != 0
    assert "is read, and a result would take its name" in capsys.readouterr().err
    assert (project / "run_half1_class001_unfil.mrc").read_bytes() == before


def test_a_b_factor_beyond_what_numbers_hold_is_refused(project, capsys):
    assert run("--adhoc_bfac", "-1000000") != 0
    assert "B-factor of -1e+06" in capsys.readouterr().err
    assert not (project / "postprocess.mrc").exists()
