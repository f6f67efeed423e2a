"""``halfmap center``: an offset that was put in is found, told and applied."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.commands import main
from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.formats.mrc import read_map, write_map
from halfmap.engine.formats.star import read_star, write_star
from halfmap.engine.fourier.transform import resample_map, window_map
from tests.unit.centring.conftest import blobs, masked, moved

BOX, PIXEL = 32, 4.0
OFFSET_PX = 3.3
PARTICLES = 6


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A body that lies off the centre along z, a mask for it in the centre, and particles of it."""
    monkeypatch.chdir(tmp_path)
    body = blobs(BOX, [(0, 0, -1), (0, 0, 3), (4, 0, 0), (-4, 0, 0)], [2.0, 1.5, 1.5, 1.5])
    random = np.random.default_rng(1)
    (tmp_path / "Refine3D").mkdir()
    shifted = moved(body, (0, 0, OFFSET_PX))
    write_map(tmp_path / "Refine3D/run_class001.mrc", shifted, PIXEL)
    for half in (1, 2):
        noise = 0.02 * random.standard_normal(body.shape)
        write_map(tmp_path / f"Refine3D/run_half{half}_class001_unfil.mrc", shifted + noise, PIXEL)
    # the mask has another box and other pixels
    mask = masked(body, 0.2, 2.0, 3.0)
    write_map(tmp_path / "mask.mrc", np.clip(window_map(resample_map(mask, 40), 48), 0, 1), BOX * PIXEL / 40)
    write_map(tmp_path / "body.mrc", body, PIXEL)
    angles = random.uniform((-180, 0, -180), (180, 180, 180), (PARTICLES, 3))
    origins = random.normal(0, 5, (PARTICLES, 3))
    rows = [
        f"TS_01 {' '.join(f'{v:.6f}' for v in (*angle, *origin))} {1 + k % 2}"
        for k, (angle, origin) in enumerate(zip(angles, origins, strict=True))
    ]
    labels = [f"_rlnAngle{axis}" for axis in ("Rot", "Tilt", "Psi")] + [f"_rlnOrigin{axis}Angst" for axis in "XYZ"]
    (tmp_path / "particles.star").write_text(
        "data_optics\nloop_\n_rlnOpticsGroup\n_rlnImagePixelSize\n1 2.0\n2 4.0\n\ndata_particles\nloop_\n"
        + "\n".join(["_rlnTomoName", *labels, "_rlnOpticsGroup", *rows, ""])
    )
    (tmp_path / "optimisation_set.star").write_text(
        "# mine\ndata_\n\n_rlnTomoParticlesFile   particles.star\n_rlnTomoTomogramsFile tomograms.star\n"
    )
    return tmp_path


def run(*words):
    return main(["center", "--map", "Refine3D/run_class001.mrc", *words])


def read_poses(path):
    table = read_star(path)["particles"]
    angles = table[[f"rlnAngle{axis}" for axis in ("Rot", "Tilt", "Psi")]].to_numpy(float)
    origins = table[[f"rlnOrigin{axis}Angst" for axis in "XYZ"]].to_numpy(float)
    return Rotation.from_euler("ZYZ", angles, degrees=True).as_matrix().transpose(0, 2, 1), origins


def test_particles_have_the_structure_in_their_centre_afterwards(project, capsys):
    folder = project / "External/job005"
    folder.mkdir(parents=True)
    words = ["--mask", "mask.mrc", "--sym", "C2", "--i", "optimisation_set.star", "--o", "External/job005/"]
    assert run(*words, "--pipeline_control", "External/job005/") == 0
    result = json.loads((folder / "center.json").read_text())
    assert result["offset_px"][:2] == [0, 0]
    assert result["offset_px"][2] == pytest.approx(OFFSET_PX, abs=0.1)
    assert result["offset_angstrom"][2] == pytest.approx(PIXEL * result["offset_px"][2])
    assert 0 < result["uncertainty_angstrom"][2] < PIXEL
    assert result["pixel_size_angstrom"] == PIXEL
    # projections of a point of the reference at c, in each particle's image: matrix times c, minus its offset. Moved by
    # the new offset it is in the centre; by the old one it was not
    c = np.array(result["offset_angstrom"])
    matrices, before = read_poses(project / "particles.star")
    after = read_poses(folder / "particles.star")[1]
    spots = matrices @ c - before
    np.testing.assert_allclose(spots + after, 0, atol=2e-5)
    assert np.linalg.norm(spots + before, axis=1).min() > 10
    assert (folder / "optimisation_set.star").read_text() == (project / "optimisation_set.star").read_text().replace(
        " particles.star", " External/job005/particles.star"
    )
    nodes = read_star(folder / "RELION_OUTPUT_NODES.star")["output_nodes"]
    assert nodes["rlnPipeLineNodeName"].tolist() == [
        "External/job005/particles.star",
        "External/job005/optimisation_set.star",
    ]
    assert (folder / "RELION_JOB_EXIT_SUCCESS").exists()
    told = capsys.readouterr().out
    assert "half maps: Refine3D/run_half1_class001_unfil.mrc" in told
    assert "◄" in told


