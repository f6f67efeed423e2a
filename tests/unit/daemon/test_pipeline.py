"""RELION's list of jobs: read in every layout, added to and corrected, otherwise left as it is."""

import os
import time
from difflib import ndiff
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.daemon.pipeline import (
    NotYetWhole,
    Pipeline,
    PipelineProblem,
    empty_pipeline,
    pipeline_from_text,
    pipeline_of_one,
    read_pipeline,
)
from halfmap.daemon.pipeline_layout import Entry, Layout, Node, ProcessRow, Status

RELION_5 = """
# version 50001

data_pipeline_general

_rlnPipeLineJobCounter                       3
 ¬

# version 50001

data_pipeline_processes

loop_ ¬
_rlnPipeLineProcessName #1 ¬
_rlnPipeLineProcessAlias #2 ¬
_rlnPipeLineProcessTypeLabel #3 ¬
_rlnPipeLineProcessStatusLabel #4 ¬
Extract/job001/       None relion.pseudosubtomo  Succeeded ¬
Refine3D/job002/ Refine3D/mine/ relion.refine3d.tomo    Running ¬
 ¬

# version 50001

data_pipeline_nodes

loop_ ¬
_rlnPipeLineNodeName #1 ¬
_rlnPipeLineNodeTypeLabel #2 ¬
_rlnPipeLineNodeTypeLabelDepth #3 ¬
Extract/job001/optimisation_set.star TomoOptimisationSet.star.relion            1 ¬
 ¬

# version 50001

data_pipeline_output_edges

loop_ ¬
_rlnPipeLineEdgeProcess #1 ¬
_rlnPipeLineEdgeToNode #2 ¬
Extract/job001/ Extract/job001/optimisation_set.star ¬
 ¬
""".replace("¬", "")  # the mark shows where a line ends in a blank

# as written by relion_pipeliner 3.1.3
RELION_3 = """
# version 30001

data_pipeline_general

_rlnPipeLineJobCounter                       3
 ¬

# version 30001

data_pipeline_processes

loop_ ¬
_rlnPipeLineProcessName #1 ¬
_rlnPipeLineProcessAlias #2 ¬
_rlnPipeLineProcessType #3 ¬
_rlnPipeLineProcessStatus #4 ¬
Extract/job001/       None            5            2 ¬
Refine3D/job002/       None           10            3 ¬
 ¬

# version 30001

data_pipeline_nodes

loop_ ¬
_rlnPipeLineNodeName #1 ¬
_rlnPipeLineNodeType #2 ¬
Extract/job001/particles.star            3 ¬
 ¬
""".replace("¬", "")  # the mark shows where a line ends in a blank

RELION_4 = (
    RELION_5.replace("50001", "30001")
    .replace("_rlnPipeLineNodeTypeLabelDepth #3 \n", "")
    .replace("relion            1 \n", "relion \n")
)

NEW = Entry(
    ProcessRow("Refine3D/job003/", "", "relion.refine3d.tomo", "Scheduled"),
    (Node("Extract/job001/optimisation_set.star", "T"), Node("ref.mrc", "DensityMap.mrc")),
    (Node("Refine3D/job003/run_data.star", "P"),),
)


def changes(before: str, after: str) -> list[str]:
    return [line for line in ndiff(before.split("\n"), after.split("\n")) if line[0] in "+-"]


@pytest.mark.parametrize(
    ("text", "layout"), [(RELION_5, Layout.RELION_5), (RELION_4, Layout.RELION_4), (RELION_3, Layout.RELION_3)]
)
def test_each_layout_is_known_and_given_back_byte_for_byte(text: str, layout: Layout) -> None:
    pipeline = pipeline_from_text(text)
    assert pipeline.layout is layout
    assert pipeline.text() == text
    assert pipeline.counter == 3


def test_words_and_numbers_mean_the_same() -> None:
    assert pipeline_from_text(RELION_5).processes() == [
        ProcessRow("Extract/job001/", "", "relion.pseudosubtomo", "Succeeded"),
        ProcessRow("Refine3D/job002/", "Refine3D/mine/", "relion.refine3d.tomo", "Running"),
    ]
    assert pipeline_from_text(RELION_3).processes() == [
        ProcessRow("Extract/job001/", "", "relion.extract", "Succeeded"),
        ProcessRow("Refine3D/job002/", "", "relion.refine3d", "Failed"),
    ]


