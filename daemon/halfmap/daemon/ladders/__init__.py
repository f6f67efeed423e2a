"""Ladders of binnings: files of a project that say which refinement follows which, and who climbs them."""
