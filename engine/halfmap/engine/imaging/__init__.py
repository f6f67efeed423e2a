"""How a particle becomes tilt images: CTF, dose, masks, windows."""
