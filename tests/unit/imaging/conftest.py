"""A particle of random images."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.imaging.ctf import Microscope, TiltCtf
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.particle_images import load_images
from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.particles.optics import OpticsGroup

TILTS = 2


def some_ctf(tilts=TILTS):
    column = np.arange(tilts, dtype=float)
    zero = np.zeros(tilts)
    return TiltCtf(30000 + 500 * column, 29000 + 500 * column, 20 * column, zero, 3 * column, zero, 1 - 0.1 * column)


@pytest.fixture
def ctf():
    return some_ctf()


@pytest.fixture
def make_particle():
    """Images of a box on a model grid, with the settings that they were made with."""

    def make(image_box=16, image_pixel=5.0, grid=None, premultiplied=True, **changes):
        grid = grid or ModelGrid(16, 5.0)
        settings = {
            "mask_diameter_angstrom": 40.0,
            "mask_edge_px": 3,
            "zero_mask": True,
            "ctf_correction": True,
            "intact_first_peak": False,
        } | changes
        optics = OpticsGroup(1, "one", Microscope(300, 2.7, 0.1), image_pixel, image_box, premultiplied)
        stack = np.random.default_rng(9).normal(1, 1, (TILTS, image_box, image_box)).astype(np.float32)
        rotations = Rotation.random(TILTS, rng=3).as_matrix()
        image_settings = ImageSettings(**settings)
        return stack, load_images(stack, optics, grid, rotations, some_ctf(), image_settings), image_settings

    return make
