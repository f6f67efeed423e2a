import pytest

from halfmap.tui.charts.plot import Role
from halfmap.tui.palette import PALETTES, style_of
from halfmap.tui.terminal.look import THEMES, NoTerminal, colours_of, is_utf8, look_of


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "full"),
        ({"TERM": "screen"}, "16"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "vt100"}, "16"),
        ({"TERM": "tmux-256color"}, "256"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none"),
    ],
)
def test_the_terminals_name_tells_how_many_colours_it_has(environ, colours):
    assert colours_of(environ) == colours


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "en_GB.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
        ({"LANG": "en_GB.UTF-8@euro"}, True),
        ({}, False),
        ({"LANG": "xx.NOSUCHCODE"}, False),
    ],
)
def test_ascii_is_taken_where_the_locale_is_not_utf8(environ, expected):
    assert is_utf8(environ) is expected
    assert look_of({"TERM": "xterm"} | environ, is_terminal=True).ascii is not expected


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_cannot_place_text_is_refused_with_what_to_do_instead(term):
    with pytest.raises(NoTerminal, match="halfmap list"):
        look_of({"TERM": term}, is_terminal=True)


def test_what_is_no_terminal_is_refused():
    with pytest.raises(NoTerminal, match="needs a terminal"):
        look_of({"TERM": "xterm"}, is_terminal=False)


def test_few_colours_take_the_terminals_own_unless_a_theme_is_named():
    assert look_of({"TERM": "linux"}, is_terminal=True).theme == "ansi"
    assert look_of({"TERM": "linux"}, is_terminal=True, theme="light").theme == "light"
    assert look_of({"TERM": "xterm-256color"}, is_terminal=True).theme == "dark"


def test_every_role_has_a_style_in_every_theme():
    roles = Role.__args__
    for theme in THEMES:
        assert set(PALETTES[theme]) >= set(roles)
        for role in roles:
            style_of(role, theme)
