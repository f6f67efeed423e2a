import time
from pathlib import Path

import pytest

from halfmap.tui.demo.recording import MASK, RecordedJob, files_of, reveal, unpack
from halfmap.tui.files.directions import read_directions
from halfmap.tui.files.map_slices import read_slices
from halfmap.tui.files.patient import Beat
from halfmap.tui.job.course import iterations_from


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> tuple[RecordedJob, ...]:
    return unpack(tmp_path_factory.mktemp("recording"))


@pytest.mark.usefixtures("undisturbed")
def test_the_recording_is_small_and_unpacked_at_once(tmp_path: Path) -> None:
    from halfmap.tui.demo import recording

    assert recording._RECORDING.stat().st_size < 300_000
    began = time.process_time()
    unpack(tmp_path)
    assert time.process_time() - began < 0.5


def test_it_holds_two_refinements_that_converged(recorded: tuple[RecordedJob, ...]) -> None:
    for one in recorded:
        iterations = iterations_from(one.iterations)
        assert [it.iteration for it in iterations] == list(range(1, len(iterations) + 1))
        assert iterations[-1].converged
        assert all(it.fsc and it.seconds for it in iterations)
        assert one.output.startswith("RELION version: 5.0.1 (halfmap ")
        assert one.started["event"] == "run_started"
        assert one.particles == sum(one.started["particles_per_half"])


def test_every_iteration_has_maps_and_particles_that_can_be_read(
    recorded: tuple[RecordedJob, ...], tmp_path: Path
) -> None:
    (tmp_path / MASK).parent.mkdir(parents=True)
    one = recorded[0]
    (tmp_path / one.name).mkdir(parents=True)
    last = one.iterations[-1]["iteration"]
    for iteration in (0, 3, last):
        reveal(one, tmp_path / one.name, iteration)
    files = files_of(one, tmp_path, one.name)
    assert [(it.iteration, it.is_joined) for it in files.iterations] == [(0, False), (3, False), (last, True)]
    for iteration in files.iterations:
        for path in (*iteration.half_maps, *([iteration.map] if iteration.map else [])):
            slices, _ = read_slices(path, (0, 0, 0), Beat())
            assert slices.greys[1] > slices.greys[0]
        assert read_directions(iteration.particles, Beat())[1].particles == one.particles


def test_the_mask_lies_on_the_maps_grid(recorded: tuple[RecordedJob, ...]) -> None:
    folder = recorded[0].folder
    mask, _ = read_slices(str(folder.parents[1] / MASK), (0, 0, 0), Beat())
    density, _ = read_slices(str(folder / "run_class001.mrc"), (0, 0, 0), Beat())
    assert mask.header.box_px == density.header.box_px
    assert mask.header.pixel_size_angstrom == density.header.pixel_size_angstrom
    assert (float(mask.xy.min()), float(mask.xy.max())) == (0.0, 1.0)
