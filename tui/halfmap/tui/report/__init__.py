"""A job as one HTML file that needs nothing else: curves, slices, parameters, provenance, a paragraph of methods."""
