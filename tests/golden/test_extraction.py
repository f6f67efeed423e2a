"""Extracted particles beside those that RELION extracted: images, weights, headers and STAR files."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from halfmap.commands import main
from halfmap.engine.formats.star import read_star, write_star

JOBS = {
    "job001": ("picks.star", "--b 96 --crop 48 --bin 1 --stack2d --float16 --max_dose 50"),
    "job004": ("picks_small.star", "--b 72 --crop 36 --bin 1.5 --stack2d --float16"),
    "job007": ("picks.star", "--b 64 --crop 32 --bin 2"),
}
ROWS = (0, 9, -2, -1)
"""Some particles of both tomograms."""


@pytest.fixture(scope="module", params=JOBS)
def job(request: pytest.FixtureRequest, hiv_twin: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A project with our job folder, and RELION's job folder."""
    picks, options = JOBS[request.param]
    theirs = hiv_twin / "PseudoSubtomo" / request.param
    project = tmp_path_factory.mktemp("project")
    for name in ("tomograms", "tomograms.star"):
        (project / name).symlink_to(hiv_twin / name)
    names = read_star(theirs / "particles.star")["particles"]["rlnTomoParticleName"].iloc[list(ROWS)]
    tables = read_star(hiv_twin / picks)
    tables["particles"] = tables["particles"][tables["particles"]["rlnTomoParticleName"].isin(names)]
    write_star(project / "picks.star", tables)
    words = f"--p picks.star --t tomograms.star --o PseudoSubtomo/{request.param}/ {options} --theme classic --j 2"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert main(["extract", *words.split()]) == 0
    return project, theirs


def test_star_files_are_relions_column_by_column(job: tuple[Path, Path]) -> None:
    project, theirs = job
    folder = project / "PseudoSubtomo" / theirs.name
    found, expected = read_star(folder / "particles.star"), read_star(theirs / "particles.star")
    assert found["general"] == expected["general"]
    assert found["optics"].equals(expected["optics"])
    expected = expected["particles"].iloc[list(ROWS)]
    assert list(found["particles"]) == list(expected)
    for label in expected:
        texts = list(found["particles"][label]), list(expected[label])
        try:  # RELION writes negative numbers with five decimals, and here they keep the six that they had
            np.testing.assert_allclose(*(np.array(text, float) for text in texts), atol=6e-6)
        except ValueError:
            assert texts[0] == texts[1], label
    sets = [(one / "optimisation_set.star").read_text() for one in (folder, theirs)]
    assert sets[0] == sets[1]


def test_images_and_weights_are_relions(job: tuple[Path, Path], hiv_twin: Path) -> None:
    project, theirs = job
    table = read_star(project / "PseudoSubtomo" / theirs.name / "particles.star")["particles"]
    names = [name for label in ("rlnImageName", "rlnCtfImage") if label in table for name in table[label]]
    assert len(names) == len(ROWS) * (2 if theirs.name == "job007" else 1)
    for name in names:
        with mrcfile.open(project / name) as ours, mrcfile.open(hiv_twin / name) as expected:
            assert ours.data.dtype == expected.data.dtype
            for word in ("nx", "ny", "nz", "mx", "my", "mz", "cella", "cellb", "ispg", "nlabl", "nsymbt", "origin"):
                assert ours.header[word].tolist() == expected.header[word].tolist(), word
            # the last bit of float16, and single precision
            half = expected.data.dtype == np.float16
            tolerance = {"rtol": 1e-3, "atol": 2e-3} if half else {"rtol": 0, "atol": 5e-5}
            np.testing.assert_allclose(ours.data.astype(float), expected.data.astype(float), **tolerance)
            scale = (
                np.vdot(expected.data.astype(float), ours.data.astype(float))
                / np.square(expected.data.astype(float)).sum()
            )
            assert scale == pytest.approx(1, abs=1e-4)
