"""Model, sampling and optimiser files in RELION's layout, and checkpoints made of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from halfmap.contract.command_line import from_argv, to_argv
from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.checkpoint import read_checkpoint
from halfmap.engine.formats.model_star import ModelContext, read_model, write_model
from halfmap.engine.formats.mrc import read_map, write_map
from halfmap.engine.formats.optimiser_star import control_from, optimiser_rows, read_optimiser, write_optimiser
from halfmap.engine.formats.sampling_star import read_sampling, write_sampling
from halfmap.engine.formats.star import read_star, write_star
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.refinement.regularization import Spectra
from halfmap.engine.refinement.state import Changes, Control, Grids, HalfState, Sampling
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.symmetry import PointGroup

ROOT = "Refine3D/job006/run"
GRID = ModelGrid(36, 8.1)
SAMPLING = Sampling(3, 15.795, 8.1, perturbation=-0.24525, sigma_tilt_deg=10.0, first=Grids(2, 12.15, 16.2))
CONTROL = Control(
    3,
    17 / 291.6,
    SAMPLING,
    iterations_without_resolution_gain=1,
    iterations_without_changes=2,
    changes=Changes(3.223883, 2.936512, 0.25),
    smallest_changes=Changes(3.0, 2.5, 1.0),
    accuracy_rotation_deg=0.921,
    accuracy_translation_angstrom=1.3122,
    size_increment_shells=12,
    has_high_fsc_at_limit=True,
    average_pmax=0.971198,
    current_size_px=36,
)


def some_half(random, optics_groups=2, directions=128):
    shells = np.arange(19.0)
    fsc = np.linspace(1, -0.02, 19)
    return HalfState(
        np.zeros((36, 36, 36), np.float32),
        random.uniform(1e-3, 1, (optics_groups, 19)),
        4.851411,
        np.array([0.949141, 1.062969]),
        random.dirichlet(np.ones(directions)),
        Spectra(fsc, 1e-5 * (shells + 1), 1e-3 / (shells + 1), 999 / (shells + 1), np.linspace(1, 0, 19)),
        average_pmax=0.971198,
        log_likelihood=1040546.0,
    )


CONTEXT = ModelContext(GRID, 2, 1.0, ("TS_01", "TS_03"), np.array([52, 42]))


def layout(text):
    """Everything but values: comments, blank lines, names of tables, labels with their numbers."""
    kept = []
    for line in text.splitlines():
        if line.startswith("_") and "#" not in line:
            kept.append(line.split()[0])
        elif not line.strip() or line.startswith(("#", "_", "loop_", "data_")):
            kept.append(line)
    return kept


# --- model.star


@pytest.mark.parametrize("half", [1, 2])
def test_a_model_file_has_relions_tables_and_labels_line_by_line(hiv_twin, tmp_path, random, half):
    recorded = (hiv_twin / f"Refine3D/job006/run_it003_half{half}_model.star").read_text()
    # the orientability column is written by RELION for half 1 alone, and by nobody read
    recorded = recorded.replace("_rlnSpectralOrientabilityContribution #9 \n", "")
    path = tmp_path / "model.star"
    write_model(path, Path(f"{ROOT}_it003_half1_class001.mrc"), some_half(random, 1), CONTROL, CONTEXT)
    assert layout(path.read_text()) == layout(recorded)


def test_the_list_of_a_model_file_is_reproduced_byte_by_byte(hiv_twin, tmp_path, random):
    recorded = (hiv_twin / "Refine3D/job006/run_it003_half1_model.star").read_text()
    path = tmp_path / "model.star"
    write_model(path, Path(f"{ROOT}_it003_half1_class001.mrc"), some_half(random, 1), CONTROL, CONTEXT)
    end = recorded.index("# version 50001\n\ndata_model_classes")
    # RELION's pixel size comes from a header in single precision, 8.1000004 Å
    assert path.read_text()[:end] == recorded[:end].replace("17.152942", "17.152941")


def test_a_model_comes_back_from_its_file(tmp_path, random):
    half, path = some_half(random), tmp_path / "model.star"
    half.sigma2[0, [0, 7]] = 0
    write_model(path, Path("a/b.mrc"), half, CONTROL, CONTEXT)
    found = read_model(path)
    assert found.map_file == "a/b.mrc"
    assert found.scale_groups == ["TS_01", "TS_03"]
    for name in ("fsc", "sigma2", "tau2", "ssnr", "coverage"):
        expected = getattr(half.spectra, name)
        np.testing.assert_allclose(getattr(found.spectra, name), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.scale, half.scale, atol=1e-6)
    np.testing.assert_allclose(found.pdf_direction, half.pdf_direction, atol=1e-6)
    np.testing.assert_allclose(found.sigma2[1], half.sigma2[1], atol=1e-6)
    # only shells above 0 are listed; the others take the next one's value
    assert found.sigma2[0, 0] == pytest.approx(half.sigma2[0, 1], abs=1e-6)
    assert found.sigma2[0, 7] == pytest.approx(half.sigma2[0, 8], abs=1e-6)
    assert float(found.general["rlnCurrentResolution"]) == pytest.approx(291.6 / 17, abs=1e-6)
    assert found.general["rlnCurrentImageSize"] == "36"


def test_relion_is_told_the_mean_variance_of_noise_that_went_through_the_ctf(tmp_path, random):
    half, path = some_half(random), tmp_path / "model.star"
    multiplicity = random.uniform(0.1, 1, half.sigma2.shape)
    write_model(path, Path("a.mrc"), replace(half, noise_multiplicity=multiplicity), CONTROL, CONTEXT)
    table = read_star(path)["model_optics_group_2"]
    np.testing.assert_allclose(table["rlnSigma2Noise"].astype(float), half.sigma2[1] * multiplicity[1], rtol=1e-4)
    np.testing.assert_allclose(read_model(path).sigma2, half.sigma2, rtol=1e-4)


def test_the_axes_of_spectra_are_shell_frequency_and_resolution(tmp_path, random):
    path = tmp_path / "model.star"
    write_model(path, Path("a.mrc"), some_half(random), CONTROL, CONTEXT)
    table = read_star(path)["model_class_1"]
    assert table["rlnSpectralIndex"].astype(int).tolist() == list(range(19))
    assert float(table["rlnResolution"][17]) == pytest.approx(17 / 291.6, abs=1e-6)
    assert float(table["rlnAngstromResolution"][17]) == pytest.approx(291.6 / 17, abs=1e-5)
    assert float(table["rlnAngstromResolution"][0]) == 999


def test_models_of_relion_are_read(hiv_twin):
    found = read_model(hiv_twin / "Refine3D/job006/run_it003_half1_model.star")
    assert found.spectra.fsc[17] == 0.611373
    assert found.spectra.ssnr[0] == 999
    assert found.sigma2.shape == (1, 19)
    assert found.sigma2[0, 3] == 0.010983
    assert found.scale.tolist() == [0.949141, 1.062969]


# inf and nan of RELION's iteration 0 count as 0
def test_infinities_of_relion_count_as_zero(hiv_twin):
    text = (hiv_twin / "Refine3D/job006/run_it000_half1_model.star").read_text()
    assert "inf" in text
    found = read_model(hiv_twin / "Refine3D/job006/run_it000_half1_model.star")
    for name in ("fsc", "sigma2", "tau2", "ssnr", "coverage"):
        assert np.isfinite(getattr(found.spectra, name)).all()


def test_optics_groups_are_sorted_by_number_not_by_name(tmp_path, random):
    half = some_half(random, 11)
    half.sigma2[:] = np.arange(11.0)[:, None] + 1
    write_model(tmp_path / "m.star", Path("a.mrc"), half, CONTROL, CONTEXT)
    assert read_model(tmp_path / "m.star").sigma2[:, 3].tolist() == list(range(1, 12))


def test_before_a_resolution_is_known_it_is_infinite(tmp_path, random):
    unknown = replace(CONTROL, resolution_per_angstrom=0.0)
    write_model(tmp_path / "m.star", Path("a.mrc"), some_half(random), unknown, CONTEXT)
    assert read_model(tmp_path / "m.star").general["rlnCurrentResolution"] == "inf"


def test_another_file_is_no_model(tmp_path):
    write_star(tmp_path / "x.star", {"general": {"rlnA": 1}})
    with pytest.raises(BadInput, match="not a model file"):
        read_model(tmp_path / "x.star")
    write_star(tmp_path / "y.star", {"model_general": {"rlnA": 1}})
    with pytest.raises(BadInput, match="has no table data_model_class_1"):
        read_model(tmp_path / "y.star")


# --- sampling.star


@pytest.mark.parametrize(("iteration", "order"), [(1, 2), (5, 4)])
def test_a_sampling_file_is_reproduced_line_by_line(hiv_twin, tmp_path, iteration, order):
    recorded = hiv_twin / f"Refine3D/job006/run_it{iteration:03d}_sampling.star"
    sampling, symmetry, factor = read_sampling(recorded)
    assert (symmetry, factor, sampling.healpix_order) == ("C6", 0.5, order)
    path = tmp_path / "sampling.star"
    write_sampling(path, sampling, OrientationGrid(order, 1, PointGroup("C6")), symmetry, factor)
    ours, relions = path.read_text().splitlines(), recorded.read_text().splitlines()
    assert len(ours) == len(relions)
    different = [b for a, b in zip(ours, relions, strict=True) if a != b]
    assert not different


def test_sampling_comes_back_from_its_file(tmp_path):
    path = tmp_path / "sampling.star"
    write_sampling(path, SAMPLING, OrientationGrid(3, 1, PointGroup("D2")), "d2", 0.4)
    sampling, symmetry, factor = read_sampling(path)
    # the priors stand in the model file
    assert sampling == replace(SAMPLING, sigma_tilt_deg=0.0)
    assert (symmetry, factor) == ("d2", 0.4)


def test_another_file_is_no_sampling(tmp_path):
    write_star(tmp_path / "x.star", {"sampling_general": {"rlnHealpixOrder": 3}})
    with pytest.raises(BadInput, match="has no rlnOffsetRange, which is needed to continue"):
        read_sampling(tmp_path / "x.star")
    write_star(tmp_path / "y.star", {"other": {"rlnHealpixOrder": 3}})
    with pytest.raises(BadInput, match="not a sampling file"):
        read_sampling(tmp_path / "y.star")


# --- optimiser.star


@pytest.fixture
def arguments(hiv_twin) -> RefineArguments:
    """The command of the reference run."""
    words = (hiv_twin / "options_small.txt").read_text().split()
    return from_argv([*words, "--o", ROOT, "--tomograms", "tomograms.star"])


def models_of(iteration=3):
    return [Path(f"{ROOT}_it{iteration:03d}_half{half}_model.star") for half in (1, 2)]


def recorded_control():
    """The counters that RELION wrote after iteration 3."""
    return replace(
        CONTROL,
        resolution_per_angstrom=0.058299,
        iterations_without_resolution_gain=0,
        iterations_without_changes=0,
        changes=Changes(3.223883, 2.936512, 0.0),
        smallest_changes=Changes(3.223883, 2.911983, 0.0),
        size_increment_shells=10,
    )


def test_an_optimiser_file_is_reproduced_line_by_line(hiv_twin, tmp_path, arguments):
    recorded = (hiv_twin / "Refine3D/job006/run_it003_optimiser.star").read_text().splitlines()
    path = tmp_path / "optimiser.star"
    write_optimiser(path, arguments, recorded_control(), 3, models_of())
    ours = path.read_text().splitlines()
    # after two comments
    assert ours[2:] == recorded[2:]


def test_the_command_stands_in_a_comment(tmp_path, arguments):
    path = tmp_path / "optimiser.star"
    write_optimiser(path, arguments, CONTROL, 3, models_of())
    first, second = path.read_text().splitlines()[:2]
    assert first.startswith("# RELION optimiser; version 5.0.1")
    assert from_argv(second[2:].split()) == arguments


def test_settings_and_counters_come_back_from_their_file(tmp_path, arguments):
    # threads have no row of their own: they are read from the comment
    arguments = from_argv([*to_argv(arguments), "--j", "4", "--relion_quirks"])
    path = tmp_path / "optimiser.star"
    write_optimiser(path, arguments, CONTROL, 3, models_of())
    found = read_optimiser(path)
    assert found.settings["particle_diameter_angstrom"] == 230
    assert found.settings["threads"] == 4
    assert found.settings["relion_quirks"] is True
    assert found.settings["auto_local_healpix_order"] == 4
    assert found.settings["solvent_mask_file"] == ""
    assert found.settings["zero_mask"] is True
    assert found.model_files == tuple(str(m) for m in models_of())
    assert found.data_file == f"{ROOT}_it003_data.star"
    assert found.sampling_file == f"{ROOT}_it003_sampling.star"
    control = control_from(found, SAMPLING)
    # six decimals of 1/Å; image size and Pmax stand in the model file
    assert control.resolution_per_angstrom == pytest.approx(CONTROL.resolution_per_angstrom, abs=1e-6)
    assert control == replace(
        CONTROL,
        resolution_per_angstrom=control.resolution_per_angstrom,
        average_pmax=0.0,
        current_size_px=0,
    )


def test_a_mask_is_written_by_name_and_no_mask_as_none(arguments):
    assert optimiser_rows(arguments, CONTROL, 3, models_of())["rlnSolventMaskName"] == "None"
    masked = from_argv([*to_argv(arguments), "--solvent_mask", "Mask/mask.mrc"])
    assert optimiser_rows(masked, CONTROL, 3, models_of())["rlnSolventMaskName"] == "Mask/mask.mrc"


# the final file: −1, one model, no split halves; RELION's own has the same labels
def test_the_final_optimiser_file_names_one_model_and_cannot_be_continued(hiv_twin, tmp_path, arguments):
    path = tmp_path / "optimiser.star"
    write_optimiser(path, arguments, replace(CONTROL, has_converged=True), None, [Path(f"{ROOT}_model.star")])
    values = read_star(path)["optimiser_general"]
    recorded = read_star(hiv_twin / "Refine3D/job006/run_optimiser.star")["optimiser_general"]
    assert list(values) == list(recorded)
    for label in (
        "rlnCurrentIteration",
        "rlnDoSplitRandomHalves",
        "rlnHasConverged",
        "rlnModelStarFile",
        "rlnExperimentalDataStarFile",
        "rlnOrientSamplingStarFile",
    ):
        assert values[label] == recorded[label]
    with pytest.raises(BadInput, match="the file of a finished run"):
        read_optimiser(path)


# trap 52
def test_norm_correction_is_never_claimed(arguments):
    assert arguments.norm_correction
    assert optimiser_rows(arguments, CONTROL, 3, models_of())["rlnDoCorrectNorm"] == 0


def test_optimiser_files_of_relion_are_read_with_their_command(hiv_twin):
    found = read_optimiser(hiv_twin / "Refine3D/job006/run_it003_optimiser.star")
    assert found.settings["auto_ignore_angles"] is True
    assert found.settings["first_iteration_cc"] is True
    assert found.settings["random_seed"] == 1
    control = control_from(found, SAMPLING)
    assert control.iteration == 3
    assert control.accuracy_rotation_deg == 0.921
    assert control.smallest_changes == Changes(3.223883, 2.911983, 0.0)


def test_a_command_of_another_program_is_no_hindrance(hiv_twin, tmp_path):
    text = (hiv_twin / "Refine3D/job006/run_it003_optimiser.star").read_text()
    lines = text.split("\n")
    lines[1] = "# --some_option of --another program"
    (tmp_path / "x.star").write_text("\n".join(lines))
    found = read_optimiser(tmp_path / "x.star")
    assert found.settings["particle_diameter_angstrom"] == 230
    assert "auto_ignore_angles" not in found.settings


def test_another_file_is_no_optimiser(hiv_twin, tmp_path):
    write_star(tmp_path / "x.star", {"general": {"rlnA": 1}})
    with pytest.raises(BadInput, match="not an optimiser file"):
        read_optimiser(tmp_path / "x.star")
    values = read_star(hiv_twin / "Refine3D/job006/run_it003_optimiser.star")["optimiser_general"]
    del values["rlnOrientSamplingStarFile"]
    write_star(tmp_path / "y.star", {"optimiser_general": values})
    with pytest.raises(BadInput, match="has no rlnOrientSamplingStarFile, which is needed to continue"):
        read_optimiser(tmp_path / "y.star")


# --- checkpoints


@pytest.fixture
def written(tmp_path, random, arguments):
    """Files of iteration 3 in a project folder, and the state that they were written from."""
    sampling = Sampling(4, 9.4, 4.05, 0.1, 3.75, 3.75, 3.75, local_searches=True, first=Grids(2, 12.15, 16.2))
    control = replace(CONTROL, sampling=sampling)
    (tmp_path / "Refine3D/job006").mkdir(parents=True)
    halves = []
    for half, path in enumerate(models_of(), 1):
        density = random.normal(size=(36, 36, 36)).astype(np.float32)
        halves.append(replace(some_half(random), density=density))
        map_file = f"{ROOT}_it003_half{half}_class001.mrc"
        write_map(tmp_path / map_file, density, 8.1)
        write_model(tmp_path / path, Path(map_file), halves[-1], control, CONTEXT)
    grid = OrientationGrid(4, 1, PointGroup("C6"))
    write_sampling(tmp_path / f"{ROOT}_it003_sampling.star", sampling, grid, "C6", 0.5)
    write_optimiser(tmp_path / f"{ROOT}_it003_optimiser.star", arguments, control, 3, models_of())
    return tmp_path, control, halves


def continued(*more):
    return from_argv(["--continue", f"{ROOT}_it003_optimiser.star", "--o", ROOT, *more])


def test_a_run_is_continued_from_what_was_written(written):
    folder, control, halves = written
    found = read_checkpoint(continued(), folder)
    # six decimals in files
    assert found.control.resolution_per_angstrom == pytest.approx(control.resolution_per_angstrom, abs=1e-6)
    assert replace(found.control, resolution_per_angstrom=control.resolution_per_angstrom) == control
    assert found.scale_groups == ("TS_01", "TS_03")
    assert (found.box_px, found.pixel_size_angstrom) == (36, 8.1)
    assert found.data_file == folder / f"{ROOT}_it003_data.star"
    for before, after in zip(halves, found.halves, strict=True):
        np.testing.assert_array_equal(after.density, before.density)
        np.testing.assert_allclose(after.sigma2, before.sigma2, atol=1e-6)
        np.testing.assert_allclose(after.pdf_direction, before.pdf_direction, atol=1e-6)
        assert after.sigma_offset_angstrom == before.sigma_offset_angstrom
        assert after.average_pmax == before.average_pmax
        assert after.log_likelihood == before.log_likelihood


def test_options_of_the_run_are_kept_and_new_ones_overrule_them(written):
    folder, *_ = written
    kept = read_checkpoint(continued(), folder).arguments
    assert kept.symmetry == "C6"
    assert kept.padding == 2
    assert kept.particle_diameter_angstrom == 230
    assert kept.auto_refine
    assert kept.split_random_halves
    assert not kept.force_converge
    changed = read_checkpoint(continued("--j", "7", "--auto_iter_max", "12", "--force_converge"), folder).arguments
    assert (changed.threads, changed.auto_iter_max, changed.force_converge) == (7, 12, True)
    assert changed.particle_diameter_angstrom == 230


@pytest.mark.parametrize("job", ["job006", "job009"])
def test_runs_of_relion_can_be_continued(hiv_twin, job):
    arguments = from_argv(["--continue", f"Refine3D/{job}/run_it005_optimiser.star", "--o", "Refine3D/job010/run"])
    found = read_checkpoint(arguments, hiv_twin)
    control = found.control
    assert control.iteration == 5
    assert 1 / control.resolution_per_angstrom == pytest.approx(17.152942, abs=1e-3)
    assert control.current_size_px == 36
    assert control.sampling.healpix_order == (4 if job == "job006" else 6)
    # fine steps of 1.875° and 0.46875°, twice that is the width
    width = 3.75 if job == "job006" else 0.9375
    assert control.sampling.sigma_psi_deg == width
    assert control.sampling.local_searches
    expected = read_map(hiv_twin / f"Refine3D/{job}/run_it005_half2_class001.mrc").density
    np.testing.assert_array_equal(found.halves[1].density, expected)


# sigma on tilt alone from the start is no local search
def test_a_prior_on_tilt_alone_is_no_local_search(hiv_twin):
    arguments = from_argv(["--continue", "Refine3D/job006/run_it003_optimiser.star", "--o", "Refine3D/job010/run"])
    sampling = read_checkpoint(arguments, hiv_twin).control.sampling
    assert (sampling.sigma_rot_deg, sampling.sigma_tilt_deg, sampling.sigma_psi_deg) == (0, 10, 0)
    assert not sampling.local_searches


def test_a_map_that_does_not_belong_to_its_model_is_refused(written):
    folder, *_ = written
    write_map(folder / f"{ROOT}_it003_half2_class001.mrc", np.zeros((24, 24, 24)), 8.1)
    with pytest.raises(BadInput, match="box of 24 px, but its model file lists 19 shells"):
        read_checkpoint(continued(), folder)
