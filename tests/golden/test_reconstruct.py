"""Averages of the hiv-twin set from its tilt series against RELION's."""

import subprocess
import sys

import numpy as np
import pytest

from halfmap.engine.formats.mrc import read_map
from halfmap.engine.refinement.fsc import fsc_of_maps


@pytest.mark.slow
def test_all_particles_average_to_relions_map(hiv_twin, tmp_path):
    """RELION: --b 72 --crop 36 --bin 1.5 --sym C6; a process of its own, without the checks of array shapes."""
    words = "--p truth_all.star --t tomograms.star --b 72 --crop 36 --bin 1.5 --sym C6 --j 2".split()
    command = [sys.executable, "-m", "halfmap.commands", "reconstruct", *words, "--o", f"{tmp_path}/job/"]
    ran = subprocess.run(command, cwd=hiv_twin, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    ours = read_map(tmp_path / "job" / "merged.mrc")
    relions = read_map(hiv_twin / "Reconstruct" / "job005" / "merged.mrc")
    assert ours.pixel_size_angstrom == pytest.approx(relions.pixel_size_angstrom, abs=1e-4)
    found, expected = ours.density.astype(float), relions.density.astype(float)
    # measured: 0.9999, 0.0018 and 0.99985; RELION takes the row −n/2 for the row n/2, which only the last shell feels
    assert np.vdot(found, expected) / np.vdot(found, found) == pytest.approx(1, abs=0.001)
    assert np.linalg.norm(found - expected) < 0.004 * np.linalg.norm(expected)
    assert fsc_of_maps(ours.density, relions.density)[1:].min() > 0.9995
