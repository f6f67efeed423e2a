"""Fourier transforms of images and maps, slices and back-projection."""
