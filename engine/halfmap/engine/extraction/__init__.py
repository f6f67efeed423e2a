"""Particles out of tilt series: where they lie in the images, cutting them out, writing them as stacks or volumes."""
