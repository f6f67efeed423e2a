"""Refinements of the hiv-twin set as RELION was started on it, to be compared with what RELION recorded."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import starfile

from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.scoring.poses import PoseScore, score_poses

BOX_EXTENT_ANGSTROM = 36 * 8.1
NAMES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")


@dataclass(frozen=True)
class Case:
    """One of RELION's recorded runs."""

    job: str
    options_file: str
    iterations: int


GLOBAL = Case("job006", "options_small.txt", 9)
LOCAL = Case("job009", "options_local.txt", 7)


@dataclass(frozen=True)
class Job:
    """A job folder, RELION's or ours."""

    folder: Path

    def star(self, name: str) -> dict[str, Any]:
        return starfile.read(self.folder / name, always_dict=True)

    def model(self, iteration: int | None, half: int = 1) -> dict[str, Any]:
        return self.star("run_model.star" if iteration is None else f"run_it{iteration:03d}_half{half}_model.star")

    def curve(self, iteration: int | None, label: str, half: int = 1) -> np.ndarray:
        model = self.model(iteration, half)
        table = "model_optics_group_1" if label == "rlnSigma2Noise" else "model_class_1"
        return model[table][label].to_numpy(float)

    def poses(self, iteration: int) -> np.ndarray:
        table = self.star(f"run_it{iteration:03d}_data.star")["particles"].sort_values("rlnTomoParticleName")
        return table[[*NAMES, "rlnMaxValueProbDistribution"]].to_numpy(float)

    def sampling(self, iteration: int) -> dict[str, float]:
        return self.star(f"run_it{iteration:03d}_sampling.star")["sampling_general"]

    def accuracy(self, iteration: int) -> tuple[float, float]:
        """What the iteration's model file says about half 1."""
        table = self.model(iteration)["model_classes"]
        row = table if isinstance(table, dict) else table.iloc[0]
        return float(row["rlnAccuracyRotations"]), float(row["rlnAccuracyTranslationsAngst"])

    @property
    def iterations(self) -> int:
        """Iterations that left files, and the last one, which left the final ones."""
        return len(list(self.folder.glob("run_it*_optimiser.star"))) - 1 + (self.folder / "run_data.star").exists()

    def score(self, truth: Path, name: str = "run_data.star") -> PoseScore:
        return score_poses(truth, self.folder / name, PointGroup("C6"))


Start = Callable[..., Job]


@pytest.fixture(scope="session")
def start(hiv_twin: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Refine in a process of its own, without the checks of array shapes that tests have."""

    def run(*words: str) -> Job:
        folder = tmp_path_factory.mktemp("golden")
        command = [sys.executable, "-m", "halfmap.engine", *words, "--o", f"{folder}/run", "--j", "2"]
        untraced = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        ran = subprocess.run(command, cwd=hiv_twin, env=untraced, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        (folder / "stdout").write_text(ran.stdout)
        return Job(folder)

    return run


def options(hiv_twin: Path, case: Case) -> list[str]:
    return (hiv_twin / case.options_file).read_text().split()
