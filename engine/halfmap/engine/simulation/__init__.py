"""Synthetic tilt series with known poses."""
