"""Makes the recorded refinements of the demonstration anew: ``python -m tests.recording FOLDER``; see ``__main__``."""
