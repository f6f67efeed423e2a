"""Particles, their images' optics, poses and tilt series."""
