"""Iterations that RELION wrote, read from its files."""

import shutil
from pathlib import Path

import pytest

from halfmap.daemon.relion_iterations import read_iteration, read_joined
from halfmap.daemon.star_head import read_whole_tables

GLOBAL_RUN, LOCAL_RUN = "Refine3D/job006", "Refine3D/job009"


def printed_values(run_out: Path, words: str) -> list[list[float]]:
    """Numbers of every line of run.out that begins with some words."""
    lines = run_out.read_text().replace("\r", "\n").split("\n")
    return [
        [float(word.split("=")[-1]) for word in line.replace("= ", "=").split() if word.split("=")[-1][:1].isdigit()]
        for line in lines
        if line.startswith(words)
    ]


def starfile_value(path: Path, table: str, label: str) -> float:
    import starfile

    return float(starfile.read(path, always_dict=True)[table][label])


@pytest.fixture
def copied_run(hiv_twin: Path, tmp_path: Path) -> Path:
    """Root of the local run, without its maps and particles."""
    for path in (hiv_twin / LOCAL_RUN).glob("run_*.star"):
        if not path.name.endswith("_data.star"):
            shutil.copyfile(path, tmp_path / path.name)
    return tmp_path / "run"


@pytest.mark.parametrize(("job", "iterations"), [(GLOBAL_RUN, 8), (LOCAL_RUN, 6)])
def test_every_value_is_the_one_in_relions_files(hiv_twin, job, iterations):
    for iteration in range(1, iterations + 1):
        stem = hiv_twin / job / f"run_it{iteration:03d}"
        record = read_iteration(hiv_twin / job / "run", iteration)
        first, second = (Path(f"{stem}_half{half}_model.star") for half in (1, 2))
        optimiser = Path(f"{stem}_optimiser.star")
        assert record.resolution_angstrom == starfile_value(first, "model_general", "rlnCurrentResolution")
        assert record.current_size_px == starfile_value(first, "model_general", "rlnCurrentImageSize")
        pmax = [starfile_value(path, "model_general", "rlnAveragePmax") for path in (first, second)]
        assert record.average_pmax == pytest.approx(sum(pmax) / 2)
        likelihood = [starfile_value(path, "model_general", "rlnLogLikelihood") for path in (first, second)]
        assert record.log_likelihood == pytest.approx(sum(likelihood))
        for field, label in [
            ("changes_orientations_deg", "rlnChangesOptimalOrientations"),
            ("changes_offsets_angstrom", "rlnChangesOptimalOffsets"),
            ("iterations_without_resolution_gain", "rlnNumberOfIterWithoutResolutionGain"),
            ("iterations_without_assignment_changes", "rlnNumberOfIterWithoutChangingAssignments"),
        ]:
            assert getattr(record, field) == starfile_value(optimiser, "optimiser_general", label)


@pytest.mark.parametrize(("job", "iterations"), [(GLOBAL_RUN, 8), (LOCAL_RUN, 6)])
def test_steps_and_accuracies_are_those_that_relion_printed(hiv_twin, job, iterations):
    records = [read_iteration(hiv_twin / job / "run", number) for number in range(2, iterations + 1)]
    run_out = hiv_twin / job / "run.out"
    steps = printed_values(run_out, " Auto-refine: Angular step=")[: len(records)]
    offsets = printed_values(run_out, " Auto-refine: Offset search range=")[: len(records)]
    accuracies = printed_values(run_out, " Auto-refine: Estimated accuracy")[: len(records)]
    assert [[record.angular_step_deg] for record in records] == steps
    # printed with six digits
    printed = [[record.offset_range_angstrom, record.offset_step_angstrom] for record in records]
    assert printed == [pytest.approx(pair, rel=1e-5) for pair in offsets]
    found = [[record.accuracy_rotation_deg, record.accuracy_translation_angstrom] for record in records]
    assert found == [pytest.approx(pair, rel=1e-5) for pair in accuracies]


def test_the_curve_is_complete_and_its_crossing_is_the_last_shell_above_0143(hiv_twin):
    record = read_iteration(hiv_twin / LOCAL_RUN / "run", 3)
    assert len(record.fsc) == 36 // 2 + 1
    assert record.fsc[-1] == 0.319677
    assert record.resolution_fsc_143_angstrom == 16.2


def test_the_first_iteration_by_correlation_has_no_accuracies(hiv_twin):
    record = read_iteration(hiv_twin / GLOBAL_RUN / "run", 1)
    assert record.accuracy_rotation_deg is None
    assert record.accuracy_translation_angstrom is None
    assert not record.local_searches


def test_the_joined_iteration_is_converged(hiv_twin):
    record = read_joined(hiv_twin / LOCAL_RUN / "run", 7)
    assert (record.iteration, record.converged, record.healpix_order) == (7, True, 6)
    assert record.local_searches
    assert record.average_pmax == pytest.approx(
        starfile_value(hiv_twin / LOCAL_RUN / "run_model.star", "model_general", "rlnAveragePmax")
    )


@pytest.mark.parametrize("name", ["half1_model", "half2_model", "optimiser", "sampling"])
def test_a_half_written_file_is_read_again_later(copied_run, name):
    path = Path(f"{copied_run}_it003_{name}.star")
    whole = path.read_bytes()
    record = read_iteration(copied_run, 3)
    # the tables that are read stand at the beginning; cut anywhere in them
    needed = {"sampling": 700, "optimiser": len(whole) - 2}.get(name, 3000)
    for length in range(0, needed, 97):
        path.write_bytes(whole[:length])
        assert read_iteration(copied_run, 3) is None
    path.write_bytes(whole)
    assert read_iteration(copied_run, 3).model_dump(exclude={"time"}) == record.model_dump(exclude={"time"})
    path.unlink()
    assert read_iteration(copied_run, 3) is None


def test_a_file_of_another_iteration_under_this_name_is_not_believed(copied_run):
    shutil.copyfile(f"{copied_run}_it004_optimiser.star", f"{copied_run}_it003_optimiser.star")
    assert read_iteration(copied_run, 3) is None


def test_infinities_and_nan_are_unknown(copied_run):
    path = Path(f"{copied_run}_it003_half1_model.star")
    text = path.read_text().replace("                      17.152942\n_rlnCurrentImage", " inf\n_rlnCurrentImage")
    path.write_text(text.replace("     0.319677", "         -nan"))
    record = read_iteration(copied_run, 3)
    assert record.resolution_angstrom is None
    assert record.fsc[-1] is None
    assert record.resolution_fsc_143_angstrom == pytest.approx(17.152942)


def test_a_table_counts_only_with_the_blank_line_after_it(tmp_path):
    path = tmp_path / "some.star"
    text = "\n# version 50001\n\ndata_one\n\nloop_ \n_rlnA #1 \n_rlnB #2 \n 1 2 \n 3 4 \n"
    path.write_text(text)
    assert read_whole_tables(path, ["one"], 1000) is None
    path.write_text(text + " \n")
    assert read_whole_tables(path, ["one"], 1000)["one"].column("rlnB") == ["2", "4"]
    assert read_whole_tables(path, ["one", "two"], 1000) is None
    assert read_whole_tables(tmp_path / "none.star", ["one"], 1000) is None
