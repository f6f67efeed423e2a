"""The steps of auto-refine and what decides about them."""
