"""The jobs of a ladder: which there are, what they take from each other, and that each job's form takes the options."""

import pytest

from halfmap.contract.job_types import job_from_texts, problems
from halfmap.contract.ladder_file import JOB_TYPE, Ladder, read_ladder
from halfmap.contract.ladder_sampling import Reached
from halfmap.contract.ladder_steps import Known, Step, all_steps, rung_steps

TEXT = (
    'particles = "p.star"\ntomograms = "t.star"\nreference = "ref.mrc"\nmask = "m.mrc"\nsymmetry = "C6"\n'
    "mask_diameter = 230\nbox_px = 384\nsigma_tilt = 10\n"
)
REACHED = {
    4: Reached("Refine3D/job002/", 4, 21.6, 2.4),
    2: Reached("Refine3D/job007/", 2, 11.0, 1.2),
    1: Reached("Refine3D/job012/", 1, 6.0, 0.9),
}


def ladder(more: str = "", without: str = "") -> Ladder:
    return read_ladder("".join(line for line in TEXT.splitlines(True) if not (without and without in line)) + more)


def known(**more: str) -> Known:
    jobs = {"bin4.refine": "Refine3D/job002/", "bin2.center": "External/job004/", "bin2.extract": "Extract/job005/",
            "bin2.reconstruct": "Reconstruct/job006/", "bin2.refine": "Refine3D/job007/"}  # fmt: skip
    return Known(2.0, jobs | more, REACHED)


def by_name(steps: list[Step]) -> dict[str, Step]:
    return {step.name: step for step in steps}


def value(step: Step, key: str) -> str | None:
    return step.options[key].value


def test_a_ladder_from_picks_to_bin_1_has_these_steps():
    steps = [step.identity for rung in all_steps(ladder(), known()) for step in rung]
    later = ("center", "extract", "reconstruct", "refine", "postprocess")
    assert steps == [
        *(f"bin4.{name}" for name in ("extract", "refine", "postprocess")),
        *(f"bin2.{name}" for name in later),
        *(f"bin1.{name}" for name in later),
    ]


@pytest.mark.parametrize(
    ("more", "without", "first", "later"),
    [
        ('first_step = "refine"\n', "", "refine postprocess", "center extract reconstruct refine postprocess"),
        ("", "reference", "extract reconstruct refine postprocess", "center extract reconstruct refine postprocess"),
        ("", "mask =", "extract refine", "extract reconstruct refine"),
        ('symmetry = "D3"\n', "symmetry", "extract refine postprocess", "extract reconstruct refine postprocess"),
        ("centre = false\nsharpen = false\n", "", "extract refine", "extract reconstruct refine"),
    ],
)
def test_steps_that_are_not_asked_for_or_not_possible_are_left_out(more, without, first, later):
    rungs = all_steps(ladder(more, without), known())
    assert [" ".join(step.name for step in rung) for rung in rungs[:2]] == [first, later]


def test_each_step_takes_what_the_one_before_makes():
    center, extract, reconstruct, refine, postprocess = rung_steps(ladder(), 1, known())
    assert value(center, "in_part") == "Refine3D/job002/run_optimisation_set.star"
    assert value(center, "in_3dref") == "Refine3D/job002/run_class001.mrc"
    assert value(extract, "in_optimisation") == "External/job004/optimisation_set.star"
    assert value(reconstruct, "in_optimisation") == value(refine, "in_optimisation")
    assert value(refine, "in_optimisation") == "Extract/job005/optimisation_set.star"
    assert value(refine, "fn_ref") == "Reconstruct/job006/half1.mrc"
    assert value(postprocess, "fn_in") == "Refine3D/job007/run_half1_class001_unfil.mrc"
    assert [step.after for step in (center, extract, reconstruct, refine, postprocess)] == [
        ("bin4.refine",), ("bin2.center",), ("bin2.extract",), ("bin2.extract", "bin2.reconstruct"), ("bin2.refine",),
    ]  # fmt: skip


