"""Whole refinements as RELION was started on the same particles: the answer, and the way to it."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from halfmap.engine.scoring.maps import score_maps
from tests.golden.conftest import BOX_EXTENT_ANGSTROM, GLOBAL, LOCAL, Case, Job, Start, options

pytestmark = pytest.mark.slow

TRUTH = "truth_small.star"
SPHERE_RADIUS_ANGSTROM = 115.0
# Of three seeds of the same search, medians scatter by 2 % and 90th percentiles by 4 %.
NO_WORSE = 1.05
# The exact model of the noise gains 14 % in angles, over three seeds; 5 % is what seeds scatter by.
BETTER = 0.95


@pytest.fixture(scope="module", params=[GLOBAL, LOCAL], ids=lambda case: case.job)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="module")
def theirs(hiv_twin: Path, case: Case) -> Job:
    return Job(hiv_twin / "Refine3D" / case.job)


@pytest.fixture(scope="module")
def ours(hiv_twin: Path, case: Case, start: Start) -> Job:
    return start(*options(hiv_twin, case))


@pytest.fixture(scope="module")
def as_relion(hiv_twin: Path, case: Case, start: Start) -> Job:
    """Our run with orientations counted and noise modelled as RELION does, so that steps can be compared with its."""
    return start(*options(hiv_twin, case), "--own_frames", "--noise_model", "relion")


def resolution_shell(job: Job, iteration: int | None) -> int:
    resolution = float(job.model(iteration)["model_general"]["rlnCurrentResolution"])
    return round(BOX_EXTENT_ANGSTROM / resolution)


def test_it_converges_after_about_as_many_iterations(case: Case, ours: Job, theirs: Job) -> None:
    assert theirs.iterations == case.iterations
    assert abs(ours.iterations - theirs.iterations) <= 3


def test_the_final_resolution_is_within_one_shell_or_better(ours: Job, theirs: Job) -> None:
    assert resolution_shell(ours, None) >= resolution_shell(theirs, None) - 1


def test_poses_are_closer_to_the_truth(hiv_twin: Path, ours: Job, theirs: Job) -> None:
    found, expected = (job.score(hiv_twin / TRUTH) for job in (ours, theirs))
    assert found.particles == 200
    assert found.angle_median_deg <= BETTER * expected.angle_median_deg
    assert found.angle_p90_deg <= BETTER * expected.angle_p90_deg
    assert found.position_median_angstrom <= NO_WORSE * expected.position_median_angstrom
    assert found.position_p90_angstrom <= NO_WORSE * expected.position_p90_angstrom


def test_the_final_map_is_as_close_to_that_of_the_true_poses(hiv_twin: Path, ours: Job, theirs: Job) -> None:
    """In the outer half of the shells, where poses matter: 0.014 closer (global), 0.003 less close (local)."""
    outer = slice(10, resolution_shell(theirs, None) + 1)
    truth = hiv_twin / "Reconstruct/job005/merged.mrc"
    found, expected = (
        np.mean(score_maps(truth, job.folder / "run_class001.mrc", radius_angstrom=SPHERE_RADIUS_ANGSTROM).fsc[outer])
        for job in (ours, theirs)
    )
    assert found > expected - 0.01


def test_the_final_map_is_that_of_relion_up_to_the_resolution(as_relion: Job, theirs: Job) -> None:
    names = (job.folder / "run_class001.mrc" for job in (as_relion, theirs))
    score = score_maps(*names, radius_angstrom=SPHERE_RADIUS_ANGSTROM)
    last = min(resolution_shell(as_relion, None), resolution_shell(theirs, None))
    assert min(score.fsc[: last + 1]) >= 0.97
    assert score.grey_scale == pytest.approx(1, abs=0.03)


def test_unfiltered_half_maps_are_written_and_alike(as_relion: Job, theirs: Job) -> None:
    for half in (1, 2):
        name = f"run_half{half}_class001_unfil.mrc"
        found, expected = (mrcfile.read(job.folder / name).astype(float) for job in (as_relion, theirs))
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.97


def common(ours: Job, theirs: Job) -> range:
    """Iterations that both have files of."""
    return range(1, min(ours.iterations, theirs.iterations))


def test_as_relion_does_it_poses_are_as_good(hiv_twin: Path, as_relion: Job, theirs: Job) -> None:
    found, expected = (job.score(hiv_twin / TRUTH) for job in (as_relion, theirs))
    assert found.angle_median_deg <= NO_WORSE * expected.angle_median_deg
    assert found.angle_p90_deg <= NO_WORSE * expected.angle_p90_deg
    assert found.position_median_angstrom <= NO_WORSE * expected.position_median_angstrom
    assert found.position_p90_angstrom <= NO_WORSE * expected.position_p90_angstrom


def test_sampling_is_decided_alike(as_relion: Job, theirs: Job) -> None:
    """The same steps, while accuracies agree to 6 %, twice what was found: their sample is random."""
    for iteration in common(as_relion, theirs):
        found, expected = as_relion.sampling(iteration), theirs.sampling(iteration)
        if iteration > 1:
            assert as_relion.accuracy(iteration)[0] == pytest.approx(theirs.accuracy(iteration)[0], rel=0.06)
            assert as_relion.accuracy(iteration)[1] == pytest.approx(theirs.accuracy(iteration)[1], rel=0.06)
        assert found["rlnHealpixOrder"] == expected["rlnHealpixOrder"]
        # ranges follow how far particles moved, which the priors on offsets differ about
        assert float(found["rlnOffsetRange"]) == pytest.approx(float(expected["rlnOffsetRange"]), rel=0.35)
        assert float(found["rlnOffsetStep"]) == pytest.approx(float(expected["rlnOffsetStep"]), rel=0.05)


def test_curves_of_every_iteration_are_alike(as_relion: Job, theirs: Job) -> None:
    """Inside the window but its two outermost shells.

    Half maps of a hundred particles each, of which a tenth is aligned otherwise, differ by 0.05 in FSC; τ² follows as
    FSC/(1 − FSC), by less than a half. The noise hardly depends on poses.
    """
    for iteration in common(as_relion, theirs):
        sizes = [int(job.model(iteration)["model_general"]["rlnCurrentImageSize"]) for job in (as_relion, theirs)]
        assert sizes[0] == sizes[1]
        shells = slice(1, sizes[0] // 2 - 1)
        for half in (1, 2):
            fsc, tau2, noise = (
                [job.curve(iteration, label, half)[shells] for job in (as_relion, theirs)]
                for label in ("rlnGoldStandardFsc", "rlnReferenceTau2", "rlnSigma2Noise")
            )
            np.testing.assert_allclose(*fsc, rtol=0, atol=0.06)
            if iteration > 1:  # in the first one RELION's is 0 in some shells
                np.testing.assert_allclose(*tau2, rtol=0.5)
            np.testing.assert_allclose(*noise, rtol=0.02)


def test_stdout_tells_what_monitors_read(ours: Job) -> None:
    text = (ours.folder / "stdout").read_text()
    assert text.count(" Auto-refine: Iteration= ") == ours.iterations
    assert "Auto-refine: Refinement has converged, entering last iteration where two halves will be combined..." in text
    assert "Auto-refine: + Final resolution (without masking) is: 17.1529" in text


def test_on_the_absolute_grey_scale_no_correlation_is_needed(
    hiv_twin: Path, start: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The local search to its end; RELION's run with correlation is what it is compared with.

    The first iteration decides otherwise about a few particles, of which some never come back: the 90th percentile of
    angles is 1.10 times RELION's even with `--relion_quirks`, which imitates RELION pose by pose.
    """
    reference = hiv_twin / "Reconstruct/job005/merged.mrc"
    scaled = tmp_path_factory.mktemp("reference") / "scaled.mrc"
    final = hiv_twin / "Refine3D/job009/run_class001.mrc"
    factor = score_maps(reference, final, radius_angstrom=SPHERE_RADIUS_ANGSTROM).grey_scale
    with mrcfile.new(scaled) as mrc:
        mrc.set_data((mrcfile.read(reference) * factor).astype(np.float32))
        mrc.voxel_size = 8.1
    words = [word for word in options(hiv_twin, LOCAL) if word != "--firstiter_cc"]
    ours = start(*words, "--ref", str(scaled))
    theirs = Job(hiv_twin / "Refine3D/job009")
    found, expected = (job.score(hiv_twin / TRUTH) for job in (ours, theirs))
    assert found.angle_median_deg <= NO_WORSE * expected.angle_median_deg
    assert found.angle_p90_deg <= 1.25 * expected.angle_p90_deg
    assert found.position_median_angstrom <= NO_WORSE * expected.position_median_angstrom
    assert found.position_p90_angstrom <= NO_WORSE * expected.position_p90_angstrom
    assert resolution_shell(ours, None) >= resolution_shell(theirs, None)
    assert abs(ours.iterations - theirs.iterations) <= 3
