"""How fast the engine is on this machine, and how that grows: ``python -m tests.bench``."""
