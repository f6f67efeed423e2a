import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from halfmap.daemon.client import (
    DaemonAway,
    FormCheck,
    FormProblem,
    JobRow,
    Launch,
    PathRow,
    Refusal,
    Refused,
)
from halfmap.daemon.fake import FakeService
from halfmap.tui.screens.ask import AskScreen
from halfmap.tui.screens.choose_project import ChooseProjectScreen
from halfmap.tui.screens.edit import EditScreen
from halfmap.tui.screens.form_dialogs import ProblemsScreen, TextScreen
from halfmap.tui.screens.launch import LaunchScreen
from halfmap.tui.terminal.look import Look
from halfmap.tui.widgets.form.line_field import LineField
from halfmap.tui.widgets.form.pick_list import PickList

from .conftest import PROJECT, FormApp, until

Play = Callable[..., FormApp]


def is_at(app: FormApp, key: str) -> Callable[[], bool]:
    return lambda: app.here() == key


async def to(app: FormApp, pilot: Pilot[None], tab: str, key: str) -> None:
    """Go to a field of a tab."""
    await app.edit.open_tab(tab, key)
    await pilot.pause()
    assert app.here() == key


def test_a_number_is_edited_and_checked_and_gets_its_default_back(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Reference", "ini_high")
        await pilot.press("4", "5")
        await until(pilot, lambda: "ready to submit" in app.drawn())
        assert app.edit.form.options["ini_high"] == "45"
        await pilot.press("ctrl+r")
        assert app.edit.form.value("ini_high") == "60"
        assert app.focused.value == "60"  # type: ignore[union-attr]

    play(story)


def test_a_wrong_value_is_explained_at_its_field_below_it_and_in_its_tab(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Optimisation", "particle_diameter")
        await pilot.press("-", "5")
        await until(pilot, lambda: "Optimisation·1!" in app.drawn())
        lines = app.drawn().splitlines()
        assert "1 problem (F2)" in lines[0]
        assert any(line.startswith("!▸Mask diameter") and "is -5; give a number above" in line for line in lines)
        assert any("! is -5; give a number above 0." in line for line in lines[16:])

    play(story)


def test_ten_fields_are_in_sight_in_a_small_terminal(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Running", "do_queue")
        await pilot.press("space")
        await pilot.pause()
        page = app.edit.page
        assert page is not None
        shown = [one for one in page.fields if one.display]
        assert len(shown) >= 10
        in_sight = [one for one in shown if one.region.height == 1 and page.region.contains_region(one.region)]
        assert len(in_sight) >= 10

    play(story)


def test_what_depends_on_a_switch_comes_and_goes_with_it(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Running", "do_queue")
        assert "Queue name" not in app.drawn()
        await pilot.press("space", "tab")
        assert app.here() == "queuename"
        assert "Queue name" in app.drawn()
        await pilot.press("up", "n", "down")
        assert app.here() == "other_args"

    play(story)


def test_every_option_that_applies_is_reached_by_keys_alone(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        reached = set()
        for tab in app.edit.form.tabs:
            assert app.edit.tab == tab
            page = app.edit.page
            assert page is not None
            keys = {one.editor: one.row.key for one in page.fields}
            reached |= {keys[one] for one in app.edit.focus_chain if one in keys}
            await pilot.press("ctrl+n")
        form = app.edit.form
        assert reached == {row.key for row in form.rows if form.applies(row) and row.tab != "Helix"}
        await pilot.press("ctrl+p")
        assert app.edit.tab == "Running"

    play(story)


def test_the_tab_that_is_not_offered_says_so_in_a_sentence(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await pilot.press("alt+6")
        assert app.edit.tab == "Helix"
        assert "Helical refinement is not offered" in app.drawn()

    play(story)


def test_a_choice_is_made_in_a_list_by_arrows_or_by_typing_ahead(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Auto-sampling", "sampling")
        await pilot.press("enter", "up", "enter")
        assert app.edit.form.value("sampling") == "15 degrees"
        await pilot.press("1", ".", "enter")
        assert app.edit.form.value("sampling") == "1.8 degrees"
        await pilot.press("space", "down", "escape")
        assert app.edit.form.value("sampling") == "1.8 degrees"
        assert not app.edit.query_one(PickList).is_open

    play(story)


def test_the_coarse_step_is_told_beside_the_angular_sampling_and_below_it(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Auto-sampling", "sampling")
        await until(pilot, lambda: "30° or finer" in app.drawn())
        assert "arctan(2·60 Å/200 Å) = 31.0°: sampling of 30° or finer" in app.drawn()

    play(story)


def test_a_path_is_completed_folder_by_folder(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "I/O", "fn_ref")
        picking = app.edit.query_one(PickList)
        await pilot.press("R")
        await until(pilot, lambda: picking.texts == ("Reconstruct/",))
        await pilot.press("tab")
        await until(pilot, lambda: picking.texts == ("Reconstruct/job011/",))
        await pilot.press("enter")
        await until(pilot, lambda: len(picking.texts) == 2)
        await pilot.press("down", "enter")
        assert app.edit.form.value("fn_ref") == "Reconstruct/job011/merged.mrc"
        assert app.here() == "fn_ref"
        assert not picking.is_open

    play(story, options={})


def test_the_list_of_files_is_opened_by_ctrl_space_and_closed_by_escape_without_leaving(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        picking = app.edit.query_one(PickList)
        await pilot.press("ctrl+@")
        await until(pilot, lambda: picking.is_open)
        assert picking.texts == ("Extract/", "Reconstruct/")
        await pilot.press("escape")
        assert not picking.is_open
        await pilot.press("z", "ctrl+@")
        await until(pilot, lambda: any("no file or folder" in told for told in app.told))

    play(story, options={})


def test_what_stands_beside_a_file_is_listed_when_it_is_asked_for(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "I/O", "fn_ref")
        picking = app.edit.query_one(PickList)
        await pilot.press("ctrl+@")
        await until(pilot, lambda: picking.picked == "Reconstruct/job011/merged.mrc")
        await pilot.press("up", "enter")
        assert app.edit.form.value("fn_ref") == "Reconstruct/job011/half1.mrc"

    play(story)


def test_ten_thousand_files_are_listed_a_few_at_a_time(play: Play, service: FakeService) -> None:
    service.paths[PROJECT] = [PathRow(path=f"many{n:05d}.mrc") for n in range(10_000)]

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "I/O", "fn_ref")
        await pilot.press("m")
        picking = app.edit.query_one(PickList)
        await until(pilot, lambda: len(picking.texts) == 200)
        await pilot.press("pagedown", "pagedown")
        assert str(picking.border_subtitle) == "9 of 200"
        assert app.edit.tab == "I/O"
        assert picking.size.height <= 9

    play(story, options={})


def test_what_the_set_holds_stands_beside_the_fields_that_overrule_it(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "from the set: Extract/job010/particles" in app.drawn())
        await pilot.press("tab", "tab")
        assert app.here() == "fn_img"

    play(story)


def test_a_job_is_submitted_and_opened(play: Play, service: FakeService) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen) and "Submit this job?" in app.drawn())
        assert "200 particles" in app.drawn()
        await pilot.press("7", "down", "space", "enter")
        await until(pilot, lambda: bool(app.opened))
        assert not isinstance(app.screen, EditScreen)

    app = play(story)
    assert any("Refine3D/job001" in told for told in app.told)
    detail = service._jobs[app.opened[0]]
    assert (detail.launch, detail.row.state) == (Launch(priority=7, hold=True), "held")
    assert detail.options["fn_ref"] == "Reconstruct/job011/merged.mrc"


def test_a_wrong_form_is_not_submitted_and_its_first_problem_is_gone_to(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Running", "nr_mpi")
        await pilot.press("0", "ctrl+s")
        await pilot.press("ctrl+p", "ctrl+s")
        await until(pilot, is_at(app, "nr_mpi"))
        assert isinstance(app.screen, EditScreen)
        assert any("not submitted" in told for told in app.told)

    assert play(story).opened == []


def test_a_refusal_is_shown_at_the_field_it_names(play: Play, service: FakeService) -> None:
    async def refuse(submission: Any, key: str) -> JobRow:
        told = ('"Symmetry" (sym_name) is C1; this lab refines C6 only.', "The disc is full.")
        raise Refused(Refusal(code="refused", message="no:", problems=told))

    service.submit = refuse  # type: ignore[method-assign]

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await pilot.press("enter")
        await until(pilot, is_at(app, "sym_name"))
        assert "this lab refines C6 only" in app.drawn()
        assert "2 problems" in app.drawn()
        assert app.edit.form.options["fn_ref"] == "Reconstruct/job011/merged.mrc"

    assert play(story).opened == []


def test_a_submission_that_was_not_answered_has_the_same_key_when_it_is_sent_again(
    play: Play, service: FakeService
) -> None:
    keys, submit = list[str](), service.submit

    async def once_lost(submission: Any, key: str) -> JobRow:
        keys.append(key)
        row = await submit(submission, key)
        if len(keys) == 1:
            raise DaemonAway("it went away while it answered")
        return row

    service.submit = once_lost  # type: ignore[method-assign]

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        for times in (1, 2):
            await pilot.press("ctrl+s")
            await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
            await pilot.press("enter")
            await until(pilot, lambda times=times: len(keys) == times)  # type: ignore[misc]
        await until(pilot, lambda: bool(app.opened))

    play(story)
    assert keys[0] == keys[1]
    assert len(service._jobs) == 1


def test_a_folder_is_run_as_it_is_if_nothing_was_changed(play: Play, service: FakeService) -> None:
    row = service.add_job(PROJECT, {"fn_ref": "a.mrc", "in_optimisation": "b.star"}, followed=True, state="scheduled")

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: f"{row.name} is run as it is" in app.drawn())
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.opened))

    play(story, job_folder=row.name)
    assert [one.row.name for one in service._jobs.values()] == [row.name]


def test_problems_are_listed_and_gone_to(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "2 problems" in app.drawn())
        await pilot.press("f2")
        assert isinstance(app.screen, ProblemsScreen)
        await pilot.press("j", "enter")
        await until(pilot, is_at(app, "fn_ref"))

    play(story, options={})


def test_help_facts_and_command_can_be_read(play: Play, service: FakeService) -> None:
    service.looked_at = service.looked_at.model_copy(update={"command": ("halfmap", "refine", "--ref", "a map.mrc")})

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await pilot.press("f1")
        await until(pilot, lambda: "In job.star: in_optimisation" in app.drawn())
        assert "Ctrl+N" in app.drawn()
        await pilot.press("escape")
        await until(pilot, lambda: app.edit.findings.has_looked)
        await pilot.press("f3")
        await until(pilot, lambda: "about 2:13 h (3 runs like it)" in app.drawn())

    play(story)


def test_leaving_asks_only_if_something_was_changed(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Reference", "sym_name")
        await pilot.press("6", "escape")
        await until(pilot, lambda: isinstance(app.screen, AskScreen) and "Changed: Symmetry" in app.drawn())
        await pilot.press("enter")
        assert isinstance(app.screen, EditScreen)
        await pilot.press("escape", "y")
        await until(pilot, lambda: not isinstance(app.screen, EditScreen))

    play(story)

    async def unchanged(app: FormApp, pilot: Pilot[None]) -> None:
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, EditScreen))

    play(unchanged)


def test_pasted_text_goes_into_a_field_and_reaches_no_key(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "I/O", "use_direct_entries")
        app.post_message(events.Paste("y\x1b[2J y"))
        await pilot.pause()
        assert app.edit.form.changed == ()
        await to(app, pilot, "I/O", "fn_mask")
        app.post_message(events.Paste("Mask/\x1b]0;x\x07a.mrc\nq\ny"))
        await pilot.pause()
        assert app.edit.form.changed == ("fn_mask",)
        assert "\x1b" not in app.drawn()
        assert "\x07" not in app.drawn()
        await until(pilot, lambda: "I/O·1!" in app.drawn())

    play(story)


def test_a_read_only_session_looks_and_does_not_submit(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "read-only: nothing is submitted" in app.drawn())
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, EditScreen)
        assert any("read-only" in told for told in app.told)

    play(story, look=Look(read_only=True))


def test_a_daemon_that_goes_away_takes_nothing_that_was_typed(play: Play, service: FakeService) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "Reference", "sym_name")
        service.away = "no daemon answers."
        await pilot.press("2")
        await until(pilot, lambda: "the daemon is away" in app.drawn())
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("nothing was submitted" in told for told in app.told))
        assert app.edit.form.value("sym_name") == "C12"
        service.away = ""
        await until(pilot, lambda: "ready to submit" in app.drawn())

    play(story)


