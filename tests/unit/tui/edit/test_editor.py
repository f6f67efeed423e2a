from collections.abc import Callable

import pytest

from halfmap.daemon.client import FormProblem, FormText, OptionRow
from halfmap.tui.form.editor import MOST_BYTES, EditorFailed, edited, editor_argv
from halfmap.tui.form.form import open_form
from halfmap.tui.form.read_back import read_back


def no_program(_name: str) -> None:
    return None


def test_visual_comes_before_editor_and_both_may_have_arguments() -> None:
    assert editor_argv({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_argv({"VISUAL": " ", "EDITOR": "'/my tools/ed' -x"}) == ["/my tools/ed", "-x"]


def test_without_either_vi_or_nano_is_taken() -> None:
    assert editor_argv({}, lambda name: f"/usr/bin/{name}") == ["/usr/bin/vi"]
    assert editor_argv({}, lambda name: "/usr/bin/nano" if name == "nano" else None) == ["/usr/bin/nano"]


def test_no_editor_and_no_command_are_told() -> None:
    with pytest.raises(EditorFailed, match="set EDITOR"):
        editor_argv({}, no_program)
    with pytest.raises(EditorFailed, match="is no command"):
        editor_argv({"EDITOR": "vi '"})


def edit_with(editor: Callable[[str], None], line: str) -> str:
    import os

    editor(line)
    return edited(editor_argv(os.environ), "one\ntwo\n", "job.star")


def test_what_the_editor_writes_is_given_back(editor: Callable[[str], None]) -> None:
    assert edit_with(editor, "sed -i s/two/2/ $1") == "one\n2\n"


def test_the_editor_is_started_without_a_shell(editor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    editor("cp $1 /dev/null")
    monkeypatch.setenv("VISUAL", f"{os.environ['VISUAL']} ';' echo '$HOME'")
    # the arguments stand before the file, as they were written
    with pytest.raises(EditorFailed, match="ended with"):
        edited(editor_argv(os.environ), "text", "job.star")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("exit 3", "ended with 3"),
        ("rm $1", "cannot be read"),
        (f"head -c {MOST_BYTES + 1} /dev/zero > $1", "more than 512 KiB"),
        ("kill -9 $$", "ended with -9"),
    ],
)
def test_an_editor_that_fails_changes_nothing(editor: Callable[[str], None], line: str, told: str) -> None:
    with pytest.raises(EditorFailed, match=f"{told}.*nothing was changed"):
        edit_with(editor, line)


def test_an_editor_that_is_not_there_is_told() -> None:
    with pytest.raises(EditorFailed, match="did not start"):
        edited(["/no/such/editor"], "text", "job.star")


def test_bytes_that_are_no_text_are_replaced(editor: Callable[[str], None]) -> None:
    assert edit_with(editor, r"printf 'a\377b' > $1") == "a\ufffdb"


def test_a_value_that_could_not_be_written_is_kept(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {"ini_high": "abc", "sym_name": "C6"})
    written = FormText(text="", problems=(FormProblem(key="ini_high", message="is 'abc'."),))
    taken = read_back(form, written, FormText(options={"sym_name": "C2"}))
    assert taken.form.options == {"ini_high": "abc", "sym_name": "C2"}
    taken = read_back(form, written, FormText(options={"ini_high": "50"}))
    assert taken.form.options == {"ini_high": "50"}


def test_what_no_field_shows_is_told(rows: tuple[OptionRow, ...]) -> None:
    problems = (FormProblem(key="nonsense", message="is no option"), FormProblem(key="ini_high", message="is 'x'."))
    taken = read_back(open_form(rows, {}), FormText(), FormText(options={"ini_high": "x"}, problems=problems))
    assert taken.sentences == ("is no option",)
    assert taken.form.value("ini_high") == "x"


def test_what_was_changed_in_the_file_counts_as_changed(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {"sym_name": "C6"})
    assert read_back(form, FormText(), FormText()).form.changed == ("sym_name",)
