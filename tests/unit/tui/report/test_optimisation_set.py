from pathlib import Path

import pytest

from halfmap.tui.report.optimisation_set import files_of_set

LIST = "# version 50001\n\ndata_\n\n_rlnTomoParticlesFile   'a b.star'\n_rlnTomoTomogramsFile  tomograms.star\n"
LOOP = "data_\n\nloop_\n_rlnTomoTomogramsFile #1\n_rlnOther #2\n_rlnTomoParticlesFile #3\nt.star x p.star\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LIST, {"particles": "a b.star", "tomograms": "tomograms.star"}),
        (LOOP, {"particles": "p.star", "tomograms": "t.star"}),
        ("data_\n\nloop_\n_rlnTomoParticlesFile #1\np.star\n", {"particles": "p.star"}),
        ("data_\n_rlnTomoParticlesFile 'torn\n", {"particles": "'torn"}),
        ("\x00\xff", {}),
        ("", {}),
    ],
)
def test_a_set_names_its_particles_and_tomograms(text: str, found: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "set.star").write_text(text)
    assert files_of_set(tmp_path / "set.star") == found


def test_a_set_that_cannot_be_read_names_nothing(tmp_path: Path) -> None:
    assert files_of_set(tmp_path) == {}
    assert files_of_set(tmp_path / "a\0b") == {}
