from halfmap.daemon.client import FormCheck, OptionRow
from halfmap.tui.form.form import open_form
from halfmap.tui.text import form_facts

FACTS = FormCheck(
    particles=12345,
    box_px=64,
    pixel_size_angstrom=3.97,
    memory_mb=23456,
    disk_mb=812,
    seconds=8000,
    seconds_are_from="3 runs like it",
    coarse_step_deg=27.55,
    set_names={"rlnTomoParticlesFile": "run_data.star", "rlnTomoTrajectoriesFile": '""'},
)


def test_what_the_job_works_on_and_takes_fits_into_a_line() -> None:
    told = f"{form_facts.work(FACTS)} · {form_facts.cost(FACTS)}"
    assert told == "12,345 particles · 64 px · 3.97 Å/px · memory 22.9 GB · disk 812 MB · ~ 2:13 h"
    assert len(told) <= 78


def test_what_is_not_known_is_left_out() -> None:
    assert form_facts.work(FormCheck()) == form_facts.cost(FormCheck()) == ""
    assert form_facts.work(FormCheck(particles=1)) == "1 particle"


def test_the_coarse_step_is_told_with_its_formula(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {"particle_diameter": "230"})
    assert form_facts.coarse_step(form, FACTS) == "arctan(2·60 Å/230 Å) = 27.6°: sampling of 15° or finer"


def test_no_choice_is_fine_enough_for_a_step_finer_than_all(rows: tuple[OptionRow, ...]) -> None:
    form, facts = open_form(rows, {}), FormCheck(coarse_step_deg=0.05)
    assert form_facts.step_advice(form, facts) == ""
    assert form_facts.coarse_step(form, facts).endswith("= 0.1°")


def test_nothing_is_told_of_a_diameter_that_is_no_number(rows: tuple[OptionRow, ...]) -> None:
    for text in ("abc", "", "-5", "nan", "inf"):
        assert form_facts.coarse_step(open_form(rows, {"particle_diameter": text}), FACTS) == ""


def test_the_facts_in_full_say_what_the_time_rests_on_and_what_the_set_holds(rows: tuple[OptionRow, ...]) -> None:
    told = list(form_facts.in_full(open_form(rows, {}), FACTS, has_looked=True))
    assert "about 2:13 h (3 runs like it)" in told
    assert "particles of the set: run_data.star" in told
    assert "trajectories of the set: none" in told
    assert "not been looked at" in next(form_facts.in_full(open_form(rows, {}), FormCheck(), has_looked=False))


def test_a_command_has_each_option_on_a_line_and_quotes_as_a_shell_needs_them() -> None:
    command = ("mpirun", "-n", "3", "halfmap", "--ref", "a map.mrc", "--sym", "C1", "--x", "it's", "--flag")
    assert list(form_facts.command_lines(command)) == [
        "mpirun -n 3 halfmap",
        "  --ref 'a map.mrc'",
        "  --sym C1",
        "  --x 'it'\\''s'",
        "  --flag",
    ]
    assert list(form_facts.command_lines(())) == []
