"""``halfmap extract`` as a person calls it: what it makes, goes on with, and refuses."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest

from halfmap.commands import main
from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.extraction.work import Extraction
from halfmap.engine.formats.mrc import read_stack
from halfmap.engine.formats.star import read_star, write_star
from halfmap.engine.formats.tomograms import read_tomograms
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.program import main as refine

OUT = Path("Extract/job002")
BOXES = ["--b", "32", "--crop", "16"]
INPUT = ["--p", "picks.star", "--t", "tomograms.star"]
Extract = Callable[..., str]


@pytest.fixture
def project(tiny_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny project, which is the working directory."""
    copy = tmp_path / "project"
    shutil.copytree(tiny_project, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def extract(project: Path, capsys: pytest.CaptureFixture[str]) -> Extract:
    """Run the command, and return what it says."""

    def run(*words: str, given: list[str] = INPUT, out: Path = OUT, code: int = 0) -> str:
        assert main(["extract", *given, "--o", f"{out}/", *BOXES, *words]) == code
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return told.out if code == 0 else told.err

    return run


@pytest.fixture
def refused(project: Path, extract: Extract) -> Extract:
    """Run a command that has to be refused, and see that it changes nothing."""

    def run(*words: str, **more) -> str:
        before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
        told = extract(*words, code=ExitCode.BAD_INPUT, **more)
        assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
        assert told.startswith("ERROR: ")
        return told

    return run


def particles(out: Path = OUT) -> pd.DataFrame:
    return read_star(out / "particles.star")["particles"]


def stacks(out: Path = OUT) -> list[np.ndarray]:
    return [read_stack(Path(name)) for name in particles(out)["rlnImageName"]]


def change(file: str, table: str, **columns) -> None:
    tables = read_star(Path(file))
    tables[table] = tables[table].assign(**columns)
    write_star(Path(file), tables)


def test_the_simulations_own_stacks_come_out_and_a_refinement_takes_them(extract, project):
    told = extract("--stack2d", "--float16", "--pipeline_control", f"{OUT}/")
    assert "12 particles of 2 tomograms as 2D stacks of 16 px" in told
    assert (OUT / "RELION_JOB_EXIT_SUCCESS").exists()
    own = read_star(Path("Extract/job001/particles.star"))["particles"]
    assert list(particles()["rlnTomoParticleName"]) == list(own["rlnTomoParticleName"])
    for found, name in zip(stacks(), own["rlnImageName"], strict=True):
        # the last bit of float16: positions were rounded to six decimals in between
        np.testing.assert_allclose(found, read_stack(Path(name)), rtol=1e-3, atol=2e-3)
    words = (
        f"--auto_refine --split_random_halves --ios {OUT}/optimisation_set.star --ref Reference/reference.mrc "
        "--ini_high 50 --ctf --particle_diameter 130 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 1 "
        "--offset_range 1 --offset_step 2 --sym C2 --low_resol_join_halves 40 --norm --scale --random_seed 1 --pool 4 "
        "--dont_combine_weights_via_disc --o Refine3D/job003/run --auto_iter_max 1"
    )
    assert refine(words.split()) == 0


def test_an_optimisation_set_is_enough_and_its_other_entries_are_kept(extract):
    entries = {"rlnTomoParticlesFile": "picks.star", "rlnTomoTomogramsFile": "tomograms.star"}
    write_star(Path("set.star"), {"": {**entries, "rlnTomoManifoldsFile": "manifolds.star"}})
    extract("--stack2d", given=["--i", "set.star"])
    (written,) = read_star(OUT / "optimisation_set.star").values()
    assert written == {
        "rlnTomoParticlesFile": f"{OUT}/particles.star",
        "rlnTomoTomogramsFile": "tomograms.star",
        "rlnTomoManifoldsFile": "manifolds.star",
    }


def test_plain_cut_outs_are_the_tilt_images_moved_by_less_than_a_pixel(extract):
    extract("--stack2d", "--no_ctf", "--no_circle_crop", "--no_ic", "--crop", "32")
    optics = read_star(OUT / "particles.star")["optics"]
    assert optics["rlnCtfDataAreCtfPremultiplied"].tolist() == ["0"]
    series = read_tomograms(Path("tomograms.star"), Path(), ["TS_01", "TS_02"])
    ky, kx = np.meshgrid(np.fft.fftfreq(32, 1 / 32), np.arange(17), indexing="ij")
    below_nyquist = (np.abs(ky) < 16) & (kx < 16)
    for row, stack in zip(particles().itertuples(), stacks(), strict=True):
        assert stack.dtype == np.float32
        one = series[row.rlnTomoName]
        images = read_stack(Path(f"tilt_series/{row.rlnTomoName}.mrcs"))
        centred = np.array([float(getattr(row, f"rlnCenteredCoordinate{a}Angst")) for a in "XYZ"])
        place = one.project_px(centred / one.pixel_size_angstrom + one.centre_px, np.array(images.shape[:0:-1], float))
        visible = np.array(row.rlnTomoVisibleFrames.strip("[]").split(",")) == "1"
        for image, tilt, at in zip(stack, images[visible], place[visible], strict=True):
            x, y = np.floor(at + 0.5).astype(int)
            square = np.pad(tilt, 16, mode="edge")[y : y + 32, x : x + 32]
            turn = np.exp(2j * np.pi * (kx * (at[0] - x) + ky * (at[1] - y)) / 32)
            expected = np.fft.rfft2(square) * turn
            np.testing.assert_allclose(np.fft.rfft2(image)[below_nyquist], expected[below_nyquist], atol=5e-3)


def test_particles_in_too_few_images_are_left_out_and_counted(extract):
    visible = particles_by(extract)
    fewest = min(visible)
    told = extract("--stack2d", "--min_frames", str(fewest + 1), out=Path("Extract/job003"))
    left = sum(count == fewest for count in visible)
    assert 0 < left < 12
    assert f"{left} particles are left out" in told
    assert len(particles(Path("Extract/job003"))) == 12 - left


def particles_by(extract: Extract) -> list[int]:
    """Move one particle to an edge where some tilts do not show it; count visible images of all."""
    table = read_star(Path("picks.star"))["particles"]
    x = table["rlnCenteredCoordinateXAngst"].astype(float).to_numpy().copy()
    size = float(read_star(Path("tomograms.star"))["global"]["rlnTomoSizeX"].iloc[0])
    pixel = 10.0
    x[3] = (size / 2 - 5) * pixel
    change("picks.star", "particles", rlnCenteredCoordinateXAngst=x)
    extract("--stack2d")
    return [flags.count("1") for flags in particles()["rlnTomoVisibleFrames"]]


def test_offsets_are_applied_where_they_point_in_the_tomogram(extract):
    table = read_star(Path("picks.star"))["particles"]
    offsets = np.random.default_rng(2).normal(0, 8, (len(table), 3))
    frame = euler_to_matrix(table[[f"rlnTomoSubtomogram{a}" for a in ("Rot", "Tilt", "Psi")]].to_numpy(float))
    centred = table[[f"rlnCenteredCoordinate{a}Angst" for a in "XYZ"]].to_numpy(float)
    moved = centred - np.einsum("pij,pj->pi", frame, offsets)
    extract("--stack2d", out=Path("Extract/plain"))
    change("picks.star", "particles", **{f"rlnOrigin{a}Angst": offsets[:, i] for i, a in enumerate("XYZ")})
    extract("--stack2d")
    extract("--stack2d", "--dont_apply_offsets", out=Path("Extract/kept"))
    found = particles()
    np.testing.assert_allclose(
        found[[f"rlnCenteredCoordinate{a}Angst" for a in "XYZ"]].to_numpy(float), moved, atol=2e-5
    )
    assert not found[[f"rlnOrigin{a}Angst" for a in "XYZ"]].to_numpy(float).any()
    kept = particles(Path("Extract/kept"))
    np.testing.assert_allclose(kept[[f"rlnOrigin{a}Angst" for a in "XYZ"]].to_numpy(float), offsets, atol=2e-5)
    for plain, unmoved in zip(stacks(Path("Extract/plain")), stacks(Path("Extract/kept")), strict=True):
        np.testing.assert_array_equal(plain, unmoved)
    # cut out anew at the coordinates that were written, images are the same
    extract("--stack2d", given=["--i", f"{OUT}/optimisation_set.star"], out=Path("Extract/again"))
    for once, again in zip(stacks(), stacks(Path("Extract/again")), strict=True):
        np.testing.assert_allclose(once, again, atol=1e-4 * np.abs(once).max())


def test_orientations_become_frames_and_the_whole_pose_stays(extract):
    change("picks.star", "particles", rlnAngleRot=30.0, rlnAngleTilt=70.0, rlnAnglePsi=-20.0, rlnOriginXAngst=5.0)
    names = [
        [f"rlnTomoSubtomogram{a}" for a in ("Rot", "Tilt", "Psi")],
        [f"rlnAngle{a}" for a in ("Rot", "Tilt", "Psi")],
    ]

    def poses(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        frame, angles = (euler_to_matrix(table[labels].to_numpy(float)) for labels in names)
        origins = [f"rlnOrigin{a}Angst" for a in "XYZ" if f"rlnOrigin{a}Angst" in table]
        offset = np.zeros((len(table), 3))
        offset[:, : len(origins)] = table[origins].to_numpy(float)
        return frame @ angles, np.einsum("pij,pj->pi", frame, offset)

    change("picks.star", "particles", rlnOriginYAngst=0.0, rlnOriginZAngst=0.0)
    before = poses(read_star(Path("picks.star"))["particles"])
    extract("--apply_orientations", "--dont_apply_offsets")
    after = particles()
    assert not after[names[1]].to_numpy(float).any()
    for found, expected in zip(poses(after), before, strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-5)
    # the volume is made in the new frame: with no tilt of the frame left out, it is another one
    extract(out=Path("Extract/frames"))
    volumes = [mrcfile.read(particles(out)["rlnImageName"].iloc[0]) for out in (OUT, Path("Extract/frames"))]
    assert np.corrcoef(volumes[0].ravel(), volumes[1].ravel())[0, 1] < 0.9


def test_a_trajectory_moves_the_cut_out_of_each_tilt(extract):
    table = read_star(Path("picks.star"))["particles"]
    names, tilts = list(table["rlnTomoParticleName"]), 5
    shift = np.array([12.0, -7.0, 20.0])
    zero = pd.DataFrame({f"rlnOrigin{a}Angst": np.zeros(tilts) for a in "XYZ"})
    moving = zero.copy()
    moving.loc[2] = shift  # only the third image, of one particle
    tables = {"general": {"rlnParticleNumber": len(names)}}
    write_star(Path("motion.star"), {**tables, **{name: moving if name == names[1] else zero for name in names}})
    extract("--stack2d", "--mot", "motion.star")
    extract("--stack2d", out=Path("Extract/still"))
    (written,) = read_star(OUT / "optimisation_set.star").values()
    assert written["rlnTomoTrajectoriesFile"] == "motion.star"
    centred = table[[f"rlnCenteredCoordinate{a}Angst" for a in "XYZ"]].to_numpy(float)
    centred[1] += shift
    change("picks.star", "particles", **{f"rlnCenteredCoordinate{a}Angst": centred[:, i] for i, a in enumerate("XYZ")})
    extract("--stack2d", "--no_ctf", out=Path("Extract/there"))
    extract(
        "--stack2d",
        "--no_ctf",
        "--mot",
        "motion.star",
        given=["--i", "Extract/job001/optimisation_set.star"],
        out=Path("Extract/moved"),
    )
    moved, still, there, plain = (
        stacks(out) for out in (OUT, *(Path(f"Extract/{n}") for n in ("still", "there", "moved")))
    )
    for number in range(len(names)):
        changed = [not np.array_equal(a, b) for a, b in zip(moved[number], still[number], strict=True)]
        assert changed == [number == 1 and tilt == 2 for tilt in range(tilts)]
    np.testing.assert_allclose(plain[1][2], there[1][2], atol=1e-3)


def test_a_trajectory_of_another_length_or_particle_is_refused(refused):
    table = pd.DataFrame({f"rlnOrigin{a}Angst": np.zeros(4) for a in "XYZ"})
    names = read_star(Path("picks.star"))["particles"]["rlnTomoParticleName"]
    write_star(Path("motion.star"), dict.fromkeys(names, table))
    assert "has 4 rows, but its tilt series has 5 images" in refused("--mot", "motion.star")
    write_star(Path("motion.star"), {"TS_01/1": table})
    assert "holds no trajectory (data_TS_01/2)" in refused("--mot", "motion.star")


def test_relion_4_files_give_the_same_images(extract):
    series = read_tomograms(Path("tomograms.star"), Path(), ["TS_01", "TS_02"])
    tables = read_star(Path("tomograms.star"))
    tables["global"] = tables["global"].drop(columns="rlnTomoTiltSeriesStarFile")
    for name, one in series.items():
        stack = f"tilt_series/{name}.mrcs"
        size = np.array(read_stack(Path(stack)).shape[:0:-1], float)
        tilts = read_star(Path(f"tilt_series/{name}.star"))[name]
        tilts = tilts.drop(columns=[label for label in tilts if label.startswith("rlnTomo")])
        matrices = np.zeros((one.tilts, 4, 4))
        matrices[:, :3, :3], matrices[:, 3, 3] = one.rotations, 1
        matrices[:, :2, 3] = one.project_px(np.zeros(3), size)
        for row, axis in enumerate("XYZW"):
            tilts[f"rlnTomoProj{axis}"] = [f"[{','.join(f'{v:.12g}' for v in m[row])}]" for m in matrices]
        tables[name] = tilts
    tables["global"] = tables["global"].assign(
        rlnTomoTiltSeriesName=[f"tilt_series/{name}.mrcs:mrc" for name in tables["global"]["rlnTomoName"]],
        rlnTomoFrameCount=5,
    )
    write_star(Path("tomograms4.star"), tables)
    picks = read_star(Path("picks.star"))
    old = picks["particles"].copy()
    for axis, number in zip("XYZ", range(3), strict=True):
        label = f"rlnCenteredCoordinate{axis}Angst"
        at = [
            float(value) / series[name].pixel_size_angstrom + series[name].centre_px[number]
            for name, value in zip(old["rlnTomoName"], old[label], strict=True)
        ]
        old = old.drop(columns=label).assign(**{f"rlnCoordinate{axis}": at})
    optics = picks["optics"].drop(columns="rlnAmplitudeContrast")
    write_star(Path("picks4.star"), {"optics": optics, "particles": old})
    extract("--stack2d")
    extract("--stack2d", given=["--p", "picks4.star", "--t", "tomograms4.star"], out=Path("Extract/old"))
    for found, expected in zip(stacks(Path("Extract/old")), stacks(), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())  # six decimals in files
    new, old = (read_star(out / "particles.star")["optics"] for out in (OUT, Path("Extract/old")))
    assert old["rlnAmplitudeContrast"].astype(float).tolist() == new["rlnAmplitudeContrast"].astype(float).tolist()
    assert "rlnCoordinateX" in particles(Path("Extract/old"))


def test_particles_without_names_are_numbered_in_their_tomogram(extract):
    tables = read_star(Path("picks.star"))
    tables["particles"] = tables["particles"].drop(columns="rlnTomoParticleName").iloc[::-1]
    write_star(Path("picks.star"), tables)
    extract("--stack2d")
    found = particles()
    assert found["rlnTomoParticleName"].tolist()[:2] == ["TS_01/1", "TS_01/2"]
    assert found["rlnTomoName"].tolist() == sorted(found["rlnTomoName"])  # together by tomogram, in the set's order


# going on


def times() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in OUT.rglob("*.mrc*")}


def test_what_is_whole_is_kept_and_the_rest_is_done_again(extract):
    extract("--stack2d")
    expected, before = stacks(), times()
    names = sorted(before)
    names[0].unlink()
    names[1].write_bytes(names[1].read_bytes()[:-10])
    names[2].write_bytes(names[2].read_bytes() + b"more")
    torn = names[3].parent / f".{names[3].name}.123.tmp"
    torn.write_bytes(b"what was being written")
    (OUT / "particles.star").unlink()
    told = extract("--stack2d", "--only_do_unfinished", "--j", "2")
    assert "of them are there already" in told
    assert {path for path, time in times().items() if before[path] != time} == set(names[:3])
    for found, one in zip(stacks(), expected, strict=True):
        np.testing.assert_array_equal(found, one)
    assert not torn.exists()


def test_an_earlier_extraction_is_neither_overwritten_nor_mixed_with_another(extract, refused):
    extract("--stack2d")
    assert "an extraction is there already" in refused("--stack2d")
    assert "binning was 1.0 and is 1.5" in refused("--stack2d", "--bin", "1.5", "--only_do_unfinished")
    change("tilt_series/TS_02.star", "TS_02", rlnDefocusU=31000.0)
    assert "TS_02.star was" in refused("--stack2d", "--only_do_unfinished")
    assert "give one of the two" in refused("--stack2d", "--only_do_unfinished", "--overwrite")
    (OUT / "extraction.json").unlink()
    assert "how they were made is not known" in refused("--stack2d", "--only_do_unfinished")
    extract("--bin", "1.5", "--float16", "--overwrite")
    assert not list(OUT.rglob("*.mrcs"))
    assert len(list(OUT.rglob("*_data.mrc"))) == 12
    weights = mrcfile.read(particles()["rlnCtfImage"].iloc[0])
    assert (weights.dtype, weights.shape) == (np.float16, (32, 16, 9))


def test_an_extraction_that_was_killed_before_its_first_image_goes_on(extract):
    def killed(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Extraction, "extract", killed)
        with pytest.raises(KeyboardInterrupt):
            extract("--stack2d")
    extract("--stack2d", "--only_do_unfinished")
    assert len(stacks()) == 12


def test_a_record_that_is_torn_is_refused(extract, refused):
    extract("--stack2d")
    for text in ("{", "[1]", '"x"'):
        (OUT / "extraction.json").write_text(text)
        assert "extraction.json: cannot be read" in refused("--stack2d", "--only_do_unfinished")


def test_it_stops_where_it_is_asked_to_and_goes_on(extract):
    OUT.mkdir()
    whole = Extraction.extract

    def asked_after_one_tomogram(self, *arguments):
        whole(self, *arguments)
        (OUT / "RELION_JOB_ABORT_NOW").touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Extraction, "extract", asked_after_one_tomogram)
        patch.setattr("halfmap.engine.job_program._CHECK_INTERVAL_S", 0.0)
        extract("--stack2d", "--pipeline_control", f"{OUT}/", code=ExitCode.ABORTED)
    assert (OUT / "RELION_JOB_EXIT_ABORTED").exists()
    assert not (OUT / "particles.star").exists()
    assert list((OUT / "Subtomograms").iterdir()) == [OUT / "Subtomograms/TS_01"]
    (OUT / "RELION_JOB_ABORT_NOW").unlink()
    before = times()
    extract("--stack2d", "--pipeline_control", f"{OUT}/", "--only_do_unfinished")
    assert before.items() <= times().items()
    assert len(stacks()) == 12
    assert (OUT / "RELION_JOB_EXIT_SUCCESS").exists()
    assert not (OUT / "RELION_JOB_EXIT_ABORTED").exists()