def test_the_first_rung_starts_from_a_map_from_elsewhere_and_searches_everywhere():
    refine = by_name(rung_steps(ladder(), 0, known()))["refine"]
    assert {key: value(refine, key) for key in ("fn_ref", "ref_correct_greyscale", "ini_high", "sigma_tilt")} == {
        "fn_ref": "ref.mrc", "ref_correct_greyscale": "No", "ini_high": "60", "sigma_tilt": "10",
    }  # fmt: skip
    assert (value(refine, "sampling"), value(refine, "auto_local_sampling")) == ("7.5 degrees", "1.8 degrees")


def test_a_later_rung_starts_where_the_one_before_has_ended():
    refine = by_name(rung_steps(ladder(), 1, known()))["refine"]
    assert {key: value(refine, key) for key in ("ref_correct_greyscale", "ini_high", "sampling")} == {
        "ref_correct_greyscale": "No", "ini_high": "21.6", "sampling": "7.5 degrees",
    }  # fmt: skip
    assert value(refine, "auto_local_sampling") == "7.5 degrees"
    # 2.4 Å are 0.6 px of 4 Å
    assert (value(refine, "offset_range"), value(refine, "offset_step")) == ("3", "0.45")
    assert "sigma_tilt" not in refine.options


def test_boxes_have_the_same_extent_at_every_rung():
    extents = [
        (int(value(step, "crop_size") or 0) * step.binning, int(value(step, "box_size") or 0) * step.binning)
        for rung in all_steps(ladder(), known())
        for step in rung
        if step.name in ("extract", "reconstruct")
    ]
    assert set(extents) == {(384, 768)}


def test_what_depends_on_a_rung_to_come_has_no_value_and_says_so():
    refine = by_name(rung_steps(ladder(), 2, Known(2.0, {}, {})))["refine"]
    assert not refine.is_known
    assert refine.options["ini_high"].value is None
    assert refine.options["ini_high"].why == "as soon as bin 2 has been refined"
    assert value(refine, "fn_ref") == "(bin1.reconstruct)/half1.mrc"


def test_a_box_in_angstrom_waits_for_the_pixel_size():
    text = TEXT.replace("box_px = 384", "box_angstrom = 768")
    extract = by_name(rung_steps(read_ladder(text), 0, Known(None)))["extract"]
    assert extract.options["crop_size"].value is None
    extract = by_name(rung_steps(read_ladder(text), 0, Known(2.0)))["extract"]
    assert value(extract, "crop_size") == "96"


def test_a_b_factor_is_estimated_where_there_are_shells_that_tell_it():
    sharpened = [by_name(rung)["postprocess"].options["do_auto_bfac"] for rung in all_steps(ladder(), known())]
    assert [one.value for one in sharpened] == ["No", "No", "Yes"]
    # 768 Å hold 768/6 - 768/10 = 51 shells from 10 to 6 Å
    assert sharpened[2].why == "Refine3D/job012 at bin 1 reached 6 Å: 51 shells beyond 10 Å, 3 are needed"
    by_hand = by_name(rung_steps(ladder("[postprocess]\nautob_lowres = 15\n"), 1, known()))["postprocess"]
    assert value(by_hand, "do_auto_bfac") == "Yes"
    unknown = by_name(rung_steps(ladder(), 0, Known(2.0)))["postprocess"]
    assert value(unknown, "do_auto_bfac") is None


def test_options_set_by_hand_win_and_say_where_they_were_set():
    set_by_hand = ladder("[refine]\nini_high = 33\n[bin.1.refine]\nini_high = 9\n")
    chosen = [by_name(rung)["refine"].options["ini_high"] for rung in all_steps(set_by_hand, known())]
    assert [one.value for one in chosen] == ["33", "33", "9"]
    assert [one.why for one in chosen[1:]] == [
        "set in ladder.toml, [refine]", "set in ladder.toml, [bin.1.refine]",
    ]  # fmt: skip


@pytest.mark.parametrize("more", ["", "gpu = true\n", 'first_step = "refine"\n'])
def test_every_jobs_form_takes_the_options_and_finds_nothing_wrong(more):
    for rung in all_steps(ladder(more), known()):
        for step in rung:
            kind = JOB_TYPE[step.name]
            texts = {key: one.value or "" for key, one in step.options.items()}
            assert texts.keys() <= kind.options.keys()
            job, unreadable = job_from_texts(kind, texts)
            assert [*unreadable, *problems(job)] == [], step.identity
