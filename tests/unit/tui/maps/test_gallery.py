import os
from pathlib import Path

import numpy as np
import pytest

from halfmap.tui.files import gallery as of_gallery
from halfmap.tui.files.gallery import Gallery, Wish
from halfmap.tui.files.patient import Beat
from tests.unit.tui.maps.conftest import ball

reads = of_gallery.read_slices


@pytest.fixture
def counted(monkeypatch):
    """Names of the files that were read."""
    names = []

    def read(path, offset, beat):
        names.append(Path(path).name)
        return reads(path, offset, beat)

    monkeypatch.setattr(of_gallery, "read_slices", read)
    return names


def test_a_map_is_read_once_until_it_changes_or_the_slices_move(write_map, counted):
    path, gallery = write_map(ball(16, 4)), Gallery()
    first = gallery.look(Wish(path), Beat())
    assert gallery.look(Wish(path), Beat()).slices is first.slices
    assert counted == ["map.mrc"]
    gallery.look(Wish(path, offset=(0, 0, 1)), Beat())
    os.utime(path, ns=(5, 5))
    gallery.look(Wish(path), Beat())
    assert counted == ["map.mrc"] * 3


def test_scrubbing_back_and_forth_reads_each_map_and_the_mask_once(write_map, counted):
    paths = [write_map(ball(16, 4, (0, 0, shift)), f"{shift}.mrc") for shift in range(3)]
    mask, gallery = write_map(ball(16, 5), "mask.mrc"), Gallery()
    for path in (*paths, *reversed(paths), *paths):
        gallery.look(Wish(path, paths[-1], mask), Beat())
    assert sorted(counted) == ["0.mrc", "1.mrc", "2.mrc", "mask.mrc"]


def test_all_iterations_have_the_greys_of_the_newest_map(write_map):
    old, new = write_map(1.2 * ball(16, 4), "old.mrc"), write_map(ball(16, 4), "new.mrc")
    gallery = Gallery()
    newest = gallery.look(Wish(new), Beat())
    older = gallery.look(Wish(old, new), Beat())
    assert older.greys == newest.greys
    assert not older.has_own_greys


def test_a_map_on_another_scale_has_greys_of_its_own(write_map):
    old, new = write_map(20 * ball(16, 4), "old.mrc"), write_map(ball(16, 4), "new.mrc")
    found = Gallery().look(Wish(old, new), Beat())
    assert found.has_own_greys
    assert found.greys[1] == pytest.approx(20, rel=0.1)


def test_the_offset_to_the_mask_is_told_in_angstrom(write_map):
    path, mask = write_map(ball(24, 4, (0, 0, 1.4))), write_map(ball(24, 5), "mask.mrc")
    assert Gallery().look(Wish(path, mask=mask), Beat()).z_offset_angstrom == pytest.approx(2.8, abs=0.4)


def test_the_mask_is_cut_where_the_map_is(write_map):
    path, mask = write_map(ball(24, 4)), write_map(ball(48, 8), "mask.mrc", 1.0)
    found = Gallery().look(Wish(path, mask=mask, offset=(1, -2, 3)), Beat())
    assert found.mask.offset == (2, -4, 6)


def test_without_its_mask_a_map_is_still_shown(write_map, tmp_path):
    found = Gallery().look(Wish(write_map(ball(16, 4)), mask=f"{tmp_path}/gone.mrc"), Beat())
    assert found.slices is not None
    assert found.mask is None
    assert found.trouble == "Without the mask: gone.mrc does not exist."


def test_a_map_that_cannot_be_read_is_told_by_name_without_control_characters(tmp_path):
    (tmp_path / "evil\x1b[2J.mrc").write_bytes(b"")
    found = Gallery().look(Wish(f"{tmp_path}/evil\x1b[2J.mrc"), Beat())
    assert found.slices is None
    assert found.trouble == "evil\N{REPLACEMENT CHARACTER}[2J.mrc is empty."


def test_what_is_kept_has_a_bound(write_map, monkeypatch):
    monkeypatch.setattr(of_gallery, "_MOST_BYTES", 10_000)
    path, gallery = write_map(ball(16, 4)), Gallery()
    for z in range(-8, 8):
        gallery.look(Wish(path, offset=(0, 0, z)), Beat())
    assert 3 * 16 * 16 * 4 <= gallery.bytes <= 10_000


def test_a_job_of_relion_is_looked_at_with_its_mask(relion_job):
    files = relion_job.files
    found = Gallery().look(Wish(files.iterations[-1].map, mask=files.mask), Beat())
    assert found.slices.xy.shape == (36, 36)
    assert found.mask.xy.shape == (48, 48)
    # the density's centre of mass in the mask's columns lies 7.2 Å above the mask's
    assert found.z_offset_angstrom == pytest.approx(7.2, abs=1.0)


def test_the_value_of_a_voxel_is_kept_as_it_is(relion_job):
    import mrcfile

    path = relion_job.files.iterations[0].half_maps[0]
    found = Gallery().look(Wish(path, offset=(2, 3, -4)), Beat())
    values = mrcfile.read(path)
    assert np.array_equal(found.slices.xy, values[14])
    assert np.array_equal(found.slices.xz, values[:, 21])
    assert np.array_equal(found.slices.yz, values[:, :, 20])
