"""Averages of particles whose poses are known, from tilt series (RELION: relion_tomo_reconstruct_particle)."""