def test_an_average_about_the_new_poses_is_the_map_about_the_found_point(project):
    """Points seen at each pose, brought back by the new offsets, are the reference's about its new centre."""
    assert run("--mask", "mask.mrc", "--sym", "C2", "--i", "particles.star", "--o", "out") == 0
    c = np.array(json.loads((project / "out/center.json").read_text())["offset_angstrom"])
    reference = np.random.default_rng(2).normal(0, 20, (5, 3))
    matrices, before = read_poses(project / "particles.star")
    _, after = read_poses(project / "out/particles.star")
    for matrix, old, new in zip(matrices, before, after, strict=True):
        in_particle = reference @ matrix.T - old
        # back: add the offset, then turn by the inverse
        np.testing.assert_allclose((in_particle + old) @ matrix, reference, atol=1e-9)
        np.testing.assert_allclose((in_particle + new) @ matrix, reference - c, atol=2e-5)
    assert not (project / "out/optimisation_set.star").exists()


def test_without_a_symmetry_all_axes_are_free(project):
    write_map(
        project / "Refine3D/run_class001.mrc", moved(read_map(project / "body.mrc").density, (2.2, -1.6, 3.3)), PIXEL
    )
    assert run("--mask", "mask.mrc", "--o", "out") == 0
    found = json.loads((project / "out/center.json").read_text())["offset_px"]
    np.testing.assert_allclose(found, [2.2, -1.6, 3.3], atol=0.15)


def test_another_map_tells_it_without_a_mask(project):
    assert run("--reference", "body.mrc", "--o", "out") == 0
    found = json.loads((project / "out/center.json").read_text())
    np.testing.assert_allclose(found["offset_px"], [0, 0, OFFSET_PX], atol=0.05)
    assert found["score"] == pytest.approx(1, abs=0.01)
    assert found["noise_angstrom"][2] < 0.2


def test_a_map_without_half_maps_is_told_to_lack_them(project, capsys):
    (project / "Refine3D/run_half2_class001_unfil.mrc").unlink()
    assert run("--mask", "mask.mrc", "--sym", "C2") == 0
    assert "no half maps were found" in capsys.readouterr().out


def test_an_earlier_result_stays(project, capsys):
    words = ["--mask", "mask.mrc", "--sym", "C2", "--o", "out", "--pipeline_control", "./"]
    assert run(*words) == 0
    before = (project / "out/center.json").read_bytes()
    assert run(*words, "--i", "particles.star") == 3
    assert "is there already" in capsys.readouterr().err
    assert (project / "out/center.json").read_bytes() == before
    assert not (project / "RELION_JOB_EXIT_FAILURE").exists()
    assert run(*words, "--i", "particles.star", "--overwrite") == 0
    assert (project / "out/particles.star").exists()


def test_a_stop_is_obeyed_and_told(project):
    (project / "RELION_JOB_ABORT_NOW").touch()
    assert run("--mask", "mask.mrc", "--o", "out", "--pipeline_control", "./") == 2
    assert (project / "RELION_JOB_EXIT_ABORTED").exists()
    assert not (project / "out").exists()