def test_keys_that_come_faster_than_they_are_answered_are_all_kept(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "I/O", "fn_mask")
        field = app.edit.query(LineField).last()
        assert app.focused is not None
        for character in "Mask/a.mrc":
            app.post_message(events.Key(character, character))
        await until(pilot, lambda: app.edit.form.value("fn_mask") == "Mask/a.mrc")
        assert app.focused.value == "Mask/a.mrc"  # type: ignore[attr-defined]
        assert field is not None

    play(story)


def lent(app: FormApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the terminal be lent, which a test has none of."""
    monkeypatch.setattr(app, "suspend", contextlib.nullcontext)


def test_the_form_is_edited_as_a_job_star(
    play: Play, editor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor("sed -i -e 's/^ *sym_name .*/sym_name C6/' -e 's/^ *ini_high .*/ini_high abc/' $1")

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        lent(app, monkeypatch)
        await pilot.press("ctrl+e")
        await until(pilot, lambda: app.edit.form.value("sym_name") == "C6")
        await until(pilot, lambda: "Reference·1!" in app.drawn())
        assert app.edit.form.options["fn_ref"] == "Reconstruct/job011/merged.mrc"
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "abc" in app.drawn())

    play(story)


def test_a_torn_file_changes_nothing_and_is_opened_again(
    play: Play, editor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor("if grep -q mine $1; then echo > $1; else echo 'mine is torn' > $1; fi")

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        lent(app, monkeypatch)
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "The form stays as it was" in app.drawn())
        assert app.edit.form.changed == ()
        assert app.edit.refused_text == "mine is torn\n"
        await pilot.press("escape", "ctrl+e")
        await until(pilot, lambda: app.edit.refused_text == "\n")

    play(story)


def test_a_terminal_that_cannot_be_lent_is_told(play: Play, editor: Callable[[str], None]) -> None:
    editor("true")

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+e")
        await until(pilot, lambda: any("cannot be lent" in told for told in app.told))

    play(story)


def test_the_project_is_asked_for_and_a_new_one_is_watched(
    play: Play, service: FakeService, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: PROJECT in app.drawn() and isinstance(app.screen, ChooseProjectScreen))
        await pilot.press("tab", *"rel", "enter")
        assert any("absolute path" in told for told in app.told)
        await pilot.press("ctrl+u", *"/new/one", "enter")
        await until(pilot, lambda: app.edit.project == "/new/one")
        assert "/new/one" in app.drawn()

    play(story, project=None)
    assert "/new/one" in service._projects


def test_the_working_directory_is_offered_first_if_it_is_a_project(
    play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "default_pipeline.star").touch()
    monkeypatch.chdir(tmp_path)

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(app.screen, ChooseProjectScreen))
        await pilot.press("enter")
        await until(pilot, lambda: app.edit.project == str(tmp_path))

    play(story, project=None)


def test_what_changes_while_the_form_is_being_opened_does_not_break_that_off(service: FakeService) -> None:
    app = FormApp(service, Look())

    async def story() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            app.push_screen(EditScreen(None))
            while not app.edit.form.rows:
                await asyncio.sleep(0)
            # its fields are being made
            app._on_change(frozenset({1}))
            await until(pilot, lambda: isinstance(app.screen, ChooseProjectScreen))

    asyncio.run(story())


def test_escape_at_the_question_for_the_project_leaves(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(app.screen, ChooseProjectScreen))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 2)

    play(story, project=None)


@pytest.mark.parametrize("size", [(1, 1), (20, 5)])
def test_the_form_survives_any_size(play: Play, size: tuple[int, int]) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+@", "escape", "ctrl+n", "f1", "escape", "f3", "escape")
        await until(pilot, lambda: app.edit.findings.has_looked)
        assert app.edit.tab == "Reference"

    play(story, size=size, options={})


def test_a_wide_terminal_shows_problems_and_command_beside_the_form(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "about 2:13 h (3 runs like it)" in app.drawn())
        assert "The job" in app.drawn()

    play(story, size=(160, 48))


def test_an_ascii_terminal_gets_ascii_alone(play: Play, service: FakeService) -> None:
    service.looked_at = FormCheck(problems=(FormProblem(key="fn_ref", message="größer als 5 Å"),))

    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.edit.findings.has_looked)
        for key in ("ctrl+@", "escape", "ctrl+n", "ctrl+n"):
            await pilot.press(key)
            lines = app.drawn().splitlines()
            assert all(line.isascii() for line in lines[:2])

    play(story, look=Look(ascii=True, theme="ansi", colours="16"))


def test_options_that_the_form_does_not_have_are_told(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: any("nonsense" in told for told in app.told))
        assert "nonsense" not in app.edit.form.options

    play(story, options={"nonsense": "1"})


def test_what_to_know_is_told_at_first(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "the joined map" in app.drawn())
        assert isinstance(app.screen, TextScreen)
        await pilot.press("enter")
        await until(pilot, lambda: "next step after Refine3D/job009" in app.drawn())

    play(story, origin="next step after Refine3D/job009", notes=("Reference: the joined map",))


def test_down_goes_from_a_file_to_the_next_field_as_from_any_other(play: Play) -> None:
    async def story(app: FormApp, pilot: Pilot[None]) -> None:
        await to(app, pilot, "I/O", "in_optimisation")
        await pilot.press("down")
        await until(pilot, lambda: key_here(app) == "use_direct_entries")

    play(story)


def key_here(app: FormApp) -> str:
    here = app.edit.page.here() if app.edit.page else None
    return here.row.key if here else ""
