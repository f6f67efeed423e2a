"""What a run on volumes takes from an optimisation set, what it refuses, and which files it checks."""

from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest

from halfmap.contract.refine_arguments import RefineArguments, argument_problems, refusals
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set
from halfmap.engine.formats.star import write_star
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.settings import VolumeSettings
from halfmap.engine.setup.settings import settings_of
from halfmap.engine.setup.stacks import check_stacks
from halfmap.engine.setup.volumes import check_multiplicity, refuse_for_volumes, with_maps_of_set

SET = {
    "rlnTomoParticlesFile": "p.star",
    "rlnTomoReferenceMap1File": "half1.mrc",
    "rlnTomoReferenceMap2File": "half2.mrc",
    "rlnTomoReferenceMaskFile": "mask.mrc",
}


def arguments(**given):
    return RefineArguments(**{"output_root": "R/run", "optimisation_set_file": "s.star", "zero_mask": True, **given})


@pytest.mark.parametrize("are_volumes", [True, False])
def test_an_empty_reference_and_mask_come_from_the_set_and_that_is_told(are_volumes):
    found, notes = with_maps_of_set(arguments(), SET, are_volumes)
    assert (found.reference_file, found.solvent_mask_file) == ("half1.mrc", "mask.mrc")
    assert [note.split()[0] for note in notes] == ["rlnTomoReferenceMap1File", "rlnTomoReferenceMaskFile"]
    assert "half1.mrc" in notes[0]


def test_named_maps_win():
    found, notes = with_maps_of_set(arguments(reference_file="r.mrc", solvent_mask_file="m.mrc"), SET, True)
    assert (found.reference_file, found.solvent_mask_file, notes) == ("r.mrc", "m.mrc", [])


# RELION 5 never takes a mask from the set; RELION 4, which knows volumes only, does
@pytest.mark.parametrize(("are_volumes", "mask"), [(True, "mask.mrc"), (False, "")])
def test_the_mask_of_the_set_is_used_beside_a_named_reference_for_volumes_only(are_volumes, mask):
    found, _ = with_maps_of_set(arguments(reference_file="r.mrc"), SET, are_volumes)
    assert found.solvent_mask_file == mask


def test_without_any_reference_the_run_is_refused():
    with pytest.raises(BadInput, match=r"--ref is missing, and s\.star names no map"):
        with_maps_of_set(arguments(), {"rlnTomoParticlesFile": "p.star"}, True)


def test_a_set_without_a_mask_is_no_problem():
    found, notes = with_maps_of_set(arguments(reference_file="r.mrc"), {}, True)
    assert (found.solvent_mask_file, notes) == ("", [])


def test_a_continued_run_keeps_its_maps():
    continued = arguments(continue_from="R/run_it001_optimiser.star")
    assert with_maps_of_set(continued, SET, True) == (continued, [])


@pytest.mark.parametrize(
    ("given", "told"),
    [({"gpu": ""}, "--gpu"), ({"zero_mask": False}, "--zero_mask"), ({"ctf_intact_first_peak": True}, "first_peak")],
)
def test_what_is_there_for_stacks_only_is_refused(given, told):
    with pytest.raises(BadInput, match=told):
        refuse_for_volumes(arguments(**given))
    refuse_for_volumes(arguments())


@pytest.mark.parametrize(
    "given",
    [
        {"normalised_subtomograms": True, "skip_subtomogram_multiplicity": True},
        {"subtomogram_multiplicity_threshold": -1.0},
    ],
)
def test_options_of_volumes_that_exclude_each_other_are_told(given):
    plain = {"auto_refine": True, "split_random_halves": True}
    assert not argument_problems(arguments(**plain))
    assert len(argument_problems(arguments(**plain, **given))) == 1
    assert not refusals(arguments(**plain, **given))


def test_options_of_volumes_reach_their_settings():
    given = arguments(
        ctf_volumes_not_squared=True, normalised_subtomograms=True, subtomogram_multiplicity_threshold=0.5
    )
    settings = settings_of(given, ModelGrid(32, 4.0), 1, 1, are_volumes=True)
    assert settings.images.volumes == VolumeSettings(True, False, False, 0.5)


# trap 27: three times the last changes for volumes, five times for stacks
@pytest.mark.parametrize(("are_volumes", "factor"), [(True, 3.0), (False, 5.0)])
def test_the_range_of_offsets_follows_the_changes(are_volumes, factor):
    settings = settings_of(arguments(), ModelGrid(32, 4.0), 1, 1, are_volumes=are_volumes)
    assert settings.sampling.range_per_change == factor


@pytest.fixture
def volumes(tmp_path: Path):
    """Two particles whose files are right."""
    table = {
        "rlnTomoName": ["a", "a"],
        "rlnImageName": ["1.mrc", "2.mrc"],
        "rlnCtfImage": ["1w.mrc", "2w.mrc"],
        "rlnOpticsGroup": [1, 1],
    }
    optics = {"rlnOpticsGroup": [1], "rlnImagePixelSize": [4.0], "rlnImageSize": [8], "rlnImageDimensionality": [3]}
    write_star(tmp_path / "p.star", {"optics": pd.DataFrame(optics), "particles": pd.DataFrame(table)})
    for number in (1, 2):
        write(tmp_path / f"{number}.mrc", (8, 8, 8))
        write(tmp_path / f"{number}w.mrc", (16, 8, 5))
    return read_particle_set(tmp_path / "p.star", read_particle_file(tmp_path / "p.star"), None, tmp_path)


def write(path: Path, shape: tuple[int, ...]) -> None:
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(np.ones(shape, np.float32))


def test_files_that_are_right_are_accepted(volumes):
    check_stacks(volumes)


@pytest.mark.parametrize(
    ("name", "shape", "told"),
    [
        ("2.mrc", (8, 8, 6), "2.mrc: is 6 × 8 × 8, but rlnImageSize"),
        ("1w.mrc", (8, 8, 6), "1w.mrc: is 6 × 8 × 8; for a box of 8 px"),
    ],
)
def test_a_file_of_another_shape_is_named(volumes, tmp_path, name, shape, told):
    write(tmp_path / name, shape)
    with pytest.raises(BadInput, match=told):
        check_stacks(volumes)


def test_averages_need_a_multiplicity(volumes, tmp_path):
    given = arguments(normalised_subtomograms=True)
    check_multiplicity(given, volumes)
    write(tmp_path / "2w.mrc", (8, 8, 5))
    check_multiplicity(arguments(), volumes)
    with pytest.raises(BadInput, match=r"--normalised_subtomo: .*2w\.mrc holds no multiplicity"):
        check_multiplicity(given, volumes)


def test_a_missing_ctf_volume_is_named(volumes):
    gone = replace(volumes, ctf_files=(volumes.ctf_files[0], Path("nowhere.mrc")))
    with pytest.raises(BadInput, match=r"nowhere\.mrc: does not exist"):
        check_stacks(gone)
