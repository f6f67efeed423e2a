"""What the shells of images are made of, one pixel after the other."""

import math


def away_from_zero(value):
    return math.floor(value + 0.5)


def half_plane(box):
    """Rows, columns and frequencies of each Hermitian pair, once."""
    for y in range(box):
        ky = y if y <= box // 2 else y - box
        for kx in range(box // 2 + 1):
            if kx > 0 or ky >= 0:
                yield y, kx, ky
