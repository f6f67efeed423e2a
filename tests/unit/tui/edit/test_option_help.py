import pytest

from halfmap.daemon.client import Bounds, OptionRow
from halfmap.tui.text import option_help


def named(rows: tuple[OptionRow, ...], key: str) -> OptionRow:
    return next(row for row in rows if row.key == key)


def test_an_option_is_told_with_key_flag_default_and_limits_in_a_line(rows: tuple[OptionRow, ...]) -> None:
    row = named(rows, "particle_diameter")
    assert option_help.names(row) == "particle_diameter · --particle_diameter · default 200 Å · above 0"
    assert option_help.beside(row) == "Å · above 0"


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (None, ""),
        (Bounds(at_least=1), "at least 1"),
        (Bounds(above=0, at_most=100), "above 0 and at most 100"),
        (Bounds(at_least=1, off=-1), "at least 1 (or -1: not set)"),
    ],
)
def test_limits_are_put_into_words(bounds: Bounds | None, words: str) -> None:
    assert option_help.limits(bounds) == words


def test_help_in_full_tells_all_that_is_declared(rows: tuple[OptionRow, ...]) -> None:
    told = "\n".join(option_help.in_full(named(rows, "sampling")))
    assert "One of: 30 degrees, 15 degrees" in told
    assert "Default: 7.5 degrees" in told
    told = "\n".join(option_help.in_full(named(rows, "in_particles")))
    assert "only while use_direct_entries is Yes" in told
    assert "A file such as *.star" in told


def test_every_option_has_a_help_a_name_and_a_title_without_its_colon(rows: tuple[OptionRow, ...]) -> None:
    for row in rows:
        assert next(option_help.in_full(row)) == row.help
        assert not option_help.title(row).endswith(":")
        assert len(option_help.title(row)) <= 37
