import dataclasses
import json
import math
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.contract.option import (
    Bounds,
    Declarations,
    Flag,
    Option,
    When,
    declared_flags,
    declared_options,
    is_enabled,
    number_from_text,
    number_problem,
    number_text,
)
from halfmap.contract.refine3d import OPTIONS
from halfmap.contract.refine_arguments import FLAGS


class Lamp(Declarations):
    brightness: Annotated[float, Option("Running", "Brightness:", "How bright.", enabled_when=(When("on", True),))] = (
        1.0
    )
    on: Annotated[bool, Option("I/O", "On?", "Whether it shines.")] = False
    colour: Annotated[str | None, Option("Compute", "Colour:", "Which colour.")] = None
    switch_off: Annotated[bool, Flag("--off", "Computation", "Turn it off.")] = False


def test_options_are_listed_tab_by_tab_with_the_kind_of_their_value():
    assert [(one.name, one.kind, one.default) for one in declared_options(Lamp)] == [
        ("on", "switch", False),
        ("colour", "text", None),
        ("brightness", "number", 1.0),
    ]


def test_flags_and_options_of_one_model_are_told_apart():
    assert [one.declaration.flag for one in declared_flags(Lamp)] == ["--off"]


def test_an_option_is_disabled_by_the_value_of_another():
    (brightness,) = (one.declaration for one in declared_options(Lamp) if one.name == "brightness")
    assert not is_enabled(brightness, Lamp(on=False))
    assert is_enabled(brightness, Lamp(on=True))


def test_every_declaration_can_be_sent_to_another_process():
    for one in (*OPTIONS.values(), *FLAGS):
        record = dataclasses.asdict(one)
        assert json.loads(json.dumps(record))["name"] == one.name


@pytest.mark.parametrize(
    ("bounds", "value", "allowed"),
    [
        (Bounds(at_least=1), 1, True),
        (Bounds(at_least=1), 0.999, False),
        (Bounds(above=0, at_most=1), 0, False),
        (Bounds(above=0, at_most=1), 1, True),
        (Bounds(above=0, at_most=1), 1.1, False),
        (Bounds(above=0, off=-1), -1, True),
        (Bounds(above=0, off=-1), -2, False),
    ],
)
def test_bounds_allow_what_they_say(bounds, value, allowed):
    assert bounds.allow(value) is allowed


def test_a_number_out_of_bounds_is_told_with_the_bounds():
    assert number_problem(3.0, Bounds(above=0, at_most=2)) == "is 3; give a number above 0 and at most 2"
    assert number_problem(-2, Bounds(above=0, off=-1)) == "is -2; give a number above 0 (or -1: not set)"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_without_bounds_must_still_be_finite(value):
    assert "finite" in number_problem(value, None)


def test_switches_and_texts_have_no_problem_as_numbers():
    assert number_problem(True, Bounds(at_least=5)) == ""
    assert number_problem("7", Bounds(at_least=50)) == ""


@pytest.mark.parametrize(("value", "text"), [(60.0, "60"), (0.1, "0.1"), (-1.0, "-1"), (7, "7"), (1e-7, "1e-07")])
def test_numbers_are_written_as_a_person_types_them(value, text):
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back_as_it_was(value):
    assert number_from_text("number", number_text(value)) == value


@given(st.integers())
def test_a_whole_number_is_read_back_as_it_was(value):
    assert number_from_text("whole number", number_text(value)) == value


def test_a_whole_number_may_be_written_with_a_decimal_point():
    assert number_from_text("whole number", "3.0") == 3


@pytest.mark.parametrize("text", ["abc", "", "2.5", "inf", "nan", "3 4"])
def test_what_is_no_whole_number_is_told_so(text):
    with pytest.raises(ValueError, match="which is not a whole number"):
        number_from_text("whole number", text)