def test_a_job_is_appended_and_nothing_else_changes() -> None:
    after = pipeline_from_text(RELION_5).with_job(NEW).with_counter(4).text()
    found = changes(RELION_5, after)
    assert [line for line in found if line[0] == "-"] == ["- _rlnPipeLineJobCounter                       3"]
    added = [line[2:] for line in found if line[0] == "+"]
    assert added[:4] == [
        "_rlnPipeLineJobCounter                       4",
        "Refine3D/job003/       None relion.refine3d.tomo  Scheduled ",
        "   ref.mrc DensityMap.mrc            1 ",
        "Refine3D/job003/run_data.star          P            1 ",
    ]
    assert added[-1] == "Refine3D/job003/ Refine3D/job003/run_data.star "


def test_a_table_that_was_empty_comes_in_relions_order() -> None:
    after = pipeline_from_text(RELION_5).with_job(NEW).text()
    places = [after.index(f"data_pipeline_{name}") for name in ("nodes", "input_edges", "output_edges")]
    assert places == sorted(places)
    again = pipeline_from_text(after)
    assert again.star.columns("pipeline_input_edges", "rlnPipeLineEdgeFromNode", "rlnPipeLineEdgeProcess") == [
        ("Extract/job001/optimisation_set.star", "Refine3D/job003/"),
        ("ref.mrc", "Refine3D/job003/"),
    ]


def test_a_node_keeps_the_type_that_its_maker_gave_it() -> None:
    kinds = pipeline_from_text(RELION_5).with_job(NEW).node_kinds()
    assert kinds["Extract/job001/optimisation_set.star"] == "TomoOptimisationSet.star.relion"


def test_a_file_that_no_job_declared_becomes_its_makers_result() -> None:
    entry = Entry(NEW.row, (Node("Extract/job001/other.star", "T"), Node("Refine3D/mine/run_it003_data.star", "P")))
    made = (
        pipeline_from_text(RELION_5)
        .with_job(entry)
        .star.columns("pipeline_output_edges", "rlnPipeLineEdgeProcess", "rlnPipeLineEdgeToNode")
    )
    assert ("Extract/job001/", "Extract/job001/other.star") in made
    assert ("Refine3D/job002/", "Refine3D/mine/run_it003_data.star") in made


@pytest.mark.parametrize("text", [RELION_5, RELION_4, RELION_3, empty_pipeline().text()])
def test_adding_a_job_a_second_time_adds_nothing(text: str) -> None:
    once = pipeline_from_text(text).with_job(NEW)
    assert once.with_job(NEW).text() == once.text()
    assert pipeline_from_text(once.text()).with_job(NEW).text() == once.text()


@pytest.mark.parametrize("text", [RELION_5, RELION_4, RELION_3])
@pytest.mark.parametrize("status", list(Status))
def test_a_status_changes_in_its_own_row_only(text: str, status: Status) -> None:
    before = pipeline_from_text(text)
    after = pipeline_from_text(before.with_status("Refine3D/job002/", status).text())
    assert after.process("Refine3D/job002/").status == status
    assert after.process("Extract/job001/") == before.process("Extract/job001/")
    assert len(changes(before.text(), after.text())) in (0, 2, 3, 4)
    assert len(after.text().split("\n")) == len(text.split("\n"))


def test_relion_3_gets_numbers() -> None:
    after = pipeline_from_text(RELION_3).with_job(NEW).with_status("Refine3D/job003/", Status.ABORTED).text()
    assert "Refine3D/job003/       None           10            4 \n" in after


def test_another_status_than_relions_cannot_be_added() -> None:
    with pytest.raises(ValueError, match="Paused"):
        empty_pipeline().with_job(Entry(ProcessRow("Refine3D/job001/", "", "relion.refine3d.tomo", "Paused")))


def test_columns_and_tables_of_others_stay() -> None:
    foreign = RELION_5.replace("StatusLabel #4 \n", "StatusLabel #4 \n_ccpemColour #5 \n").replace(
        "Succeeded \n", 'Succeeded "light blue" \n'
    )
    foreign = foreign.replace("  Running \n", "  Running red \n") + "\n# theirs\ndata_theirs\n\n_x 1\n\n"
    after = pipeline_from_text(foreign).with_job(NEW).with_status("Extract/job001/", Status.FAILED).text()
    assert 'relion.pseudosubtomo     Failed "light blue" \n' in after
    assert "Running red \n" in after
    assert 'Scheduled         "" \n' in after
    assert "# theirs\ndata_theirs\n\n_x 1\n" in after


