"""Half maps whose spectra are known."""

import numpy as np
import pytest
import scipy.fft

BOX, PIXEL = 40, 2.5


def radius_of(box):
    row = np.minimum(np.arange(box), box - np.arange(box))
    return np.sqrt(row[:, None, None] ** 2 + row[:, None] ** 2 + np.arange(box // 2 + 1) ** 2)


def shaped(random, weight):
    """White noise whose transform is multiplied by a function of the radius in shells."""
    white = random.standard_normal((BOX,) * 3)
    return scipy.fft.irfftn(scipy.fft.rfftn(white) * weight(radius_of(BOX)), s=white.shape)


@pytest.fixture
def halves():
    """Half maps of a white signal, and noise of a power that grows with the radius: FSC = 1 / (1 + noise(r))."""

    def made(noise_power, seed=1, signal=np.ones_like):
        random = np.random.default_rng(seed)
        density = shaped(random, signal)
        return tuple(density + shaped(random, lambda r: np.sqrt(noise_power(r)) * signal(r)) for _ in range(2))

    return made
