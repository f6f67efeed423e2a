"""Where stacks come from."""

import numpy as np

from halfmap.engine.formats.image_source import FromFiles, FromMemory
from halfmap.engine.formats.mrc import write_stack


def stacks_in(folder, values):
    files = []
    for number, value in enumerate(values):
        files.append(folder / f"{number}.mrcs")
        write_stack(files[-1], np.full((2, 4, 4), value, np.float32), 1.0)
    return files


def test_stacks_are_read_from_their_files_each_time(tmp_path):
    files = stacks_in(tmp_path, [1.0, 2.0])
    source = FromFiles(files)
    assert source.read(1)[0, 0, 0] == 2
    write_stack(files[1], np.full((2, 4, 4), 5, np.float32), 1.0)
    assert source.read(1)[0, 0, 0] == 5


def test_copies_are_read_where_there_are_some(tmp_path):
    files = stacks_in(tmp_path, [1.0, 2.0, 3.0])
    source = FromFiles(files[:2], {1: files[2]})
    assert (source.read(0)[0, 0, 0], source.read(1)[0, 0, 0]) == (1, 3)


def test_what_is_kept_in_memory_is_read_once(tmp_path):
    files = stacks_in(tmp_path, [1.0, 2.0])
    source = FromMemory(FromFiles(files), [1])
    files[1].unlink()
    assert source.read(1)[0, 0, 0] == 2
    # others are read from where they are
    assert source.read(0)[0, 0, 0] == 1


def test_short_floats_that_are_kept_in_memory_stay_short(tmp_path):
    write_stack(tmp_path / "short.mrcs", np.ones((2, 4, 4), np.float16), 1.0)
    assert FromMemory(FromFiles([tmp_path / "short.mrcs"]), [0]).read(0).dtype == np.float16
