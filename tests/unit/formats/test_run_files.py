"""All files of a run: their names, their order, and what points to what."""

from pathlib import Path

import numpy as np
import pytest

from halfmap.contract.command_line import from_argv
from halfmap.contract.job_directory import iteration_files, last_whole_iteration
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.formats import run_files
from halfmap.engine.formats.model_star import read_model
from halfmap.engine.formats.mrc import read_map
from halfmap.engine.formats.run_files import RunFiles
from halfmap.engine.formats.star import read_star
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.ranks.alone import Alone
from halfmap.engine.refinement.observer import Observer
from halfmap.engine.refinement.refinement import ImageSource, Refinement, SumsExchange
from halfmap.engine.refinement.regularization import Spectra
from halfmap.engine.refinement.state import Control, HalfState, Sampling, State
from halfmap.engine.sampling.symmetry import PointGroup
from halfmap.engine.setup.settings import settings_of

ROOT = "Refine3D/job012/run"
GRID = ModelGrid(16, 8.0)


class Nowhere(ImageSource):
    def read(self, particle):
        raise NotImplementedError


class Nobody(SumsExchange):
    def add_up(self, communicator, half, arrays):
        raise NotImplementedError


def some_half(value):
    ramp = np.linspace(1, 0, 9)
    return HalfState(
        np.full((16, 16, 16), value, np.float32),
        np.full((2, 9), 0.5),
        5.0,
        np.ones(2),
        np.full(192, 1 / 192),
        Spectra(ramp, ramp, ramp, ramp, ramp),
    )


@pytest.fixture
def files(project, monkeypatch):
    """A run in a project folder, which is the current one, as for every program."""
    monkeypatch.chdir(project.folder)
    (project.folder / "Refine3D/job012").mkdir(parents=True)
    words = f"--auto_refine --split_random_halves --o {ROOT} --tomograms tomograms.star --sym C1 --random_seed 1"
    arguments = from_argv(words.split())
    particles = project.read().with_half_sets(np.array([1, 2, 1]))
    refinement = Refinement(
        particles,
        GRID,
        PointGroup("C1"),
        settings_of(arguments, GRID, 2, 1),
        CpuBackend(),
        Alone(),
        Nowhere(),
        Nobody(),
        Observer(),
        np.ones((16, 16, 16), np.float32),
        has_user_mask=False,
    )
    return RunFiles(
        refinement, arguments, project.file(), {"rlnTomoManifoldsFile": "m.star", "rlnTomoTomogramsFile": "x"}
    )


def state_of(files, iteration=3):
    control = Control(iteration, 3 / 128, Sampling(2, 40.0, 16.0), current_size_px=16)
    return State(control, (some_half(1.0), some_half(2.0)), files.refinement.particles.start)


def in_job_folder():
    return {path.name for path in Path("Refine3D/job012").iterdir()}


def test_an_iteration_has_relions_files(files):
    files.write_iteration(state_of(files))
    per_half = {
        f"run_it003_half{h}_{end}" for h in (1, 2) for end in ("model.star", "class001.mrc", "class001_angdist.bild")
    }
    single = {f"run_it003_{name}.star" for name in ("data", "optimiser", "sampling", "optimisation_set")}
    assert in_job_folder() == per_half | single
    assert all(path.is_file() for path in iteration_files(ROOT, 3))
    assert last_whole_iteration(ROOT) == 3


def test_maps_models_and_particles_belong_to_their_half(files):
    files.write_iteration(state_of(files))
    for half in (1, 2):
        model = read_model(Path(f"{ROOT}_it003_half{half}_model.star"))
        assert model.map_file == f"{ROOT}_it003_half{half}_class001.mrc"
        found = read_map(Path(model.map_file))
        assert (found.density == half).all()
        assert found.pixel_size_angstrom == 8
        groups = read_star(Path(f"{ROOT}_it003_half{half}_model.star"))["model_groups"]
        # TS_02: one particle of half 1; TS_01: one of each half
        assert groups["rlnGroupNrParticles"].astype(int).tolist() == ([1, 1] if half == 1 else [0, 1])


# whoever finds the optimiser file finds everything that it names
def test_the_optimiser_file_is_written_last(files, monkeypatch):
    order = []
    for name in ("write_map", "write_model", "write_star", "write_particle_set", "write_sampling", "write_optimiser"):
        original = getattr(run_files, name)
        monkeypatch.setattr(
            run_files, name, lambda path, *rest, o=original: (order.append(Path(path).name), o(path, *rest))[1]
        )
    files.write_iteration(state_of(files))
    assert order[-1] == "run_it003_optimiser.star"
    assert len(order) == 8


def test_the_optimisation_set_points_to_this_iteration_and_passes_the_rest_on(files):
    files.write_iteration(state_of(files))
    (table,) = read_star(Path(f"{ROOT}_it003_optimisation_set.star")).values()
    assert list(table.items()) == [
        ("rlnTomoParticlesFile", f"{ROOT}_it003_data.star"),
        ("rlnTomoTomogramsFile", "tomograms.star"),
        ("rlnTomoTrajectoriesFile", ""),
        ("rlnTomoManifoldsFile", "m.star"),
    ]


def test_the_start_tells_nothing_of_posteriors(files):
    files.write_iteration(state_of(files, 0))
    assert "rlnMaxValueProbDistribution" not in read_star(Path(f"{ROOT}_it000_data.star"))["particles"]
    files.write_iteration(state_of(files, 1))
    assert "rlnMaxValueProbDistribution" in read_star(Path(f"{ROOT}_it001_data.star"))["particles"]


def test_the_final_files_have_no_iteration_in_their_names(files):
    files.write_final(state_of(files), some_half(3.0))
    files.write_unfiltered({1: np.full((16, 16, 16), 4, np.float32)}, None)
    files.write_unfiltered({2: np.full((16, 16, 16), 5, np.float32)}, None)
    assert in_job_folder() == {
        "run_class001.mrc",
        "run_class001_angdist.bild",
        "run_half1_class001_unfil.mrc",
        "run_half2_class001_unfil.mrc",
        "run_model.star",
        "run_optimiser.star",
        "run_sampling.star",
        "run_data.star",
        "run_optimisation_set.star",
    }
    assert read_map(Path(f"{ROOT}_class001.mrc")).density[0, 0, 0] == 3
    assert read_map(Path(f"{ROOT}_half2_class001_unfil.mrc")).density[0, 0, 0] == 5
    values = read_star(Path(f"{ROOT}_optimiser.star"))["optimiser_general"]
    assert values["rlnCurrentIteration"] == "-1"
    assert values["rlnModelStarFile"] == f"{ROOT}_model.star"


def test_unfiltered_maps_of_an_iteration_carry_its_number(files):
    files.write_unfiltered({1: np.zeros((16, 16, 16), np.float32)}, 7)
    assert in_job_folder() == {"run_it007_half1_class001_unfil.mrc"}
