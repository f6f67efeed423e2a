"""A job as its screen shows it: the course of the refinement, and the picture of all that is known."""
