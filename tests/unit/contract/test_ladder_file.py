"""A ladder's file: what it may say, and how all that is wrong with it is told."""

import pytest

from halfmap.contract.ladder_edit import with_options
from halfmap.contract.ladder_file import STEP_NAMES, BadLadder, read_ladder

LEAST = 'particles = "p.star"\ntomograms = "t.star"\nmask_diameter = 230\nbox_px = 96\n'


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(BadLadder) as caught:
        read_ladder(text)
    return caught.value.problems


def test_a_short_file_has_defaults_for_everything_else():
    ladder = read_ladder(LEAST)
    assert (ladder.binnings, ladder.symmetry, ladder.stop_below_nyquist) == ((4, 2, 1), "C1", 1.5)
    assert all(ladder.set_by_hand(4, step) == {} for step in STEP_NAMES)


def test_options_of_a_rung_win_over_those_of_all_rungs_and_are_written_as_in_a_job_star():
    ladder = read_ladder(
        f"{LEAST}[refine]\nauto_faster = false\nnr_pool = 8\nini_high = 30.0\n[bin.2.refine]\nauto_faster = true\n"
    )
    assert ladder.set_by_hand(4, "refine") == {"auto_faster": "No", "nr_pool": "8", "ini_high": "30"}
    assert ladder.set_by_hand(2, "refine") == {"auto_faster": "Yes", "nr_pool": "8", "ini_high": "30"}


def test_misspelled_entries_are_refused_all_at_once_with_what_was_meant():
    found = problems(f'{LEAST}masc = "m.mrc"\nstop_below_nyquist = -1\n[bin.2.refin]\nini_high = 3\n')
    assert [text.partition(":")[0] for text in found] == ["stop_below_nyquist", "bin.2.refin", "masc"]
    assert "did you mean mask?" in found[2]


def test_contradictions_are_told_all_at_once():
    found = problems(
        'optimisation_set = "o.star"\nparticles = "p.star"\nmask_diameter = 1\nsymmetry = "Q4"\nbinnings = [2, 4]\n'
        'first_step = "refine"\n[bin.3.refine]\nini_high = 3\n'
    )
    assert len(found) == 6
    for part in ("keep one way", "symmetry is 'Q4'", "needs a reference", "coarse to fine", "bin 3", "box_px"):
        assert sum(part in text for text in found) == 1, part


def test_options_that_a_job_does_not_have_are_refused_with_the_table_they_stand_in():
    found = problems(f"{LEAST}[extract]\nbinnning = 2\n[bin.1.refine]\nini_hig = 8\n")
    assert found == (
        "[extract] binnning: this job has no such option; did you mean binning?",
        "[bin.1.refine] ini_hig: this job has no such option; did you mean ini_high?",
    )


def test_text_that_is_no_toml_is_refused_with_its_line():
    assert "line 1" in problems("particles = p.star\n")[0]


def test_a_line_break_in_an_option_is_refused():
    assert "one line" in problems(f'{LEAST}[refine]\nother_args = "a\\nb"\n')[0]


FILE = f"# our ladder\n{LEAST}\n[bin.2.refine]  # less\nini_high = 30 # Å\n\n[refine]\nnr_pool = 8\n"


@pytest.mark.parametrize(
    ("binning", "given", "there"),
    [
        (2, {"ini_high": "25"}, {"ini_high": "25", "nr_pool": "8"}),
        (2, {"ini_high": None}, {"nr_pool": "8"}),
        (2, {"other_args": '--a "b\\c"'}, {"ini_high": "30", "nr_pool": "8", "other_args": '--a "b\\c"'}),
        (1, {"nr_pool": "4"}, {"nr_pool": "4"}),
        (1, {"nr_pool": None}, {"nr_pool": "8"}),
    ],
)
def test_an_option_is_set_in_the_text_and_the_rest_stays_as_it_is(binning, given, there):
    text = with_options(FILE, binning, "refine", given)
    assert dict(read_ladder(text).set_by_hand(binning, "refine")) == there
    assert text.startswith("# our ladder\n")
    assert "[bin.2.refine]  # less\n" in text
    untouched = 4 if binning == 2 else 2
    assert read_ladder(text).set_by_hand(untouched, "refine") == read_ladder(FILE).set_by_hand(untouched, "refine")
