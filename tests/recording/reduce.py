"""Makes recorded runs small: fewer and coarser voxels, rounded values, only the columns that are looked at."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import mrcfile
import numpy as np

from halfmap.contract import job_directory
from halfmap.contract.command_line import to_argv
from halfmap.contract.conversion import arguments_from_job
from halfmap.contract.option import value_text
from halfmap.contract.refine3d import OPTIONS
from halfmap.engine.formats.star import read_star
from tests.recording.runs import MASK, RUNS, Run

BOX_PX = 30
_LEVELS = 15
_MASK_LEVELS = 8
# the same bytes whenever it is made from the same runs
_WHEN = (2020, 1, 1, 0, 0, 0)
_ANGLES = ("rlnAngleRot", "rlnAngleTilt")


def write_recording(project: Path, path: Path) -> None:
    """Write what the demonstration shows of the runs of a project into a ZIP file."""
    mask, pixel_size = _coarser(project / MASK)
    mask = np.round(np.clip(mask, 0, 1) * _MASK_LEVELS) / _MASK_LEVELS
    support = mask > 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        _add(archive, "recording.json", json.dumps([_described(project, run) for run in RUNS]).encode())
        _add(archive, MASK, _mrc(mask.astype(np.float16), pixel_size))
        for run in RUNS:
            for name, content in _files(project, run, support):
                _add(archive, f"{run.name}{name}", content)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _WHEN), content, zipfile.ZIP_DEFLATED, 9)


def _described(project: Path, run: Run) -> dict[str, object]:
    values = {key: getattr(run.job, key) for key in OPTIONS}
    last = job_directory.data_file(project / run.name / "run", None)
    return {
        "name": run.name,
        "options": {key: value_text(value) for key, value in values.items() if value != OPTIONS[key].default},
        "arguments": to_argv(arguments_from_job(run.job, f"{run.name}run", run.name)),
        "particles": len(read_star(last)["particles"]),
    }


def _files(project: Path, run: Run, support: np.ndarray) -> Iterator[tuple[str, bytes]]:
    folder = project / run.name
    for name in ("run.out", "run.err", "run_progress.jsonl"):
        yield name, (folder / name).read_bytes()
    for path in sorted(folder.glob("run*.mrc")):
        values, pixel_size = _coarser(path)
        yield path.name, _mrc(_whole_numbers(np.where(support, values, 0)), pixel_size)
    for path in sorted(folder.glob("run*_data.star")):
        yield path.name, _particles(path)


def _coarser(path: Path) -> tuple[np.ndarray, float]:
    """Read a map without its finest frequencies, on a grid that is as fine as the rest needs."""
    with mrcfile.open(path) as file:
        values, pixel_size = np.array(file.data, dtype=np.float64), float(file.voxel_size.x)
    box = values.shape[0]
    transform = np.fft.fftshift(np.fft.fftn(values))
    begin = box // 2 - BOX_PX // 2
    kept = transform[(slice(begin, begin + BOX_PX),) * 3]
    coarse = np.fft.ifftn(np.fft.ifftshift(kept)).real * (BOX_PX / box) ** 3
    return coarse, pixel_size * box / BOX_PX


def _whole_numbers(values: np.ndarray) -> np.ndarray:
    """Scale a map to a few whole numbers, which take a tenth of the room of float32."""
    return np.round(values * (_LEVELS / np.abs(values).max())).astype(np.int8)


def _mrc(values: np.ndarray, pixel_size: float) -> bytes:
    file = io.BytesIO()
    with mrcfile.mrcinterpreter.MrcInterpreter() as written:
        written._iostream = file
        written._create_default_attributes()
        written.set_data(values)
        written.voxel_size = pixel_size
        written.header.label[:] = b""
        written.flush()
    return file.getvalue()


def _particles(path: Path) -> bytes:
    """Keep where the particles point, to a tenth of a degree, and their half sets."""
    table = read_star(path)["particles"]
    labels = [*_ANGLES, "rlnRandomSubset"]
    lines = ["# reduced for the demonstration", "", "data_particles", "", "loop_"]
    lines += [f"_{label} #{number}" for number, label in enumerate(labels, 1)]
    lines += [_row([float(table[label].iloc[row]) for label in _ANGLES], table["rlnRandomSubset"].iloc[row])
              for row in range(len(table))]  # fmt: skip
    return "\n".join([*lines, "", ""]).encode()


def _row(angles: Sequence[float], half: object) -> str:
    return " ".join([*(f"{angle:.1f}" for angle in angles), f"{half}"])
