import pytest

from halfmap.daemon.client import CardProcessRow, CardRow, HostRow, JobPage, JobQuery, JobRow, JobState, ProjectRow
from halfmap.tui.text import card_cells, job_cells, keys, listing, states
from halfmap.tui.text.cells import GUTTER, Wish, granted
from halfmap.tui.text.job_cells import Seen

NOW = 1_000_000.0


def row(**fields: object) -> JobRow:
    given = {"job": 7, "project": "/data/hiv", "name": "Refine3D/job012/", "state": JobState.RUNNING}
    return JobRow.model_validate(given | fields)


def titles(width: int) -> list[str]:
    return [column.title for column in job_cells.columns_for(width)]


@pytest.mark.parametrize("width", [0, 1, 2, 3, 7, 20, 40, 79, 80, 81, 100, 120, 159, 160, 200, 400])
@pytest.mark.parametrize("choose", [job_cells.columns_for, card_cells.columns_for])
def test_columns_never_are_wider_than_the_terminal(choose: object, width: int) -> None:
    columns = choose(width)  # type: ignore[operator]
    assert GUTTER + sum(column.width for column in columns) + max(0, len(columns) - 1) <= max(width, GUTTER)


def test_80_cells_hold_the_essentials_and_160_all_columns() -> None:
    assert titles(80) == ["name", "state", "iteration", "resolution", "acc.", "step", "elapsed"]
    assert {"project", "it. ends"} <= set(titles(100))
    assert len(titles(160)) == 15


def test_what_is_left_of_the_width_goes_to_who_can_use_it() -> None:
    (_, name), (_, why) = granted([Wish("name", 0, 10, 20), Wish("why", 1, 5, 100)], 62)
    assert (name.width, why.width) == (20, 39)


def test_an_iteration_under_way_is_told_with_phase_and_fraction() -> None:
    assert job_cells.iteration(row(iteration=12, phase="expectation", fraction=0.437)) == "12 exp 43%"
    assert job_cells.iteration(row(iteration=12, phase="expectation", state=JobState.FINISHED)) == "12"
    assert job_cells.iteration(row(iteration=3)) == "3"
    assert job_cells.iteration(row(phase="\x1b[2Jevil", iteration=1)) == "1 �[2J"
    assert job_cells.iteration(row()) == ""


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (17.2, 19.5, "17.2 Å ↓2.3"),
        (4.21, 4.25, "4.21 Å ↓0.04"),
        (20.0, 18.0, "20.0 Å ↑2.0"),
        (20.0, 20.0, "20.0 Å ="),
        (120.4, None, "120 Å"),
        (None, 20.0, ""),
    ],
)
def test_a_resolution_is_told_with_its_last_change(now: float | None, before: float | None, told: str) -> None:
    assert job_cells.resolution(row(resolution_angstrom=now, resolution_before_angstrom=before)) == told


def test_names_leave_out_what_goes_without_saying_and_are_never_obeyed() -> None:
    assert job_cells.name_of(row(alias="Refine3D/best/")) == "job012 best"
    assert job_cells.name_of(row(name="Class3D/job020/")) == "Class3D/job020"
    assert job_cells.name_of(row(name="", alias="a\x1b[31mb\n")) == "job 7 a�[31mb�"
    assert job_cells.project_of(row(project="/")) == "/"


def test_cards_are_told_by_number_or_counted() -> None:
    assert job_cells.cards(row(cards=("a", "b")), Seen(NOW, {"a": 0, "b": 3})) == "0,3"
    assert job_cells.cards(row(cards=("a", "b")), Seen(NOW, {"a": 0})) == "2 cards"
    assert job_cells.cards(row(), Seen(NOW)) == ""


def test_an_alarm_is_told_by_a_sign_as_well_as_by_its_colour() -> None:
    assert states.state_cell(row(alarm="silent")).text == "running !"
    assert states.state_cell(row(alarm="silent")).role == "alarm"


def test_states_are_counted_and_those_without_jobs_left_out() -> None:
    counted = states.counts({"finished": 40, "running": 3, "failed": 0})
    assert [cell.text for cell in counted] == ["3 running", "40 finished"]


def test_the_line_beneath_tells_what_may_have_no_column() -> None:
    told = job_cells.facts(row(priority=5, place="slurm:gpu", attempt=2, cards=("a",), ends_about=NOW + 60), Seen(NOW))
    assert told.startswith("job 7, Refine3D/job012 in /data/hiv · on slurm:gpu · priority 5 · attempt 2 · cards 1 card")
    assert "may end at" in told
    assert "only shown" in job_cells.facts(row(followed=True), Seen(NOW))
    waiting = row(state=JobState.QUEUED, begin=NOW + 3600)
    assert "not before" in job_cells.facts(waiting, Seen(NOW))