def test_a_list_without_the_depth_column_stays_without() -> None:
    dropped = RELION_5.replace("_rlnPipeLineNodeTypeLabelDepth #3 \n", "").replace(
        "relion            1 \n", "relion \n"
    )
    after = pipeline_from_text(dropped).with_job(NEW).text()
    assert "Depth" not in after
    assert "   ref.mrc DensityMap.mrc \n" in after


def test_a_file_that_ends_after_its_last_row_can_be_added_to() -> None:
    after = pipeline_from_text(RELION_3.rstrip() + "\n").with_job(NEW).text()
    assert pipeline_from_text(after).process("Refine3D/job003/") is not None


def test_the_list_of_one_job_is_as_relion_writes_it() -> None:
    text = pipeline_of_one(Layout.RELION_5, NEW).text()
    assert text.startswith(
        "\n# version 50001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter                       2\n \n"
    )
    assert "Refine3D/job003/       None relion.refine3d.tomo  Scheduled \n" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RELION_5.replace("\n", "\r\n"), "carriage return"),
        (RELION_5.replace("  Succeeded \n", "\n"), "3 values for 4 labels"),
        (RELION_5.replace("Counter                       3", "Counter many"), "rlnPipeLineJobCounter is missing"),
        (RELION_5.replace("Counter                       3", "Counter -1"), "must be the number of the next job"),
        (RELION_5.replace("_rlnPipeLineProcessAlias", "_rlnOther"), "no column rlnPipeLineProcessAlias"),
        (RELION_5 + RELION_5, "a second time"),
        (RELION_5 + "stray\n", "text outside of a table"),
        ("", "rlnPipeLineJobCounter is missing"),
    ],
)
def test_a_spoilt_list_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(PipelineProblem, match=message):
        pipeline_from_text(text)


def test_a_list_that_relion_is_writing_is_looked_at_later(tmp_path: Path) -> None:
    path = tmp_path / "default_pipeline.star"
    for size in range(1, len(RELION_5)):
        path.write_text(RELION_5[:size])
        if not RELION_5[:size].endswith(("\n\n", "\n \n")):
            with pytest.raises(NotYetWhole):
                read_pipeline(tmp_path)
    path.write_text(RELION_5.rstrip())
    os.utime(path, (1e9, 1e9))
    assert read_pipeline(tmp_path).counter == 3


def test_no_list_is_a_project_without_jobs(tmp_path: Path) -> None:
    assert read_pipeline(tmp_path) == empty_pipeline()


WORDS = (
    st.text("abcXYZ019._-/ ", min_size=1, max_size=12).map(str.strip).filter(lambda word: word and word[0] not in "_")
)


@given(st.lists(st.tuples(WORDS, st.sampled_from(list(Status)), st.lists(WORDS, max_size=4)), max_size=6))
def test_what_is_added_is_read_back(jobs: list[tuple[str, Status, list[str]]]) -> None:
    pipeline = empty_pipeline()
    expected: dict[str, ProcessRow] = {}
    for name, status, files in jobs:
        row = ProcessRow(name, "", "relion.refine3d.tomo", status)
        expected.setdefault(name, row)
        nodes = tuple(Node(file, "T") for file in files)
        pipeline = pipeline.with_job(Entry(row, nodes, nodes))
    again: Pipeline = pipeline_from_text(pipeline.text())
    assert again.processes() == list(expected.values())
    assert set(again.node_kinds()) == {file for _, _, files in jobs for file in files}


@pytest.mark.usefixtures("undisturbed")
def test_five_thousand_jobs_are_read_and_written_in_less_than_300_ms() -> None:
    head, _, _ = RELION_3.partition("Extract/job001/")
    rows = [f"Refine3D/job{number:03d}/       None           10            2 " for number in range(1, 5001)]
    nodes = [
        f"Refine3D/job{number:03d}/run_{file}            3 "
        for number in range(1, 5001)
        for file in ("data.star", "class001.mrc", "half1_class001_unfil.mrc")
    ]
    text = head + "\n".join(rows) + "\n \n" + RELION_3[RELION_3.index("\n# version 30001\n\ndata_pipeline_nodes") :]
    text = text.replace("Extract/job001/particles.star            3 ", "\n".join(nodes))
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        pipeline_from_text(text).with_job(NEW).with_status("Refine3D/job4000/", Status.FAILED).with_counter(5002).text()
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.3