def test_maps_about_the_old_centre_are_named(project, capsys):
    with (project / "optimisation_set.star").open("a") as file:
        file.write("_rlnTomoReferenceMaskFile old_mask.mrc\n")
    assert run("--mask", "mask.mrc", "--sym", "C2", "--i", "optimisation_set.star", "--o", "out") == 0
    assert "old_mask.mrc in the optimisation set are about the old centre" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--sym", "C2"], "neither --mask nor --reference"),
        (["--mask", "mask.mrc", "--sym", "D2"], "nothing to look for"),
        (["--mask", "mask.mrc", "--sym", "Q7"], "is not known"),
        (["--mask", "body.mrc", "--sym", "C2", "--max_shift", "-1"], "--max_shift is -1"),
        (["--mask", "body.mrc", "--sym", "C2", "--max_shift", "0"], "--max_shift is 0"),
        (["--mask", "nowhere.mrc"], "does not exist"),
        (["--mask", "wild.mrc"], "a mask lies between 0"),
        (["--mask", "bare.mrc"], "gives no pixel size"),
        (["--reference", "flat.mrc"], "the same value everywhere"),
        (["--mask", "mask.mrc", "--sym", "C2", "--max_shift", "4"], "fits best where reach ends"),
        (["--mask", "mask.mrc", "--sym", "C2", "--i", "bad.star", "--o", "out"], "has no column _rlnAnglePsi"),
        (["--mask", "mask.mrc", "--sym", "C2", "--i", "empty.star", "--o", "out"], "_rlnTomoParticlesFile is empty"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(project, words, complaint, capsys):
    body = read_map(project / "body.mrc").density
    write_map(project / "wild.mrc", 3 * body, PIXEL)
    write_map(project / "bare.mrc", np.clip(body, 0, 1), 0.0)
    write_map(project / "flat.mrc", np.ones_like(body), PIXEL)
    (project / "bad.star").write_text((project / "particles.star").read_text().replace("rlnAnglePsi", "rlnPsi"))
    (project / "empty.star").write_text('data_\n_rlnTomoParticlesFile ""\n')
    before = {path.name for path in project.iterdir()}
    assert run(*words) == 3
    assert complaint in capsys.readouterr().err
    assert {path.name for path in project.iterdir()} == before


def test_particles_without_a_place_to_go_are_refused(project, capsys):
    assert run("--mask", "mask.mrc", "--i", "particles.star") == 3
    assert "--i is given without --o" in capsys.readouterr().err


def test_a_new_average_has_in_its_centre_what_was_at_the_point(tiny_project, tmp_path, monkeypatch):
    """The sign, by all programs together: average, centre, average again, and look where the structure went."""
    monkeypatch.chdir(tiny_project)
    point_px = (1.0, -0.5, 1.5)
    words = [word for axis, value in zip("XYZ", point_px, strict=True) for word in (f"--center_{axis}", str(value))]
    centred = tmp_path / "centred.star"
    tables = dict(read_star(tiny_project / "truth.star"))
    tables["particles"] = tables["particles"].assign(**{f"rlnOrigin{axis}Angst": "0" for axis in "XYZ"})
    write_star(tmp_path / "truth.star", tables)
    assert (
        main(["star", "center", "--i", str(tmp_path / "truth.star"), "--o", str(centred), "--angpix", "10", *words])
        == 0
    )
    for name, particles in (("before", "truth.star"), ("after", str(centred))):
        box = ["--t", "tomograms.star", "--b", "24", "--crop", "16", "--o", str(tmp_path / name)]
        assert main(["reconstruct", "--p", particles, *box]) == 0
    maps = ["--map", str(tmp_path / "after/merged.mrc"), "--reference", str(tmp_path / "before/merged.mrc")]
    assert main(["center", *maps, "--o", str(tmp_path / "found")]) == 0
    found = json.loads((tmp_path / "found/center.json").read_text())
    # a structure that was at the point p is in the centre now, and so one in the centre is at −p; 12 noisy particles
    np.testing.assert_allclose(found["offset_px"], -np.array(point_px), atol=0.15)


def test_a_folder_that_cannot_be_made_is_named(project, capsys):
    words = ["--map", "Refine3D/run_class001.mrc", "--mask", "mask.mrc", "--sym", "C4", "--o", "mask.mrc/center"]
    assert main(["center", *words]) == ExitCode.BAD_INPUT
    assert "mask.mrc/center: cannot be made (Not a directory)" in capsys.readouterr().err