def test_a_row_without_any_figures_is_written_in_all_columns() -> None:
    columns = job_cells.columns_for(200)
    cells = job_cells.cells_of(row(state=JobState.QUEUED), columns, Seen(NOW))
    assert [cell.text for cell in cells if cell.text] == ["7", "job012", "hiv", "queued", "here"]


def title(width: int = 200, cursor: int = 0, total: int = 43, offset: int = 0, **asked: object) -> str:
    query = JobQuery.model_validate({"limit": 500, "offset": offset} | asked)
    page = JobPage(jobs=(row(),) * min(500, total), total=total, rev=1)
    cells = listing.title(listing.Listed(query, page), cursor, 2, width)
    return "".join(cell.text for cell in cells)


def test_a_title_tells_what_is_listed_as_far_as_there_is_room() -> None:
    told = title(cursor=16, match="^job", problems_only=True, sort="name", project="/data/hiv", refinements_only=False)
    assert told.split("  ") == "Jobs,17 of 43,/^job,only problems,2 marked,in /data/hiv,by name,all types,".split(",")
    assert "117 of 5,000 (page 2 of 10)" not in title(total=5000)
    assert "517 of 5,000 (page 2 of 10)" in title(cursor=16, total=5000, offset=500)
    assert title(width=17, match="^job") == "Jobs  1 of 43  "


def test_an_empty_list_says_why_and_what_to_do() -> None:
    assert "w watches a project" in " ".join(listing.emptiness(JobQuery()))
    assert listing.emptiness(JobQuery(match="xy"))[0] == "No job matches xy."
    assert listing.emptiness(JobQuery(match="!xy", problems_only=True))[0] == "No job with a problem is without xy."
    assert listing.emptiness(JobQuery(problems_only=True))[0] == "No job with a problem."


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("slash", "/"),
        ("plus", "+"),
        ("minus", "-"),
        ("greater_than_sign", ">"),
        ("question_mark", "?"),
        ("X", "X"),
        ("enter", "Enter"),
        ("ctrl+s", "Ctrl+S"),
        ("ctrl+@", "Ctrl+Space"),
        ("f1", "F1"),
        ("shift+tab", "Shift+Tab"),
        ("left_square_bracket", "["),
    ],
)
def test_keys_are_written_as_people_call_them(key: str, name: str) -> None:
    assert keys.key_name(key) == name


def card(**fields: object) -> CardRow:
    given = {"uuid": "GPU-1", "index": 2, "name": "NVIDIA A100", "memory_total_mb": 40960, "memory_used_mb": 20480}
    return CardRow.model_validate(given | fields)


def test_a_card_is_told_with_its_memory_as_a_bar_and_its_processes_beneath() -> None:
    process = CardProcessRow(process_id=4711, user="anna", command="cryo\x1b[31m", memory_mb=11500)
    lines = card_cells.card_lines([card(state="busy", processes=(process,), power_w=212.0, utilisation=98.0)])
    columns = card_cells.columns_for(160)
    first, second = ([cell.text for cell in card_cells.cells_of(line, columns)] for line in lines)
    assert first[:5] == ["2 A100", "busy", "████···· 20.0/40.0 GB", "98 %", "212 W"]
    assert second[0] == "  cryo�[31m"
    assert second[1] == "anna"
    assert "of no job of this daemon" in card_cells.about(lines[1])[0].text


def test_bars_and_shares_survive_figures_that_cannot_be() -> None:
    assert card_cells.bar(-1, 4) == "····"
    assert card_cells.bar(7, 4) == "████"
    assert card_cells.memory(card(memory_total_mb=0.0)).endswith("20.0/0.0 GB")
    host = HostRow(host="x", cores=0, cores_leased=0, memory_mb=0, memory_leased_mb=0)
    assert "0/0" in card_cells.host_line(host)


def test_jobs_are_counted_by_their_place() -> None:
    rows = [row(), row(place="slurm:gpu", state=JobState.QUEUED), row(place="slurm:gpu"), row(followed=True)]
    assert card_cells.places_line(rows) == "here: 1 active, 0 waiting   slurm:gpu: 1 active, 1 waiting"
    assert card_cells.places_line([]) == "no jobs run or wait"


def test_a_project_in_trouble_says_so_first() -> None:
    told = card_cells.project_cells(ProjectRow(project="/mnt/x", watching="polling", reason="nfs4", trouble="it hangs"))
    assert (told["state"].text, told["state"].role) == ("it hangs", "alarm")
    fine = card_cells.project_cells(ProjectRow(project="/data", watching="polling", reason="nfs4 tells of no changes"))
    assert fine["state"].text == "polling: nfs4 tells of no changes"
