"""Grids of orientations and offsets, symmetry, priors and random numbers."""
