import json
from pathlib import Path

from halfmap.daemon.client import IterationFiles, JobFiles
from halfmap.tui.report.run_record import RunRecord, read_run_record, root_of

STARTED = {
    "event": "run_started", "version": "9.9", "argv": ["--o", "Refine3D/job001/run", "--ref", "a b.mrc"], "ranks": 3,
    "threads": 2, "host": "gpu1", "particles_per_half": [94, 106], "continued_from_iteration": 4,
}  # fmt: skip


def files(folder: Path) -> JobFiles:
    return JobFiles(folder=str(folder), output=str(folder / "run.out"), iterations=(IterationFiles(iteration=2),))


def test_the_last_start_of_halfmaps_engine_is_what_counts(tmp_path: Path) -> None:
    lines = [json.dumps({**STARTED, "version": "1"}), "torn {", json.dumps(STARTED), '{"event": "run_started", "arg']
    (tmp_path / "run_progress.jsonl").write_text("\n".join(lines))
    (tmp_path / "run_it002_optimiser.star").write_text("# RELION optimiser\n_rlnRandomSeed     77\n")
    assert read_run_record(files(tmp_path)) == RunRecord(
        program="halfmap 9.9",
        arguments=("--o", "Refine3D/job001/run", "--ref", "a b.mrc"),
        host="gpu1",
        ranks=3,
        threads=2,
        seed=77,
        particles_per_half=(94, 106),
        continued_from=4,
    )


def test_relions_own_run_is_read_from_its_optimiser_file_and_its_output(hiv_twin: Path) -> None:
    record = read_run_record(files(hiv_twin / "Refine3D" / "job009"))
    assert (record.program, record.host, record.ranks, record.seed) == ("RELION 5.0.1", "vm", 3, 1)
    assert record.value_of("--ios") == "local_optimisation_set.star"
    assert record.value_of("--pipeline_control") == "Refine3D/job009/"
    assert record.value_of("--gpu") == ""


def test_where_nothing_can_be_read_nothing_is_known(tmp_path: Path) -> None:
    assert read_run_record(files(tmp_path / "gone")) == RunRecord()
    assert read_run_record(JobFiles()) == RunRecord()


def test_values_of_the_wrong_kind_are_not_known(tmp_path: Path) -> None:
    wrong = {"event": "run_started", "argv": "x", "ranks": "3", "particles_per_half": [1, 2, 3], "threads": True}
    (tmp_path / "run_progress.jsonl").write_text(json.dumps(wrong) + "\n")
    assert read_run_record(files(tmp_path)) == RunRecord(program="halfmap")


def test_an_option_given_twice_has_its_last_value() -> None:
    record = RunRecord(arguments=("--ref", "a", "--ref", "b", "--ctf", "--sym"))
    assert (record.value_of("--ref"), record.value_of("--sym")) == ("b", "")


def test_the_root_of_a_jobs_names_follows_from_its_output_or_its_folder() -> None:
    assert root_of(JobFiles(folder="/p/job1", output="/p/job1/run.out")) == "/p/job1/run"
    assert root_of(JobFiles(folder="/p/job1/")) == "/p/job1/run"