# what is refused

NONSENSE = {
    "an odd box": (["--b", "33"], "--b is 33"),
    "an odd crop": (["--crop", "15"], "--crop is 15"),
    "a crop larger than the box": (["--crop", "64"], "--crop is 64, larger than --b 32"),
    "a binning that enlarges": (["--bin", "0.5"], "--bin is 0.5"),
    "a binning that is no number": (["--bin", "nan"], "--bin is nan"),
    "no frames": (["--min_frames", "0"], "--min_frames is 0"),
    "no threads": (["--j", "0"], "--j is 0"),
    "more than all of the dose": (["--cutoff_fract", "1.5"], "--cutoff_fract is 1.5"),
    "a place where no particle is seen": (["--bin", "20"], "none of 12 particles is seen"),
    "particles that do not exist": (["--p", "nothing.star"], "nothing.star: does not exist"),
    "tomograms that do not exist": (["--t", "nothing.star"], "nothing.star: does not exist"),
    "a set that does not exist": (["--i", "nothing.star"], "nothing.star: does not exist"),
    "its own input": (
        ["--p", "Extract/job001/particles.star", "--o", "Extract/job001", "--overwrite"],
        "is read, so that",
    ),
    "its own set": (
        ["--i", "Extract/job001/optimisation_set.star", "--o", "Extract/job001", "--overwrite"],
        "a result would take its name",
    ),
}


@pytest.mark.parametrize("fault", NONSENSE)
def test_options_that_cannot_be_meant_are_refused(refused, fault):
    words, phrase = NONSENSE[fault]
    assert phrase in refused(*words)


def test_without_input_it_says_which_option_is_missing(refused):
    assert "give it with --p, or a set with --i" in refused(given=[])
    assert "give it with --t" in refused(given=["--p", "picks.star"])


SPOILT = {
    "images that are missing": (
        lambda: Path("tilt_series/TS_02.mrcs").unlink(),
        "TS_02.mrcs: the tilt images do not exist",
    ),
    "a stack that is cut short": (
        lambda: os.truncate("tilt_series/TS_01.mrcs", 5000),
        "TS_01.mrcs: not a readable MRC",
    ),
    "deformed images": (
        lambda: change("tomograms.star", "global", rlnTomoDeformationType="spline"),
        "_rlnTomoDeformationType says that the tilt images of TS_01 are deformed",
    ),
    "a tilt series with fewer images": (
        lambda: change("tomograms.star", "global", rlnTomoFrameCount=7),
        "rlnTomoFrameCount of TS_01 is 7, but its tilt series has 5 images",
    ),
    "another pixel size": (
        lambda: change("picks.star", "optics", rlnTomoTiltSeriesPixelSize=9.0),
        "rlnTomoTiltSeriesPixelSize of optics group 1 is 9, but that of tomogram TS_01 is 10",
    ),
    "beam tilt": (lambda: change("picks.star", "optics", rlnBeamTiltX=0.1), "does not correct for"),
    "two particles of one name": (
        lambda: change("picks.star", "particles", rlnTomoParticleName="TS_01/1"),
        "two particles have the name TS_01/1",
    ),
    "a name that leads elsewhere": (
        lambda: change("picks.star", "particles", rlnTomoParticleName=[f"../../{n}" for n in range(12)]),
        "cannot be the name of a file",
    ),
    "two particles of one file": (
        lambda: change(
            "picks.star", "particles", rlnTomoParticleName=["1", "TS_01/1", *(f"TS_0/{n}" for n in range(10))]
        ),
        "would hold both",
    ),
    "an unknown optics group": (lambda: change("picks.star", "particles", rlnOpticsGroup=4), "optics group 4"),
    "an unknown tomogram": (lambda: change("picks.star", "particles", rlnTomoName="TS_9"), "knows no tomogram 'TS_9'"),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_input_that_cannot_be_used_is_named(refused, fault):
    spoil, phrase = SPOILT[fault]
    spoil()
    assert phrase in refused("--stack2d")


def test_a_file_that_is_no_particle_file_is_refused(refused):
    write_star(Path("bare.star"), {"particles": read_star(Path("picks.star"))["particles"]})
    assert "has no table data_optics" in refused("--p", "bare.star")


def test_values_too_large_for_half_precision_are_refused(extract):
    with mrcfile.open("tilt_series/TS_01.mrcs", "r+") as mrc:
        mrc.set_data((mrc.data * 1e5).astype(np.float32))
    assert "too large for float16" in extract("--stack2d", "--float16", code=ExitCode.BAD_INPUT)
    assert not (OUT / "particles.star").exists()


def test_the_help_names_all_options_of_relion(capsys):
    with pytest.raises(SystemExit):
        main(["extract", "--help"])
    told = capsys.readouterr().out
    for word in (
        "i p t mot o b crop bin max_dose min_frames stack2d float16 cutoff_fract no_ctf no_circle_crop no_ic "
        "dont_apply_offsets apply_orientations j only_do_unfinished pipeline_control"
    ).split():
        assert f"--{word}" in told
